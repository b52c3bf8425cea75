package transfer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/groth16x"
	"sotto/circuits/setup"
	"sotto/circuits/transfer"
)

// maxKeySize is what a wallet is asked to download at most.
const maxKeySize = 20 << 20

func localKeys(tb testing.TB) *setup.Keys {
	tb.Helper()
	keys, err := setup.LoadFrom(tb.TempDir(), setup.Circuit{
		Name:    "transfer",
		Compile: func() (*cs.R1CS, error) { return compiled().(*cs.R1CS), nil },
	}, setup.NewPhase1(setup.LocalSeed))
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

func TestProveAndVerify(t *testing.T) {
	if testing.Short() {
		t.Skip("makes keys")
	}
	keys := localKeys(t)
	var size bytes.Buffer
	if _, err := keys.Proving.WriteTo(&size); err != nil {
		t.Fatal(err)
	}
	if size.Len() > maxKeySize {
		t.Errorf("proving key has %d bytes, want at most %d", size.Len(), maxKeySize)
	}
	t.Logf("proving key %d bytes compressed, domain %d", size.Len(), keys.Proving.Domain.Cardinality)

	s := newScene()
	file, err := json.Marshal(s.Witness(s.twoAssets()))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	assignment, h, err := transfer.Assign(file)
	if err != nil {
		t.Fatal(err)
	}
	full, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := groth16x.Prove(keys.Proving, keys.R1CS, full)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("parsed and proved in %v", time.Since(start))
	if err := groth16x.Verify(keys.Verifying, []fr.Element{h}, proof); err != nil {
		t.Error(err)
	}
	if err := groth16x.Verify(keys.Verifying, []fr.Element{add(h, u(1))}, proof); !errors.Is(err, groth16x.ErrInvalid) {
		t.Errorf("another h: %v, want ErrInvalid", err)
	}

	c := assignment.(*transfer.Circuit)
	c.Tx.Fee = u(2)
	if full, err = frontend.NewWitness(c, ecc.BN254.ScalarField()); err != nil {
		t.Fatal(err)
	}
	if _, err := groth16x.Prove(keys.Proving, keys.R1CS, full); err == nil {
		t.Error("a false witness was proved")
	}
}

func BenchmarkProve(b *testing.B) {
	keys := localKeys(b)
	s := newScene()
	file, err := json.Marshal(s.Witness(s.twoAssets()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		assignment, _, err := transfer.Assign(file)
		if err != nil {
			b.Fatal(err)
		}
		full, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := groth16x.Prove(keys.Proving, keys.R1CS, full); err != nil {
			b.Fatal(err)
		}
	}
}

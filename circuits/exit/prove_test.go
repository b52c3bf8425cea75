package exit_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/exit"
	"sotto/circuits/groth16x"
	"sotto/circuits/setup"
)

func localKeys(tb testing.TB) *setup.Keys {
	tb.Helper()
	keys, err := setup.LoadFrom(tb.TempDir(), setup.Circuit{
		Name:    "exit",
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
	s := newScene()
	var proofs []groth16x.Proof
	var inputs [][]fr.Element
	for _, l := range []leaving{s.absent(), s.present()} {
		file, err := json.Marshal(s.witness(l))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		assignment, public, err := exit.Assign(file)
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
		if err := groth16x.Verify(keys.Verifying, public, proof); err != nil {
			t.Error(err)
		}
		proofs, inputs = append(proofs, proof), append(inputs, public)

		c := assignment.(*exit.Circuit)
		c.Fee = u(2)
		if full, err = frontend.NewWitness(c, ecc.BN254.ScalarField()); err != nil {
			t.Fatal(err)
		}
		if _, err := groth16x.Prove(keys.Proving, keys.R1CS, full); err == nil {
			t.Error("a false witness was proved")
		}
	}
	if err := groth16x.BatchVerify(keys.Verifying, inputs, proofs); err != nil {
		t.Error(err)
	}
	// Each public input counts: nobody redirects a payment, raises a fee or shows another nullifier.
	for j := range exit.PublicInputs {
		wrong := append([]fr.Element(nil), inputs[0]...)
		wrong[j] = add(wrong[j], u(1))
		if err := groth16x.Verify(keys.Verifying, wrong, proofs[0]); !errors.Is(err, groth16x.ErrInvalid) {
			t.Errorf("another public input %d: %v, want ErrInvalid", j, err)
		}
		var invalid *groth16x.InvalidProofsError
		err := groth16x.BatchVerify(keys.Verifying, [][]fr.Element{wrong, inputs[1]}, proofs)
		if !errors.As(err, &invalid) || len(invalid.Indices) != 1 || invalid.Indices[0] != 0 {
			t.Errorf("batch with another public input %d: %v", j, err)
		}
	}
}

func BenchmarkProve(b *testing.B) {
	keys := localKeys(b)
	s := newScene()
	file, err := json.Marshal(s.witness(s.present()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		assignment, _, err := exit.Assign(file)
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

package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/groth16x"
	"sotto/circuits/rollup/rolluptest"
	"sotto/circuits/transfer/transfertest"
)

func circuit(t testing.TB, name string) Circuit {
	t.Helper()
	c, err := Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func file(t testing.TB, witness any) []byte {
	t.Helper()
	b, err := json.Marshal(witness)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spend returns the witness file of a transfer of nothing from dummies, and its h.
func spend(t testing.TB, fill byte) ([]byte, fr.Element) {
	t.Helper()
	w := transfertest.NewWorld().Witness(transfertest.Spend{Account: transfertest.NewAccount(fill)})
	return file(t, w), w.Tx.ID()
}

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.Name] || seen[c.Library] {
			t.Errorf("%s or %s occurs twice", c.Name, c.Library)
		}
		seen[c.Name], seen[c.Library] = true, true
		if got := circuit(t, c.Name); got.Library != c.Library {
			t.Errorf("%s gives %s", c.Name, got.Library)
		}
	}
	if _, err := Get("rollup5"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "rollup4") {
		t.Errorf("unknown name: %v", err)
	}
}

func TestTransferIsProvedAndVerified(t *testing.T) {
	prover := NewProver(circuit(t, "transfer"))
	witness, h := spend(t, 1)
	if public, err := prover.Check(witness); err != nil || len(public) != 1 || public[0] != h {
		t.Fatalf("check: %v %v", public, err)
	}
	proof, public, err := prover.Prove(witness)
	if err != nil || len(public) != 1 || public[0] != h {
		t.Fatalf("prove: %v %v", public, err)
	}
	encoded := proof.Bytes()
	other := fr.NewElement(5)
	torn := encoded
	torn[3] ^= 1
	valid, err := prover.VerifyMany(
		[][]fr.Element{{h}, {other}, {h}, {h}, {h}},
		[][]byte{encoded[:], encoded[:], torn[:], encoded[:255], encoded[:]},
	)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, false, false, true} {
		if valid[i] != want {
			t.Errorf("proof %d: %v", i, valid[i])
		}
	}
	if _, err := prover.VerifyMany([][]fr.Element{{h, h}}, [][]byte{encoded[:]}); !errors.Is(err, groth16x.ErrInputCount) {
		t.Errorf("two inputs: %v", err)
	}
	if _, err := prover.VerifyMany(nil, [][]byte{encoded[:]}); !errors.Is(err, groth16x.ErrProofCount) {
		t.Errorf("no inputs: %v", err)
	}
}

func TestFalseWitnessesAreRejected(t *testing.T) {
	prover := NewProver(circuit(t, "transfer"))
	good, _ := spend(t, 1)
	stolen := transfertest.NewWorld().Witness(transfertest.Spend{
		Account: transfertest.NewAccount(1), Signer: transfertest.NewKey(9),
	})
	for name, bad := range map[string][]byte{
		"signed by another": file(t, stolen),
		"torn":              good[:len(good)/2],
		"empty":             nil,
		"of another type":   []byte("[]"),
		"deep":              []byte(strings.Repeat("[", 1<<20)),
	} {
		if _, err := prover.Check(bad); !errors.Is(err, ErrWitness) {
			t.Errorf("check of a witness %s: %v", name, err)
		}
		if _, _, err := prover.Prove(bad); !errors.Is(err, ErrWitness) {
			t.Errorf("proof of a witness %s: %v", name, err)
		}
	}
}

func TestRollupWitnessIsChecked(t *testing.T) {
	prover := NewProver(circuit(t, "rollup4"))
	ledger := rolluptest.Genesis()
	w := ledger.Epoch(0, ledger.Deposit(1, 1000), ledger.Transfer(), ledger.NoOp(), ledger.NoOp())
	public, err := prover.Check(file(t, w))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range w.Public() {
		if public[i] != want {
			t.Errorf("public input %d differs", i)
		}
	}
	if _, err := NewProver(circuit(t, "rollup16")).Check(file(t, w)); !errors.Is(err, ErrWitness) {
		t.Errorf("witness of four lanes for sixteen: %v", err)
	}
	w.Header.EpochID.SetUint64(9)
	if _, err := prover.Check(file(t, w)); !errors.Is(err, ErrWitness) {
		t.Errorf("another epoch id: %v", err)
	}
}

func TestProverServesManyAtOnce(t *testing.T) {
	prover := NewProver(circuit(t, "transfer"))
	var wg sync.WaitGroup
	for fill := range byte(3) {
		witness, h := spend(t, fill+1)
		wg.Go(func() {
			proof, public, err := prover.Prove(witness)
			if err != nil {
				t.Error(err)
				return
			}
			encoded := proof.Bytes()
			valid, err := prover.VerifyMany([][]fr.Element{public}, [][]byte{encoded[:]})
			if err != nil || !valid[0] || public[0] != h {
				t.Errorf("account %d: %v %v", fill, valid, err)
			}
		})
	}
	wg.Wait()
}

// A witness file comes from users: whatever it holds, the outcome is a solution or an error.
func FuzzCheck(f *testing.F) {
	prover := NewProver(circuit(f, "transfer"))
	good, _ := spend(f, 1)
	f.Add(good)
	f.Add([]byte(`{"tx": {"kind": 1}}`))
	f.Add([]byte(`{"inputs": [{}, {}], "inputs": 1e400}`))
	f.Fuzz(func(t *testing.T, witness []byte) {
		if _, err := prover.Check(witness); err != nil && !errors.Is(err, ErrWitness) {
			t.Fatal(err)
		}
	})
}

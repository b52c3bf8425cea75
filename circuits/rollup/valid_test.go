package rollup_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
)

var (
	compiled     = map[int]func() constraint.ConstraintSystem{4: compile(rollup.New(4)), 16: compile(rollup.New(16))}
	compiledBlob = map[int]func() constraint.ConstraintSystem{4: compile(rollup.NewBlob(4)), 16: compile(rollup.NewBlob(16))}
)

func compile(circuit frontend.Circuit) func() constraint.ConstraintSystem {
	return sync.OnceValue(func() constraint.ConstraintSystem {
		ccs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, circuit)
		if err != nil {
			panic(err)
		}
		return ccs
	})
}

// solve returns the solver's verdict on an assignment of either circuit.
func solve(t testing.TB, c frontend.Circuit) error {
	t.Helper()
	full, err := frontend.NewWitness(c, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	if inBlob, ok := c.(*rollup.BlobCircuit); ok {
		return compiledBlob[len(inBlob.Lanes)]().IsSolved(full)
	}
	return compiled[len(c.(*rollup.Circuit).Lanes)]().IsSolved(full)
}

// inMode returns the assignment of the circuit for the witness's data mode.
func inMode(w *rollup.Witness, c *rollup.Circuit) frontend.Circuit {
	if w.YData != nil {
		return &rollup.BlobCircuit{Circuit: *c}
	}
	return c
}

func assignment(t testing.TB, w *rollup.Witness) *rollup.Circuit {
	t.Helper()
	c, err := w.Assignment()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func assertValid(t *testing.T, w *rollup.Witness) {
	t.Helper()
	c := inMode(w, assignment(t, w))
	if failed, _ := auditCircuit(c); len(failed) != 0 {
		t.Fatalf("valid witness violates %v", keys(failed))
	}
	if err := solve(t, c); err != nil {
		t.Fatalf("solver: %v", err)
	}
}

func keys[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

func TestValidFour(t *testing.T) {
	g := rolluptest.Genesis()
	id, set1, set2 := g.Random(), g.Random(), g.Random()

	t.Run("no-ops", func(t *testing.T) { assertValid(t, g.Epoch(0, g.NoOp(), g.NoOp(), g.NoOp(), g.NoOp())) })

	first := g.Transfer().Pay(1, 30)
	deposit := g.Deposit(1, 500)
	w := g.Epoch(0, first, deposit, g.Forced().Withdraw(1, 9, 77), g.Account(id, fr.Element{}, set1).Pay(2, 3))
	t.Run("transfer, deposit, forced, account insert", func(t *testing.T) { assertValid(t, w) })

	second := g.Transfer().Pay(3, 8)
	chained := g.Transfer().Name(0, second.Commitments[1]).Name(1, second.Commitments[2]).Pay(3, 9)
	t.Run("chained, skipped by tree and by batch", func(t *testing.T) {
		assertValid(t, g.Epoch(1, second, chained, g.Skipped(0, first.Nullifiers[1]), g.Skipped(1, chained.Nullifiers[0])))
	})
	t.Run("replace", func(t *testing.T) {
		assertValid(t, g.Epoch(1, g.NoOp(), g.Account(id, set1, set2), g.NoOp(), g.Transfer()))
	})
}

// mixedEpoch returns an epoch with a transfer, a deposit, a chained account insertion and a skipped lane, behind one
// epoch of transfers.
func mixedEpoch() *rollup.Witness {
	_, w := mixedLedger()
	return w
}

func mixedLedger() (*rolluptest.Ledger, *rollup.Witness) {
	g := rolluptest.Genesis()
	earlier := g.Transfer()
	g.Epoch(0, earlier, g.Transfer(), g.Deposit(1, 4), g.NoOp())
	first := g.Transfer().Pay(1, 30).Withdraw(2, 9, 77)
	insert := g.Account(g.Random(), fr.Element{}, g.Random()).Pay(2, 3).Name(0, first.Commitments[2])
	return g, g.Epoch(0, first, g.Deposit(1, 500), insert, g.Skipped(1, earlier.Nullifiers[0]))
}

// The witnesses that the executable specification wrote satisfy the circuit, and their words are those of its epochs.
func TestVectors(t *testing.T) {
	const folder = "../../tests/vectors/"
	files, err := filepath.Glob(folder + "rollup-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors", err)
	}
	epochs, err := os.ReadFile(folder + "epoch.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			n := 4
			if strings.Contains(file, "rollup-16") {
				n = 16
			}
			if n == 16 && testing.Short() {
				t.Skip("compiles the circuit of 16 lanes")
			}
			parse := rollup.ParseWitness
			if strings.Contains(file, "blob") {
				parse = rollup.ParseBlobWitness
			}
			w, err := parse(n, data)
			if err != nil {
				t.Fatal(err)
			}
			assertValid(t, w)
			sealed := *w
			rolluptest.Settle(&sealed)
			if w.YData != nil {
				// z covers the blob's hash, which takes Ethereum's trusted setup.
				sealed.Z = w.Z
				rolluptest.Evaluate(&sealed)
			}
			if !reflect.DeepEqual(sealed.Public()[:5], w.Public()[:5]) {
				t.Error("c, z, y or y_data differ")
			}
			if !bytes.Contains(epochs, fmt.Appendf(nil, "%x", rolluptest.Encode(w))) {
				t.Error("words are those of no epoch")
			}
		})
	}
}

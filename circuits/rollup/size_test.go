package rollup_test

import (
	"testing"

	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"

	"sotto/circuits/rollup"
)

// A proof of 16 lanes fits 2^19 points, and with the data words in a blob 2^20; one constraint more would double its time.
const (
	domain     = 1 << 19
	blobDomain = 1 << 20
)

func TestSizeOfTheCircuits(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the circuit of 16 lanes")
	}
	for _, c := range []struct {
		ccs              constraint.ConstraintSystem
		n, limit, domain int
	}{{compiled[4](), 4, 41_000, domain}, {compiled[16](), 16, 32_700, domain}, {compiledBlob[16](), 16, 38_000, blobDomain}} {
		ccs := c.ccs
		total := ccs.GetNbConstraints()
		if total > c.n*c.limit || total+ccs.GetNbPublicVariables() > c.domain {
			t.Errorf("%d lanes: %d constraints, want at most %d a lane", c.n, total, c.limit)
		}
		if public := ccs.GetNbPublicVariables(); public != 7 {
			t.Errorf("%d public variables, want the constant 1 and six inputs", public)
		}
		if commitments := len(ccs.GetCommitments().CommitmentIndexes()); commitments != 0 {
			t.Errorf("%d commitments: the contracts expect none", commitments)
		}
	}
}

// Each public input must be in a constraint, or anyone could replace it in a proof.
func TestEveryPublicInputIsConstrained(t *testing.T) {
	for name, system := range map[string]func() constraint.ConstraintSystem{"calldata": compiled[4], "blob": compiledBlob[4]} {
		t.Run(name, func(t *testing.T) { checkPublicInputs(t, system().(*cs.R1CS)) })
	}
}

func checkPublicInputs(t *testing.T, r1cs *cs.R1CS) {
	used := make([]bool, r1cs.GetNbPublicVariables())
	constraints := r1cs.GetR1CIterator()
	for c := constraints.Next(); c != nil; c = constraints.Next() {
		for _, side := range [][]int{wires(c.L), wires(c.R), wires(c.O)} {
			for _, wire := range side {
				if wire < len(used) {
					used[wire] = true
				}
			}
		}
	}
	for wire, name := range r1cs.Public {
		if !used[wire] {
			t.Errorf("public input %s is in no constraint", name)
		}
	}
}

func TestUnsupportedLanes(t *testing.T) {
	defer func() {
		if r := recover(); r != rollup.ErrLanes(8) {
			t.Fatalf("panic %v", r)
		}
	}()
	rollup.New(8)
}

func wires(side constraint.LinearExpression) (ids []int) {
	for _, term := range side {
		ids = append(ids, term.WireID())
	}
	return ids
}

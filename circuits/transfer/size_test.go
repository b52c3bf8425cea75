package transfer_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"sotto/circuits/circuittest"
	"sotto/circuits/transfer"
)

var update = flag.Bool("update", false, "rewrite testdata/constraints.csv")

// A circuit above 2^15 constraints would double the time of every client proof.
const maxConstraints = 30_000

func TestSizeOfTheCircuit(t *testing.T) {
	cs := compiled()
	if n := cs.GetNbConstraints(); n > maxConstraints {
		t.Errorf("%d constraints, want at most %d", n, maxConstraints)
	}
	if n := cs.GetNbPublicVariables(); n != 2 {
		t.Errorf("%d public variables, want the constant 1 and h", n)
	}
	if n := len(cs.GetCommitments().CommitmentIndexes()); n != 0 {
		t.Errorf("%d commitments: the contracts expect none", n)
	}
}

// testdata/constraints.csv holds the cost of each rule alone. The total is a little lower: gnark asserts only once
// that a wire is boolean.
func TestCostOfRules(t *testing.T) {
	const file = "testdata/constraints.csv"
	base := circuittest.Compile(transfer.Only("")).GetNbConstraints()
	var csv strings.Builder
	fmt.Fprintf(&csv, "part,constraints\ntotal,%d\nderived values,%d\n", compiled().GetNbConstraints(), base)
	for _, name := range transfer.RuleNames() {
		fmt.Fprintf(&csv, "\"%s\",%d\n", name, circuittest.Compile(transfer.Only(name)).GetNbConstraints()-base)
	}
	if *update {
		if err := os.WriteFile(file, []byte(csv.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if csv.String() != string(want) {
		t.Errorf("costs changed (go test -run TestCostOfRules -update accepts them):\n%s", csv.String())
	}
}

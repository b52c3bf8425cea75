package exit_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"sotto/circuits/circuittest"
	"sotto/circuits/exit"
)

var update = flag.Bool("update", false, "rewrite testdata/constraints.csv")

// A circuit above 2^15 constraints would double the time of every proof.
const maxConstraints = 32_000

func TestSizeOfTheCircuit(t *testing.T) {
	cs := compiled()
	if n := cs.GetNbConstraints(); n > maxConstraints {
		t.Errorf("%d constraints, want at most %d", n, maxConstraints)
	}
	if n := cs.GetNbPublicVariables(); n != 1+exit.PublicInputs {
		t.Errorf("%d public variables, want the constant 1 and %d", n, exit.PublicInputs)
	}
	if n := len(cs.GetCommitments().CommitmentIndexes()); n != 0 {
		t.Errorf("%d commitments: the contracts expect none", n)
	}
}

func TestOrderOfPublicInputs(t *testing.T) {
	names, err := circuittest.WireNames(exit.New())
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(names[:exit.PublicInputs], " ")
	if want := "Domain State Nullifier AssetAndValue Recipient Executor Fee"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// testdata/constraints.csv holds the cost of each rule alone.
func TestCostOfRules(t *testing.T) {
	const file = "testdata/constraints.csv"
	base := circuittest.Compile(exit.Only("")).GetNbConstraints()
	var csv strings.Builder
	fmt.Fprintf(&csv, "part,constraints\ntotal,%d\nderived values,%d\n", compiled().GetNbConstraints(), base)
	for _, name := range exit.RuleNames() {
		fmt.Fprintf(&csv, "\"%s\",%d\n", name, circuittest.Compile(exit.Only(name)).GetNbConstraints()-base)
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

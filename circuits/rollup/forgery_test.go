package rollup_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
)

// scene is a valid witness and the state it was made from.
type scene struct {
	g *rolluptest.Ledger
	w *rollup.Witness
	// assign changes the assignment, for lies that a witness file cannot tell.
	assign func(*rollup.Circuit)
}

// forgery is a valid witness with one lie. want holds, for each source line whose constraints the lie violates, a
// part of that line; no other line may be violated. No want: the change is no lie.
type forgery struct {
	name  string
	scene func() *scene
	forge func(*scene)
	want  []string
}

// solved holds the sets of lines that the solver was seen to refuse a violation of.
var solved = map[string]bool{}

// violated collects the lines that some forgery violates, and broken those that one violates alone.
var violated, broken = map[string]bool{}, map[string]bool{}

func (f forgery) run(t *testing.T) {
	t.Helper()
	s := f.scene()
	f.forge(s)
	c := assignment(t, s.w)
	if s.assign != nil {
		s.assign(c)
	}
	circuit := inMode(s.w, c)
	failed, _ := auditCircuit(circuit)
	lines := keys(failed)
	for _, want := range f.want {
		i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, want) })
		if i < 0 {
			t.Errorf("no violation of %q", want)
			continue
		}
		if violated[lines[i]] = true; len(failed) == 1 {
			broken[lines[i]] = true
		}
		lines = slices.Delete(lines, i, i+1)
	}
	if len(lines) != 0 {
		t.Errorf("also violates %q", lines)
	}
	// The audit evaluates the same definition that was compiled, so one lie about each set of lines is enough to see
	// that compilation kept them; every truth is solved.
	if wants := strings.Join(f.want, "\n"); wants == "" || !solved[wants] {
		solved[wants] = true
		if err := solve(t, circuit); (err != nil) != (wants != "") {
			t.Errorf("solver says %v", err)
		}
	}
}

func element(v uint64) fr.Element { return fr.NewElement(v) }

func plus(e fr.Element, v int64) fr.Element {
	var d fr.Element
	d.SetInt64(v)
	return *d.Add(&d, &e)
}

func bump(e *fr.Element) { *e = plus(*e, 1) }

// mixed is the scene of mixedEpoch: transfer, deposit, account insertion, skipped.
func mixed() *scene {
	g, w := mixedLedger()
	return &scene{g: g, w: w}
}

// chain is an epoch of four transfers in which every nullifier after the first has an earlier one as low leaf, and
// the first has one of an earlier epoch.
func chain() *scene {
	g := rolluptest.Genesis()
	earlier := g.Transfer()
	g.Epoch(0, earlier, g.NoOp(), g.NoOp(), g.NoOp())
	x := earlier.Nullifiers[0]
	var lanes []*rolluptest.Lane
	for range 4 {
		l := g.Transfer()
		for i := range l.Nullifiers {
			x = plus(x, 5)
			l.Nullifiers[i] = x
		}
		lanes = append(lanes, l)
	}
	return &scene{g: g, w: g.Epoch(1, lanes...)}
}

// sparse is a no-op, a forced lane whose low leaves are in the tree, a deposit and a skipped lane both of whose
// nullifiers are in the tree.
func sparse() *scene {
	g := rolluptest.Genesis()
	earlier := g.Transfer()
	g.Epoch(0, earlier, g.NoOp(), g.NoOp(), g.NoOp())
	forced := g.Forced()
	forced.Nullifiers[0] = plus(earlier.Nullifiers[0], 1)
	forced.Nullifiers[1] = plus(earlier.Nullifiers[1], 1)
	skipped := g.Skipped(0, earlier.Nullifiers[0])
	skipped.Nullifiers[1] = earlier.Nullifiers[1]
	return &scene{g: g, w: g.Epoch(0, g.NoOp(), forced, g.Deposit(1, 8), skipped)}
}

// replacing replaces the key set of an account that two epochs ago was inserted and one epoch ago changed.
func replacing() *scene {
	g := rolluptest.Genesis()
	id, a, b, c := g.Random(), g.Random(), g.Random(), g.Random()
	g.Epoch(0, g.Account(id, fr.Element{}, a), g.NoOp(), g.NoOp(), g.NoOp())
	g.Epoch(0, g.Account(id, a, b), g.NoOp(), g.NoOp(), g.NoOp())
	return &scene{g: g, w: g.Epoch(0, g.NoOp(), g.Transfer(), g.Account(id, b, c), g.NoOp())}
}

// settled makes a forgery that changes the witness and settles all that follows.
func settled(forge func(*scene)) func(*scene) {
	return func(s *scene) {
		forge(s)
		rolluptest.Settle(s.w)
	}
}

// reopened makes a forgery that opens all leaves anew, in the forged tree, and settles.
func reopened(forge func(*scene)) func(*scene) {
	return func(s *scene) {
		forge(s)
		s.g.Reopen(s.w)
		rolluptest.Settle(s.w)
	}
}

// sealed makes a forgery that changes words and then computes only c, z and y.
func sealed(forge func(*scene)) func(*scene) {
	return func(s *scene) {
		forge(s)
		rolluptest.Seal(s.w)
	}
}

func TestScenesAreValid(t *testing.T) {
	for _, f := range []func() *scene{mixed, chain, sparse, replacing} {
		s := f()
		assertValid(t, s.w)
		s.g.Reopen(s.w)
		rolluptest.Settle(s.w)
		assertValid(t, s.w)
	}
}

func allForgeries() []forgery {
	return slices.Concat(emptyWordForgeries(), hashedWordForgeries(), kindForgeries(), feeForgeries(), expiryForgeries(),
		namedForgeries(), vectorForgeries(), headerForgeries(), newStateForgeries(), anchorForgeries(), placeForgeries(),
		nullifierForgeries(), memberForgeries(), operationForgeries())
}

// neverAlone holds the lines that no forgery violates alone, with the reason.
var neverAlone = map[string]string{
	lineKindBit: "a lane with a bit outside 0, 1 also counts as so many of its kind: words, nullifiers, anchors, operations",
	lineKindAny: "a lane of two kinds is -1 times a no-op, so its link is 0, which is no h",
	lineInTree:  "two enabled pending leaves differ in value, and a bit that is not 0, 1 violates the line on hot",
}

func TestForgeries(t *testing.T) {
	ran := 0
	for _, f := range allForgeries() {
		t.Run(f.name, func(t *testing.T) {
			ran++
			f.run(t)
		})
	}
	if ran < len(allForgeries()) || t.Failed() {
		return
	}
	_, seen := auditCircuit(assignment(t, mixed().w))
	for line := range seen {
		excused := slices.ContainsFunc(keys(neverAlone), func(part string) bool { return strings.Contains(line, part) })
		if broken[line] == excused {
			t.Errorf("broken alone: %t, excused: %t: %s", broken[line], excused, line)
		}
	}
}

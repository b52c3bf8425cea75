package rollup_test

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
)

// sixteen is an epoch of 16 lanes of every kind behind epochs of 4 and 16, so that all sizes must be rounded up: four
// anchors, four fee assets, a withdrawal, chains, skipped lanes whose nullifier was inserted earlier in the same epoch
// or is pending, and four operations: insert, insert with the first as low leaf, replace the first, and replace an
// account of an earlier epoch.
func sixteen() *scene {
	g := rolluptest.Genesis()
	old, set := g.Random(), g.Random()
	nothing := func(n int, lanes ...*rolluptest.Lane) []*rolluptest.Lane {
		for len(lanes) < n {
			lanes = append(lanes, g.NoOp())
		}
		return lanes
	}
	g.Epoch(0, nothing(4, g.Account(old, fr.Element{}, set))...)
	g.Epoch(0, nothing(16, g.Transfer(), g.Deposit(1, 3))...)
	spent := g.Transfer()
	g.Epoch(0, nothing(4, spent)...)

	id, a, b, c := g.Random(), g.Random(), g.Random(), g.Random()
	var lanes []*rolluptest.Lane
	for asset := range uint64(4) {
		l := g.Transfer().Pay(asset+1, 10*asset+1)
		l.Anchor = g.Anchors[asset]
		lanes = append(lanes, l)
	}
	chained := g.Transfer().Name(0, lanes[0].Commitments[2]).Name(1, lanes[3].Commitments[0])
	forced := g.Forced().Withdraw(1, 4, 5)
	again := g.Forced()
	again.Nullifiers = [2]fr.Element{plus(forced.Nullifiers[0], 1), plus(forced.Nullifiers[0], 2)}
	lanes = append(lanes, chained, g.Deposit(1, 500), forced, again,
		g.Account(id, fr.Element{}, a).Pay(4, 9).Name(0, chained.Commitments[0]),
		g.Skipped(1, spent.Nullifiers[0]),
		g.Account(plus(id, 1), fr.Element{}, b),
		g.Skipped(0, forced.Nullifiers[1]), g.NoOp(),
		g.Account(id, a, c), g.Account(old, set, a), g.Transfer().Withdraw(2, 7, 8))
	return &scene{g: g, w: g.Epoch(0, lanes...)}
}

func sixteenForgeries() []forgery {
	// op changes operation a and its lane's word, and nothing else.
	op := func(a int, change func(ops []rollup.WitnessOperation)) func(*scene) {
		return reopened(func(s *scene) {
			change(s.w.Operations)
			lane := []int{8, 10, 13, 14}[a]
			o := &s.w.Operations[a]
			s.w.Lanes[lane].Operation = hash.Sum(hash.OPERATION, o.ID, o.Previous, o.Preimage.Next)
		})
	}
	return []forgery{
		{"valid", sixteen, func(*scene) {}, nil},
		{"operations in another order than their lanes", sixteen, reopened(func(s *scene) {
			one, two := s.w.Lanes[8].Operation, s.w.Lanes[14].Operation
			s.w.Lanes[8].Operation, s.w.Lanes[14].Operation = two, one
		}), []string{linePreimage}},
		{"replaces a pending set that it does not know", sixteen, op(2, func(ops []rollup.WitnessOperation) {
			ops[2].Previous = element(5)
		}), []string{lineOpSet}},
		{"invents the set of a pending account", sixteen, op(2, func(ops []rollup.WitnessOperation) {
			ops[2].Previous, ops[2].LowSet = element(5), element(5)
		}), []string{lineHotSet}},
		{"next of a pending account before its successor came", sixteen, op(2, func(ops []rollup.WitnessOperation) {
			ops[2].LowNext = ops[1].LowNext
		}), []string{lineHotNext}},
		{"the same id twice", sixteen, op(1, func(ops []rollup.WitnessOperation) {
			ops[1].ID, ops[2].LowNext = ops[0].ID, ops[0].ID
		}),
			[]string{lineOpArc}},
		{"a replacement as low leaf", sixteen, op(3, func(ops []rollup.WitnessOperation) {
			ops[3].Pending, ops[3].Low, ops[3].LowNext, ops[3].LowSet = 2, ops[2].ID, ops[2].LowNext, ops[2].Preimage.Next
			ops[3].ID, ops[3].Previous = ops[2].ID, ops[2].Preimage.Next
		}), []string{lineHot}},
		{"five operations", sixteen, reopened(func(s *scene) {
			s.w.Lanes[15].Kind, s.w.Lanes[15].Operation = s.w.Lanes[14].Kind, s.w.Lanes[14].Operation
		}), []string{lineTaken}},
		{"own anchor as fifth anchor", sixteen, settled(func(s *scene) { s.w.Lanes[15].Anchor = s.w.Header.OwnAnchor }),
			[]string{lineAnchor}},
		{"note place not rounded up", sixteen, settled(func(s *scene) { s.w.Subtrees.Note.Index-- }),
			[]string{linePlace, lineAppend, lineOwnAnchor, lineNewState}},
		{"chained to a later lane", sixteen, settled(func(s *scene) { s.w.Lanes[3].Named[0] = s.w.Lanes[4].Commitments[0] }),
			[]string{lineNamed}},
	}
}

func TestSixteenLanes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the circuit of 16 lanes")
	}
	for _, f := range sixteenForgeries() {
		t.Run(f.name, f.run)
	}
}

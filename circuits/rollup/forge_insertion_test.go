package rollup_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
	"sotto/circuits/tree"
)

// nullifierForgeries: in chain, insertion k > 0 has insertion k-1 as low leaf, and 0 has a leaf of the tree.
func nullifierForgeries() []forgery {
	at := func(s *scene, k int) (*rollup.WitnessInsertion, *fr.Element) {
		lane := &s.w.Lanes[k/2]
		return &lane.Insertions[k%2], &lane.Nullifiers[k%2]
	}
	value := func(k int, v func(*scene) fr.Element) func(*scene) {
		return settled(func(s *scene) {
			_, x := at(s, k)
			*x = v(s)
		})
	}
	nullifier := func(k int) func(*scene) fr.Element {
		return func(s *scene) fr.Element { _, x := at(s, k); return *x }
	}
	return []forgery{
		{"nullifier twice in a lane", chain, value(7, nullifier(6)), []string{lineArc}},
		{"nullifier again through its predecessor", chain, reopened(func(s *scene) {
			// Insertion 7 repeats insertion 6 by the leaf before it, which insertion 6 changed to point to it.
			op, x := at(s, 7)
			before, previous := at(s, 6)
			*x = *previous
			op.Pending, op.Low, op.Next = before.Pending, before.Low, *previous
		}), []string{lineArc}},
		{"nullifier twice through a stale pending leaf", chain, reopened(func(s *scene) {
			op, x := at(s, 7)
			before, previous := at(s, 6)
			*x = *previous
			op.Pending, op.Low, op.Next = before.Pending, before.Low, before.Next
		}), []string{lineHotNext}},
		{"nullifier of an earlier lane", chain, reopened(func(s *scene) {
			op, x := at(s, 7)
			before, previous := at(s, 2)
			*x = *previous
			op.Pending, op.Low, op.Next = before.Pending, before.Low, *previous
		}), []string{lineArc}},
		{"nullifier of an earlier epoch", sparse, reopened(func(s *scene) {
			l := &s.w.Lanes[1]
			l.Nullifiers[1] = l.Insertions[1].Low
		}), []string{lineArc}},
		{"nullifier outside the arc", sparse, reopened(func(s *scene) {
			l := &s.w.Lanes[1]
			l.Nullifiers[1] = plus(l.Insertions[1].Next, 1)
		}), []string{lineArc}},
		{"nullifier equal to next", sparse, reopened(func(s *scene) {
			l := &s.w.Lanes[1]
			l.Nullifiers[1] = l.Insertions[1].Next
		}), []string{lineArc}},
		{"nullifier 0 from below", sparse, zeroNullifier(3), []string{lineArc}},
		{"nullifier 0 from itself", sparse, zeroNullifier(0), []string{lineArc}},
		{"stale low leaf", twins, reopened(func(s *scene) {
			// Both insertions used to share the low leaf: the second pretends that the first did not change it.
			one, two := &s.w.Lanes[0].Insertions[0], &s.w.Lanes[1].Insertions[0]
			two.Low, two.Next, two.Index, two.Pending = one.Low, one.Next, one.Index, rollup.NoPending
			s.w.Lanes[1].Insertions[1].Next = two.Next
		}), []string{lineChild}},
		{"double spend through a stale low leaf", twins, reopened(func(s *scene) {
			one, two := &s.w.Lanes[0].Insertions[0], &s.w.Lanes[1].Insertions[0]
			s.w.Lanes[1].Nullifiers[0] = s.w.Lanes[0].Nullifiers[0]
			two.Low, two.Next, two.Index, two.Pending = one.Low, one.Next, one.Index, rollup.NoPending
			after := &s.w.Lanes[1].Insertions[1]
			s.w.Lanes[1].Nullifiers[1], after.Low, after.Next = plus(s.w.Lanes[1].Nullifiers[0], 2), s.w.Lanes[1].Nullifiers[0], two.Next
		}), []string{lineChild}},
		{"low leaf in another tree", sparse, settled(func(s *scene) {
			l := &s.w.Lanes[1]
			bump(&l.Insertions[1].Path[15][3])
			s.w.Subtrees.Nullifier.Path[13][3] = l.Insertions[1].Path[15][3]
			// The skipped lane opens the tree after that.
			for i := range s.w.Lanes[3].Insertions {
				s.w.Lanes[3].Insertions[i].Path[15][3] = l.Insertions[1].Path[15][3]
			}
		}), []string{lineBefore}},
		{"empty leaf as low leaf", sparse, reopened(func(s *scene) {
			op := &s.w.Lanes[1].Insertions[1]
			op.Index, op.Low, op.Next = 7, fr.Element{}, plus(s.w.Lanes[1].Nullifiers[1], 1)
			s.w.Lanes[1].Nullifiers[1] = element(4)
			op.Next = element(9)
		}), []string{lineChild}},
		{"invented low leaf", sparse, reopened(func(s *scene) {
			op := &s.w.Lanes[1].Insertions[1]
			op.Low = plus(op.Low, -1)
		}), []string{lineChild}},
		{"wrong digit", sparse, reopened(func(s *scene) {
			s.w.Lanes[1].Insertions[1].Index ^= 1 << 9
		}), []string{lineChild}},
		{"disabled lane's value 0 as low leaf", sparse, reopened(func(s *scene) {
			// The no-op's insertion may hold any next; a spent nullifier then fits between 0 and it.
			s.w.Lanes[0].Insertions[0].Next = element(100)
			s.w.Lanes[1].Nullifiers[1] = element(50)
			op := &s.w.Lanes[1].Insertions[1]
			op.Pending, op.Low, op.Next = 0, fr.Element{}, element(100)
		}), []string{lineHot}},
		{"skipped lane's nullifier as low leaf", skippedFirst, reopened(func(s *scene) {
			l := &s.w.Lanes[1]
			skipped := &s.w.Lanes[0]
			op := &l.Insertions[1]
			op.Pending, op.Low, op.Next = 1, skipped.Nullifiers[1], skipped.Insertions[1].Next
			// The other nullifier of the skipped lane is not in the tree.
			skipped.Insertions[1].Next = plus(skipped.Nullifiers[1], 100)
			op.Next = skipped.Insertions[1].Next
			l.Nullifiers[1] = plus(skipped.Nullifiers[1], 50)
		}), []string{lineHot}},
		{"pending leaf with another value", chain, settled(func(s *scene) {
			op, _ := at(s, 7)
			bump(&op.Low)
		}), []string{lineHotLow}},
		{"pending leaf with another next", chain, settled(func(s *scene) {
			op, _ := at(s, 7)
			bump(&op.Next)
		}), []string{lineHotNext}},
		{"two pending leaves", chain, func(s *scene) {
			s.assign = func(c *rollup.Circuit) { c.Lanes[3].Insertions[1].Hot[0] = 1 }
		}, []string{lineHotLow, lineHotNext, lineInTree, lineBefore, lineAppend, lineNewState}},
		{"pending leaf taken minus once", chain, func(s *scene) {
			s.assign = func(c *rollup.Circuit) { c.Lanes[3].Insertions[1].Hot[6] = -1 }
		}, []string{lineHot, lineInTree, lineBefore, lineAppend, lineNewState}},
		{"neither pending nor in the tree", chain, func(s *scene) {
			s.assign = func(c *rollup.Circuit) { c.Lanes[3].Insertions[1].Hot[6] = 0 }
		}, []string{lineBefore, lineAppend, lineNewState}},
		{"disabled insertion with a choice of pending leaf", transferFirst, settled(func(s *scene) {
			// It writes back what it reads, so nothing follows from it.
			op, from := &s.w.Lanes[1].Insertions[0], &s.w.Lanes[0]
			op.Pending, op.Low, op.Next = 1, from.Nullifiers[1], from.Insertions[1].Next
		}), nil},
		{"disabled insertion with any content", transferFirst, settled(func(s *scene) {
			s.w.Lanes[1].Insertions[0].Low, s.w.Lanes[1].Insertions[0].Next = element(3), element(4)
		}), nil},
	}
}

// zeroNullifier gives the last insertion of the forced lane the nullifier 0 with a genesis leaf as low leaf.
func zeroNullifier(genesis uint64) func(*scene) {
	return reopened(func(s *scene) {
		item, _ := s.g.Nullifiers.Item(genesis)
		op := &s.w.Lanes[1].Insertions[1]
		// No lane of the scene changes this leaf, or only lanes that the forgery replaces.
		op.Low, op.Next, op.Index = item.Value, item.Next, genesis
		s.w.Lanes[1].Nullifiers[1] = fr.Element{}
	})
}

// twins has two lanes whose first nullifiers share a low leaf of the tree: the second's is below the first's.
func twins() *scene {
	g := rolluptest.Genesis()
	earlier := g.Transfer()
	g.Epoch(0, earlier, g.NoOp(), g.NoOp(), g.NoOp())
	one, two := g.Forced(), g.Forced()
	x := earlier.Nullifiers[0]
	one.Nullifiers, two.Nullifiers = [2]fr.Element{plus(x, 9), plus(x, 10)}, [2]fr.Element{plus(x, 5), plus(x, 6)}
	return &scene{g: g, w: g.Epoch(0, one, two, g.NoOp(), g.NoOp())}
}

// transferFirst is a transfer before no-ops.
func transferFirst() *scene {
	g := rolluptest.Genesis()
	return &scene{g: g, w: g.Epoch(0, g.Transfer(), g.NoOp(), g.NoOp(), g.NoOp())}
}

// memberForgeries: in sparse both nullifiers of skipped lane 3 are in the tree; insertion 0 is the one marked.
func memberForgeries() []forgery {
	return []forgery{
		{"the other nullifier marked", sparse, reopened(func(s *scene) {
			l := &s.w.Lanes[3]
			forced := &s.w.Lanes[1]
			l.Member = 1
			op := &l.Insertions[1]
			op.Low, op.Next, op.Index = l.Nullifiers[1], forced.Nullifiers[1], forced.Insertions[1].Index
		}), nil},
		{"skipped though the nullifier is new", sparse, settled(func(s *scene) { bump(&s.w.Lanes[3].Nullifiers[0]) }), []string{lineMember}},
		{"skipped by an invented leaf", sparse, settled(func(s *scene) {
			l := &s.w.Lanes[3]
			l.Nullifiers[0] = element(77)
			l.Insertions[0].Low = element(77)
		}), []string{lineChild}},
		{"skipped by a leaf of an invented tree", sparse, func(s *scene) {
			l := &s.w.Lanes[3]
			l.Nullifiers[0], l.Insertions[0].Low, l.Insertions[0].Index = element(77), element(77), 0
			invented := tree.New(tree.NullifierDepth)
			err := invented.Set(0, hash.Sum(hash.NULLIFIER_LEAF, element(77), l.Insertions[0].Next))
			place := &s.w.Subtrees.Nullifier
			l.Insertions[0].Path, _ = invented.Path(0)
			place.Path, _ = invented.SubtreePath(2, place.Index)
			if err != nil {
				panic(err)
			}
			rolluptest.Settle(s.w)
		}, []string{lineBefore}},
		{"skipped by a disabled insertion", sparse, settled(func(s *scene) {
			l := &s.w.Lanes[3]
			l.Nullifiers[0] = fr.Element{}
			l.Insertions[0].Pending, l.Insertions[0].Low, l.Insertions[0].Next = 0, fr.Element{}, fr.Element{}
		}), []string{lineHot}},
		{"skipped with no nullifier marked", sparse, settled(func(s *scene) { s.w.Lanes[3].Member = rollup.None }), []string{lineMemberSum}},
		{"skipped with both marked", sparse, func(s *scene) {
			markBoth(s, [2]frontend.Variable{1, 1})
		}, []string{lineMemberSum}},
		{"marked twice and minus once", sparse, func(s *scene) {
			markBoth(s, [2]frontend.Variable{2, -1})
		}, []string{lineMemberBit}},
		{"forced lane marked", sparse, func(s *scene) {
			s.assign = func(c *rollup.Circuit) { c.Lanes[1].Member = [2]frontend.Variable{1, 0} }
		}, []string{lineMemberSum, lineMember, lineBefore}},
		{"forced though the nullifier is in the tree", sparse, reopened(func(s *scene) {
			s.w.Lanes[1].Nullifiers[1] = s.w.Lanes[1].Insertions[1].Low
		}), []string{lineArc}},
	}
}

// markBoth marks both nullifiers of the skipped lane of sparse, with openings of both.
func markBoth(s *scene, member [2]frontend.Variable) {
	forced, l := &s.w.Lanes[1], &s.w.Lanes[3]
	one, err := s.w.Assignment()
	if err != nil {
		panic(err)
	}
	l.Member = 1
	l.Insertions[1].Low, l.Insertions[1].Next = l.Nullifiers[1], forced.Nullifiers[1]
	l.Insertions[1].Index = forced.Insertions[1].Index
	s.g.Reopen(s.w)
	rolluptest.Settle(s.w)
	s.assign = func(c *rollup.Circuit) {
		c.Lanes[3].Insertions[0], c.Lanes[3].Member = one.Lanes[3].Insertions[0], member
	}
}

// operationForgeries: in replacing lane 2 replaces a key set, in mixed lane 2 inserts an account, in chain there is
// no operation.
func operationForgeries() []forgery {
	operation := func(change func(*scene, *rollup.WitnessOperation)) func(*scene) {
		return reopened(func(s *scene) {
			op := &s.w.Operations[0]
			change(s, op)
			s.w.Lanes[2].Operation = hash.Sum(hash.OPERATION, op.ID, op.Previous, op.Preimage.Next)
		})
	}
	return []forgery{
		{"previous set is not the current one", replacing, operation(func(_ *scene, op *rollup.WitnessOperation) {
			op.Previous = element(8)
		}), []string{lineOpSet}},
		{"replay: previous is an older set", replacing, operation(func(s *scene, op *rollup.WitnessOperation) {
			op.Previous, op.LowSet = element(8), element(8)
		}), []string{lineChild}},
		{"replaced though absent", replacing, operation(func(_ *scene, op *rollup.WitnessOperation) {
			bump(&op.ID)
		}), []string{lineOpLow}},
		{"inserted though present", replacing, operation(func(_ *scene, op *rollup.WitnessOperation) {
			op.Previous = fr.Element{}
		}), []string{lineOpArc}},
		{"inserted outside the arc", mixed, operation(func(_ *scene, op *rollup.WitnessOperation) {
			op.ID = plus(op.LowNext, 3)
		}), []string{lineOpArc}},
		{"id is a genesis value", mixed, operation(func(_ *scene, op *rollup.WitnessOperation) {
			op.ID = op.Low
		}), []string{lineOpArc}},
		{"new set 0", mixed, operation(func(_ *scene, op *rollup.WitnessOperation) {
			op.Preimage.Next = fr.Element{}
		}), []string{lineNewZero}},
		{"new set 0 replaces", replacing, operation(func(_ *scene, op *rollup.WitnessOperation) {
			op.Preimage.Next = fr.Element{}
		}), []string{lineNewZero}},
		{"low leaf in another account tree", mixed, settled(func(s *scene) {
			op := &s.w.Operations[0]
			bump(&op.Path[13][3])
			s.w.Subtrees.Account.Path[13][3] = op.Path[13][3]
		}), []string{lineBefore}},
		{"low leaf with another set", mixed, operation(func(_ *scene, op *rollup.WitnessOperation) {
			bump(&op.LowSet)
		}), []string{lineChild}},
		{"preimage of another id", mixed, reopened(func(s *scene) { bump(&s.w.Operations[0].ID) }), []string{linePreimage}},
		{"preimage of another new set", mixed, reopened(func(s *scene) { bump(&s.w.Operations[0].Preimage.Next) }), []string{linePreimage}},
		{"preimage of another previous set", replacing, reopened(func(s *scene) {
			bump(&s.w.Operations[0].Previous)
		}), []string{linePreimage, lineOpSet}},
		{"operation word of another hash", mixed, settled(func(s *scene) { bump(&s.w.Lanes[2].Operation) }), []string{linePreimage}},
		{"operation word 0", mixed, settled(func(s *scene) { s.w.Lanes[2].Operation = fr.Element{} }), []string{linePreimage}},
		{"two operations in one slot", mixed, settled(func(s *scene) {
			s.w.Lanes[0].Kind, s.w.Lanes[0].Operation = s.w.Lanes[2].Kind, s.w.Lanes[2].Operation
		}), []string{lineTaken}},
		{"id of an unused operation", chain, settled(func(s *scene) { s.w.Operations[0].ID = element(1) }), []string{lineUnusedID}},
		{"new set of an unused operation", chain, settled(func(s *scene) { s.w.Operations[0].Preimage.Next = element(1) }), []string{lineUnused}},
		{"previous of an unused operation", chain, settled(func(s *scene) { s.w.Operations[0].Previous = element(1) }), nil},
	}
}

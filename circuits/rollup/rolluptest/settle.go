package rolluptest

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
)

type pendingLeaf struct{ value, next, set fr.Element }

// Settle computes everything that follows from the old state, the lanes and their openings, whether these are honest
// or not: links of transactions, fee totals, queue end, new state, own anchor, c, z and y. It checks nothing. After a
// change of a valid witness, Settle leaves only that change to be found.
func Settle(w *rollup.Witness) {
	Relink(w)
	h := &w.Header
	n := len(w.Lanes)
	h.OldState = StateHash(&w.Old)
	h.QueueEnd, h.FeeTotals = h.QueueStart, [rollup.FeeSlots]fr.Element{}
	one := fr.One()
	var notes []fr.Element
	for l := range w.Lanes {
		lane := &w.Lanes[l]
		kind := Kind(lane)
		if isQueued(kind) {
			h.QueueEnd.Add(&h.QueueEnd, &one)
		}
		if isDirect(kind) && lane.FeeSlot != rollup.None {
			total := &h.FeeTotals[lane.FeeSlot]
			total.Add(total, &lane.Fee)
		}
		if kind == rollup.KindSkipped {
			notes = append(notes, fr.Element{}, fr.Element{}, fr.Element{}, fr.Element{})
		} else {
			notes = append(notes, lane.Commitments[0], lane.Commitments[1], lane.Commitments[2], fr.Element{})
		}
	}
	next := w.Old
	next.NoteRoot, next.NoteSize = place(&w.Subtrees.Note, notes)
	leaves := settleNullifiers(w)
	next.NullifierRoot, next.NullifierSize = place(&w.Subtrees.Nullifier, leaves)
	accounts := settleOperations(w)
	next.AccountRoot, next.AccountSize = place(&w.Subtrees.Account, accounts[:n/4])
	h.OwnAnchor = AnchorHash(h.EpochID, next.NoteRoot, next.AccountRoot)
	next.RootRoot, next.RootSize = place(&w.Subtrees.Root, []fr.Element{h.OwnAnchor})
	h.NewState = StateHash(&next)
	Seal(w)
}

func place(at *rollup.Opening, leaves []fr.Element) (root, size fr.Element) {
	size.SetUint64((at.Index + 1) * uint64(len(leaves)))
	return Climb(Fold(leaves), at), size
}

func settleNullifiers(w *rollup.Witness) (leaves []fr.Element) {
	var pending []pendingLeaf
	for l := range w.Lanes {
		lane := &w.Lanes[l]
		for i, x := range lane.Nullifiers {
			op := &lane.Insertions[i]
			if lane.Inserts() && op.Pending != rollup.NoPending && op.Pending < len(pending) {
				pending[op.Pending].next = x
			}
			pending = append(pending, pendingLeaf{value: x, next: op.Next})
		}
	}
	for l := range w.Lanes {
		for i := range 2 {
			var leaf fr.Element
			if p := pending[2*l+i]; w.Lanes[l].Inserts() {
				leaf = hash.Sum(hash.NULLIFIER_LEAF, p.value, p.next)
			}
			leaves = append(leaves, leaf)
		}
		leaves = append(leaves, fr.Element{}, fr.Element{})
	}
	return leaves
}

func settleOperations(w *rollup.Witness) (leaves []fr.Element) {
	used := 0
	for l := range w.Lanes {
		if Kind(&w.Lanes[l]) == rollup.KindAccount {
			used++
		}
	}
	var pending []pendingLeaf
	for a := range w.Operations {
		op := &w.Operations[a]
		insert := a < used && op.Previous.IsZero()
		if a < used && op.Pending != rollup.NoPending && op.Pending < len(pending) {
			opened := &pending[op.Pending]
			if insert {
				opened.next, opened.set = op.ID, op.LowSet
			} else {
				opened.next, opened.set = op.LowNext, op.Next
			}
		}
		pending = append(pending, pendingLeaf{op.ID, op.LowNext, op.Next})
	}
	for a, p := range pending {
		var leaf fr.Element
		if a < used && w.Operations[a].Previous.IsZero() {
			leaf = hash.Sum(hash.ACCOUNT_LEAF, p.value, p.next, p.set)
		}
		leaves = append(leaves, leaf)
	}
	return leaves
}

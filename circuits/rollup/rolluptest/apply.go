package rolluptest

import (
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/rollup"
	"sotto/circuits/tree"
)

// State returns roots and sizes of the four trees.
func (g *Ledger) State() (t rollup.Trees[fr.Element]) {
	t.NoteRoot, t.NullifierRoot = g.Notes.Root(), g.Nullifiers.Root()
	t.RootRoot, t.AccountRoot = g.Roots.Root(), g.Accounts.Root()
	t.NoteSize.SetUint64(g.Notes.Size())
	t.NullifierSize.SetUint64(g.Nullifiers.Size())
	t.RootSize.SetUint64(g.Roots.Size())
	t.AccountSize.SetUint64(g.Accounts.Size())
	return t
}

// header fills what the lanes do not decide, and gives every anchor slot the newest anchor to open.
func (g *Ledger) header(w *rollup.Witness, oldest uint64) {
	w.Header.Domain = g.Domain
	w.Header.EpochID.SetUint64(g.EpochID)
	w.Header.Oldest.SetUint64(oldest)
	w.Header.Now.SetUint64(g.Now)
	w.Header.QueueStart.SetUint64(g.Queue)
	for k := range w.Anchors {
		g.open(&w.Anchors[k], len(g.Anchors)-1)
	}
}

func (g *Ledger) open(slot *rollup.WitnessAnchor, epoch int) {
	path, err := g.Roots.Path(uint64(epoch))
	must(err)
	*slot = rollup.WitnessAnchor{Anchor: g.Anchors[epoch], Opening: rollup.Opening{Index: uint64(epoch), Path: path}}
}

// anchorSlot returns the slot of an anchor. A slot is free while it repeats an earlier one.
func (g *Ledger) anchorSlot(w *rollup.Witness, anchor fr.Element, oldest uint64) int {
	for k := range w.Anchors {
		if w.Anchors[k].Anchor == anchor {
			return k
		}
		if k > 0 && w.Anchors[k].Anchor == w.Anchors[0].Anchor {
			epoch := slices.Index(g.Anchors, anchor)
			if epoch < int(oldest) {
				panic("rolluptest: anchor is unknown or too old")
			}
			g.open(&w.Anchors[k], epoch)
			return k
		}
	}
	panic("rolluptest: more anchors than slots")
}

// feeSlot returns the slot of the lane's fee asset, which it gives it if none has it.
func feeSlot(w *rollup.Witness, l *rollup.LaneWords[fr.Element]) int {
	if l.Fee.IsZero() {
		return rollup.None
	}
	for s := range w.Header.FeeAssets {
		if w.Header.FeeAssets[s].IsZero() {
			w.Header.FeeAssets[s] = l.FeeAsset
		}
		if w.Header.FeeAssets[s] == l.FeeAsset {
			return s
		}
	}
	panic("rolluptest: more fee assets than slots")
}

func (g *Ledger) applyNotes(w *rollup.Witness) {
	var leaves []fr.Element
	for l := range w.Lanes {
		cm := w.Lanes[l].Commitments
		if Kind(&w.Lanes[l]) == rollup.KindSkipped {
			cm = [3]fr.Element{}
		}
		leaves = append(leaves, cm[0], cm[1], cm[2], fr.Element{})
	}
	height := height(len(leaves))
	number, err := g.Notes.Next(height)
	must(err)
	path, err := g.Notes.SubtreePath(height, number)
	must(err)
	w.Subtrees.Note = rollup.Opening{Index: number, Path: path}
	_, err = g.Notes.Append(leaves)
	must(err)
}

func (g *Ledger) applyNullifiers(w *rollup.Witness) {
	batch, err := g.Nullifiers.Begin(4 * len(w.Lanes))
	must(err)
	for l := range w.Lanes {
		lane := &w.Lanes[l]
		for i, x := range lane.Nullifiers {
			op := &lane.Insertions[i]
			op.Pending, op.Path = rollup.NoPending, make([]tree.Children, tree.NullifierDepth)
			var opened tree.Opening
			switch {
			case lane.Inserts():
				opened, err = batch.Insert(4*l+i, x, fr.Element{})
				must(err)
			case Kind(lane) == rollup.KindSkipped && lane.Member == rollup.None:
				// Sets do not enter nullifier leaves, so this opens a leaf and leaves it as it is.
				if opened, err = batch.Replace(x, fr.Element{}); err != nil {
					continue
				}
				lane.Member = i
			default:
				continue
			}
			op.Low, op.Next = opened.Item.Value, opened.Item.Next
			if opened.Pending == tree.NotPending {
				op.Opening = rollup.Opening{Index: opened.Index, Path: opened.Path}
			} else {
				op.Pending = 2*(opened.Pending/4) + opened.Pending%4
			}
		}
		if Kind(lane) == rollup.KindSkipped && lane.Member == rollup.None {
			panic("rolluptest: neither nullifier of the skipped lane is in the tree")
		}
	}
	number, path, err := batch.Finish()
	must(err)
	w.Subtrees.Nullifier = rollup.Opening{Index: number, Path: path}
}

func (g *Ledger) applyAccounts(w *rollup.Witness, lanes []*Lane) {
	batch, err := g.Accounts.Begin(len(w.Operations))
	must(err)
	a := 0
	for _, lane := range lanes {
		if lane.Kind != fr.NewElement(rollup.KindAccount) {
			continue
		}
		op := &w.Operations[a]
		op.Preimage = lane.Preimage
		var opened tree.Opening
		if op.Previous.IsZero() {
			opened, err = batch.Insert(a, op.ID, op.Preimage.Next)
		} else {
			opened, err = batch.Replace(op.ID, op.Preimage.Next)
		}
		must(err)
		op.Low, op.LowNext, op.LowSet, op.Pending = opened.Item.Value, opened.Item.Next, opened.Item.Set, opened.Pending
		op.Opening = rollup.Opening{Index: opened.Index, Path: opened.Path}
		if opened.Pending != tree.NotPending {
			op.Path = make([]tree.Children, tree.AccountDepth)
		}
		a++
	}
	for ; a < len(w.Operations); a++ {
		w.Operations[a].Pending, w.Operations[a].Path = rollup.NoPending, make([]tree.Children, tree.AccountDepth)
	}
	number, path, err := batch.Finish()
	must(err)
	w.Subtrees.Account = rollup.Opening{Index: number, Path: path}
}

func height(leaves int) (h int) {
	for ; leaves > 1; leaves /= 4 {
		h++
	}
	return h
}

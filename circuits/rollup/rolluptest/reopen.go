package rolluptest

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/tree"
)

// items returns the content of an indexed tree by index; empty places are zero items.
func items(t *tree.Indexed) []tree.Item {
	out := make([]tree.Item, t.Size())
	for i := range out {
		out[i], _ = t.Item(uint64(i))
	}
	return out
}

func plain(depth int, content []tree.Item, leaf func(tree.Item) fr.Element) *tree.Tree {
	t := tree.New(depth)
	for i, item := range content {
		if item != (tree.Item{}) {
			must(t.Set(uint64(i), leaf(item)))
		}
	}
	return t
}

// Reopen recomputes the openings of the newest epoch's insertions, operations and subtrees of the indexed trees: each
// at the index that the witness states, in the tree as the circuit's formulas leave it. An opening whose stated
// content is not in the tree gets the true path, and adds the difference of new and stated leaf to the true one, as
// the circuit does. Settle follows.
func (g *Ledger) Reopen(w *rollup.Witness) {
	nullifiers := plain(tree.NullifierDepth, g.oldNullifiers, nullifierLeaf)
	for l := range w.Lanes {
		lane := &w.Lanes[l]
		for i, x := range lane.Nullifiers {
			op := &lane.Insertions[i]
			used := lane.Inserts() || Kind(lane) == rollup.KindSkipped && lane.Member == i
			if !used || op.Pending != rollup.NoPending {
				continue
			}
			old := tree.Item{Value: op.Low, Next: op.Next}
			item := old
			if lane.Inserts() {
				item.Next = x
			}
			reopen(nullifiers, &op.Opening, nullifierLeaf(old), nullifierLeaf(item))
		}
	}
	reopenPlace(nullifiers, &w.Subtrees.Nullifier, 4*len(w.Lanes))

	accounts := plain(tree.AccountDepth, g.oldAccounts, accountLeaf)
	for a := range w.Operations {
		op := &w.Operations[a]
		if op.Pending != rollup.NoPending || op.Path[0] == (tree.Children{}) {
			continue
		}
		old := tree.Item{Value: op.Low, Next: op.LowNext, Set: op.LowSet}
		item := old
		if op.Previous.IsZero() {
			item.Next = op.ID
		} else {
			item.Set = op.Preimage.Next
		}
		reopen(accounts, &op.Opening, accountLeaf(old), accountLeaf(item))
	}
	reopenPlace(accounts, &w.Subtrees.Account, len(w.Operations))
}

func reopen(t *tree.Tree, at *rollup.Opening, stated, updated fr.Element) {
	path, err := t.Path(at.Index)
	must(err)
	at.Path = path
	leaf, err := t.Leaf(at.Index)
	must(err)
	leaf.Sub(&leaf, &stated).Add(&leaf, &updated)
	must(t.Set(at.Index, leaf))
}

func reopenPlace(t *tree.Tree, at *rollup.Opening, leaves int) {
	path, err := t.SubtreePath(height(leaves), at.Index)
	must(err)
	at.Path = path
}

func nullifierLeaf(i tree.Item) fr.Element { return hash.Sum(hash.NULLIFIER_LEAF, i.Value, i.Next) }

func accountLeaf(i tree.Item) fr.Element { return hash.Sum(hash.ACCOUNT_LEAF, i.Value, i.Next, i.Set) }

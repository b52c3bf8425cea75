package tree

import (
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// NotPending is the value of Opening.Pending when the opened leaf lies in the tree.
const NotPending = -1

// Opening shows a leaf as it was just before an insertion or replacement changed it.
type Opening struct {
	Item Item
	// Pending is the place in the batch of the opened leaf, or NotPending when the leaf lies in the tree; then Index
	// and Path say where, under the root of that moment.
	Pending int
	Index   uint64
	Path    []Children
}

// Batch makes the changes of one epoch to an indexed tree: leaves of earlier epochs change at once, and new leaves
// stay pending until Finish appends them as one aligned subtree. Use no other batch of the same tree meanwhile.
type Batch struct {
	ring     *Indexed
	height   int
	pending  []*Item
	finished bool
}

// Begin starts a batch with the given number of places, a power of four. It returns ErrSubtree or ErrFull.
func (t *Indexed) Begin(places int) (*Batch, error) {
	height, err := t.tree.height(places)
	if err != nil {
		return nil, err
	}
	if _, err := t.tree.Next(height); err != nil {
		return nil, err
	}
	return &Batch{ring: t, height: height, pending: make([]*Item, places)}, nil
}

// Insert puts x on the ring, with its leaf at a place of the batch, and returns the low leaf as it was before. It
// returns ErrFinished, ErrPlace or ErrPresent.
func (b *Batch) Insert(place int, x, set fr.Element) (Opening, error) {
	if b.finished {
		return Opening{}, ErrFinished
	}
	if place < 0 || place >= len(b.pending) || b.pending[place] != nil {
		return Opening{}, ErrPlace
	}
	low, err := b.open(x)
	if err != nil {
		return Opening{}, err
	}
	if low.Item.Value == x {
		return Opening{}, ErrPresent
	}
	changed := low.Item
	changed.Next = x
	if err := b.write(low, changed); err != nil {
		return Opening{}, err
	}
	b.pending[place] = &Item{Value: x, Next: low.Item.Next, Set: set}
	return low, nil
}

// Replace gives the leaf of x another key set hash and returns it as it was before. It returns ErrFinished or
// ErrAbsent.
func (b *Batch) Replace(x, set fr.Element) (Opening, error) {
	if b.finished {
		return Opening{}, ErrFinished
	}
	old, err := b.open(x)
	if err != nil {
		return Opening{}, err
	}
	if old.Item.Value != x {
		return Opening{}, ErrAbsent
	}
	changed := old.Item
	changed.Set = set
	return old, b.write(old, changed)
}

// Finish appends the new leaves, with 0 at unused places, and returns the number of the subtree and its path as it
// was before. It returns ErrFinished or the errors of [Tree.Append].
func (b *Batch) Finish() (number uint64, path []Children, err error) {
	if b.finished {
		return 0, nil, ErrFinished
	}
	if number, err = b.ring.tree.Next(b.height); err != nil {
		return 0, nil, err
	}
	if path, err = b.ring.tree.SubtreePath(b.height, number); err != nil {
		return 0, nil, err
	}
	leaves := make([]fr.Element, len(b.pending))
	for i, item := range b.pending {
		if item != nil {
			leaves[i] = b.ring.leaf(*item)
		}
	}
	if _, err = b.ring.tree.Append(leaves); err != nil {
		return 0, nil, err
	}
	first := number * uint64(len(leaves))
	for i, item := range b.pending {
		if item != nil {
			at, _ := b.ring.search(item.Value)
			index := first + uint64(i)
			b.ring.items[index] = *item
			b.ring.order = slices.Insert(b.ring.order, at, index)
		}
	}
	b.finished = true
	return number, path, nil
}

// open returns the leaf with the greatest value that is not above x, in the tree or pending.
func (b *Batch) open(x fr.Element) (Opening, error) {
	index, item := b.ring.Low(x)
	low := Opening{Item: item, Pending: NotPending, Index: index}
	for place, p := range b.pending {
		if p != nil && p.Value.Cmp(&x) <= 0 && p.Value.Cmp(&low.Item.Value) > 0 {
			low = Opening{Item: *p, Pending: place}
		}
	}
	if low.Pending != NotPending {
		return low, nil
	}
	path, err := b.ring.Path(index)
	low.Path = path
	return low, err
}

func (b *Batch) write(at Opening, item Item) error {
	if at.Pending == NotPending {
		return b.ring.set(at.Index, item)
	}
	*b.pending[at.Pending] = item
	return nil
}

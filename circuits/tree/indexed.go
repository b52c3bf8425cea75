package tree

import (
	"errors"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

// Reasons to refuse an insertion. A refused insertion changes nothing.
var (
	ErrPresent  = errors.New("tree: value is on the ring already")
	ErrAbsent   = errors.New("tree: value is not on the ring")
	ErrPlace    = errors.New("tree: place lies outside the batch or is taken")
	ErrFinished = errors.New("tree: batch is finished")
)

// Item is the content of a leaf of an indexed tree. Set is the key set hash in the account tree, and 0 in the
// nullifier tree.
type Item struct{ Value, Next, Set fr.Element }

// Indexed is a Merkle tree whose leaves form a ring in the order of their values. It begins with four leaves at
// multiples of floor(p/4), so that no two neighbours are further apart than floor(p/4) + 3.
type Indexed struct {
	tree  *Tree
	leaf  func(Item) fr.Element
	items map[uint64]Item
	// order holds the indices of the leaves in the tree by ascending value.
	order []uint64
}

// NewNullifiers returns the nullifier tree of the genesis state.
func NewNullifiers() *Indexed {
	return newIndexed(NullifierDepth, func(i Item) fr.Element {
		return hash.Sum(hash.NULLIFIER_LEAF, i.Value, i.Next)
	})
}

// NewAccounts returns the account tree of the genesis state.
func NewAccounts() *Indexed {
	return newIndexed(AccountDepth, func(i Item) fr.Element {
		return hash.Sum(hash.ACCOUNT_LEAF, i.Value, i.Next, i.Set)
	})
}

func newIndexed(depth int, leaf func(Item) fr.Element) *Indexed {
	t := &Indexed{tree: New(depth), leaf: leaf, items: make(map[uint64]Item)}
	values := genesis()
	leaves := make([]fr.Element, len(values))
	for i, value := range values {
		item := Item{Value: value, Next: values[(i+1)%len(values)]}
		t.items[uint64(i)], leaves[i] = item, leaf(item)
		t.order = append(t.order, uint64(i))
	}
	if _, err := t.tree.Append(leaves); err != nil {
		panic(err) // four leaves fit an empty tree of any depth
	}
	return t
}

func genesis() (values [4]fr.Element) {
	quarter := fr.Modulus()
	quarter.Rsh(quarter, 2)
	var q fr.Element
	q.SetBigInt(quarter)
	for i := 1; i < len(values); i++ {
		values[i].Add(&values[i-1], &q)
	}
	return values
}

// Depth returns the number of levels between a leaf and the root.
func (t *Indexed) Depth() int { return t.tree.Depth() }

// Size returns the number of leaf places up to the end of the last finished batch.
func (t *Indexed) Size() uint64 { return t.tree.Size() }

// Root returns the root.
func (t *Indexed) Root() fr.Element { return t.tree.Root() }

// Path returns the path of the leaf at an index, or ErrIndex.
func (t *Indexed) Path(index uint64) ([]Children, error) { return t.tree.Path(index) }

// SubtreePath returns the path of a subtree, or ErrSubtree or ErrIndex.
func (t *Indexed) SubtreePath(height int, number uint64) ([]Children, error) {
	return t.tree.SubtreePath(height, number)
}

// Item returns the content of the leaf at an index; ok is false for an empty place.
func (t *Indexed) Item(index uint64) (item Item, ok bool) {
	item, ok = t.items[index]
	return item, ok
}

// Low returns the leaf with the greatest value that is not above x: the leaf of x itself if x is on the ring, and
// otherwise the leaf whose arc holds x.
func (t *Indexed) Low(x fr.Element) (index uint64, item Item) {
	at, found := t.search(x)
	if !found {
		at-- // 0 is on the ring, so there is a lower value
	}
	index = t.order[at]
	return index, t.items[index]
}

// Has reports whether x is on the ring.
func (t *Indexed) Has(x fr.Element) bool {
	_, found := t.search(x)
	return found
}

func (t *Indexed) search(x fr.Element) (at int, found bool) {
	return slices.BinarySearchFunc(t.order, x, func(index uint64, x fr.Element) int {
		value := t.items[index].Value
		return value.Cmp(&x)
	})
}

func (t *Indexed) set(index uint64, item Item) error {
	if err := t.tree.Set(index, t.leaf(item)); err != nil {
		return err
	}
	t.items[index] = item
	return nil
}

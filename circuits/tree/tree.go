// Package tree holds the 4-ary Merkle trees of the protocol's state (docs/spec/02-state.md) in memory, outside a
// circuit: [Tree] is sparse and serves the note and root tree, [Indexed] is the linked ring over it that serves the
// nullifier and account tree. Both produce the paths that witness files hold.
//
// A tree is not safe for concurrent use.
package tree

import (
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

// Depths of the four trees of the state, in 4-ary levels.
const (
	NoteDepth      = 16
	NullifierDepth = 16
	RootDepth      = 13
	AccountDepth   = 14
)

// Reasons to refuse an operation. A refused operation changes nothing.
var (
	ErrIndex    = errors.New("tree: index lies outside the tree")
	ErrFull     = errors.New("tree: no aligned place is left")
	ErrSubtree  = errors.New("tree: number of leaves is not a power of four that fits the tree")
	ErrOccupied = errors.New("tree: place of the subtree is not empty")
)

// Children are the four children of a node, left to right.
type Children = [4]fr.Element

// Tree is a 4-ary Merkle tree of fixed depth all of whose leaves begin as 0. Its size is the end of what was
// appended to it.
type Tree struct {
	depth int
	size  uint64
	// levels[k] holds the nodes of height k that differ from the root of an empty subtree.
	levels []map[uint64]fr.Element
}

// New returns an empty tree. It panics when depth is not in 1..31: depths are constants of the protocol.
func New(depth int) *Tree {
	if depth < 1 || depth > 31 {
		panic(fmt.Sprintf("tree: depth %d outside 1..31", depth))
	}
	t := &Tree{depth: depth, levels: make([]map[uint64]fr.Element, depth+1)}
	for k := range t.levels {
		t.levels[k] = make(map[uint64]fr.Element)
	}
	return t
}

// Depth returns the number of levels between a leaf and the root.
func (t *Tree) Depth() int { return t.depth }

// Size returns the number of leaf places up to the end of the last appended subtree.
func (t *Tree) Size() uint64 { return t.size }

// Root returns the root.
func (t *Tree) Root() fr.Element { return t.node(t.depth, 0) }

// Leaf returns the leaf at an index, or ErrIndex.
func (t *Tree) Leaf(index uint64) (fr.Element, error) {
	if index >= t.places(0) {
		return fr.Element{}, ErrIndex
	}
	return t.node(0, index), nil
}

// Set replaces the leaf at an index; the size stays. It returns ErrIndex.
func (t *Tree) Set(index uint64, leaf fr.Element) error {
	if index >= t.places(0) {
		return ErrIndex
	}
	t.setNode(0, index, leaf)
	t.rehash(0, index, index)
	return nil
}

// Append puts a subtree of leaves, a power of four in number, at the next aligned place: the size is rounded up to
// a multiple of their number, and becomes the end of the subtree. It returns the subtree's number, counted in
// subtrees of this size, or ErrSubtree or ErrFull.
func (t *Tree) Append(leaves []fr.Element) (number uint64, err error) {
	height, err := t.height(len(leaves))
	if err != nil {
		return 0, err
	}
	width := uint64(len(leaves))
	if number, err = t.Next(height); err != nil {
		return 0, err
	}
	first := number * width
	for i, leaf := range leaves {
		t.setNode(0, first+uint64(i), leaf)
	}
	t.rehash(0, first, first+width-1)
	t.size = first + width
	return number, nil
}

// Next returns the number of the place that Append would give to a subtree of this height, or ErrSubtree or ErrFull.
func (t *Tree) Next(height int) (number uint64, err error) {
	if height < 0 || height > t.depth {
		return 0, ErrSubtree
	}
	width := uint64(1) << (2 * height)
	number = (t.size + width - 1) / width
	if number >= t.places(height) {
		return 0, ErrFull
	}
	if !isZero(t.node(height, number), height) {
		return 0, ErrOccupied
	}
	return number, nil
}

// Path returns the children of each node on the way from the leaf at an index to the root, or ErrIndex.
func (t *Tree) Path(index uint64) ([]Children, error) { return t.SubtreePath(0, index) }

// SubtreePath returns the children of each node above the subtree of this height with this number, from its parent
// to the root, or ErrSubtree or ErrIndex.
func (t *Tree) SubtreePath(height int, number uint64) ([]Children, error) {
	if height < 0 || height > t.depth {
		return nil, ErrSubtree
	}
	if number >= t.places(height) {
		return nil, ErrIndex
	}
	path := make([]Children, 0, t.depth-height)
	for k := height; k < t.depth; k++ {
		number /= 4
		path = append(path, t.children(k, number))
	}
	return path, nil
}

// RootOf returns the root that follows from a node, its number and a path of children; ok is false when a level of
// the path does not hold the node below it.
func RootOf(node fr.Element, number uint64, path []Children) (root fr.Element, ok bool) {
	for _, children := range path {
		if children[number%4] != node {
			return fr.Element{}, false
		}
		node, number = hash.Compress(children), number/4
	}
	return node, number == 0
}

func (t *Tree) height(leaves int) (int, error) {
	for height := range t.depth + 1 {
		if leaves == 1<<(2*height) {
			return height, nil
		}
	}
	return 0, ErrSubtree
}

// places returns the number of nodes of a height.
func (t *Tree) places(height int) uint64 { return 1 << (2 * (t.depth - height)) }

func (t *Tree) node(height int, number uint64) fr.Element {
	if node, ok := t.levels[height][number]; ok {
		return node
	}
	return hash.Zero(height)
}

func (t *Tree) setNode(height int, number uint64, node fr.Element) {
	if isZero(node, height) {
		delete(t.levels[height], number)
		return
	}
	t.levels[height][number] = node
}

func isZero(node fr.Element, height int) bool { return node == hash.Zero(height) }

// children returns the children, at the given height, of their parent with this number.
func (t *Tree) children(height int, parent uint64) (c Children) {
	for i := range c {
		c[i] = t.node(height, 4*parent+uint64(i))
	}
	return c
}

// rehash recomputes all nodes above the nodes first..last of a height.
func (t *Tree) rehash(height int, first, last uint64) {
	for k := height; k < t.depth; k++ {
		first, last = first/4, last/4
		batch := make([]Children, 0, last-first+1)
		for parent := first; parent <= last; parent++ {
			batch = append(batch, t.children(k, parent))
		}
		for i, node := range hash.CompressBatch(batch) {
			t.setNode(k+1, first+uint64(i), node)
		}
	}
}

package tree

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

// NewNotes returns the note tree of the genesis state, which is empty.
func NewNotes() *Tree { return New(NoteDepth) }

// NewRoots returns the root tree of the genesis state, which holds the anchor of epoch 0.
func NewRoots() *Tree {
	t := New(RootDepth)
	anchor := hash.Sum(hash.ANCHOR, fr.Element{}, NewNotes().Root(), NewAccounts().Root())
	if _, err := t.Append([]fr.Element{anchor}); err != nil {
		panic(err) // one leaf fits an empty tree
	}
	return t
}

package gadget

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
)

// stateVersion is the first input of a state hash; the last, the root of public state, is reserved.
const (
	stateVersion = 1
	publicRoot   = 0
)

// Trees holds roots and sizes of the four trees of the state.
type Trees[T any] struct {
	NoteRoot, NoteSize           T
	NullifierRoot, NullifierSize T
	RootRoot, RootSize           T
	AccountRoot, AccountSize     T
}

// StateHash returns the hash of roots and sizes (docs/spec/02-state.md).
func StateHash(api frontend.API, t Trees[frontend.Variable]) frontend.Variable {
	return Sum(api, hash.STATE, stateVersion, t.NoteRoot, t.NoteSize, t.NullifierRoot, t.NullifierSize,
		t.RootRoot, t.RootSize, t.AccountRoot, t.AccountSize, publicRoot)
}

package gadget

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
)

// PlainPartial returns the part of a commitment that hides the owner, for a note of no application.
func PlainPartial(api frontend.API, owner, data, r frontend.Variable) frontend.Variable {
	return Sum(api, hash.PARTIAL, owner, 0, data, r)
}

// Commitment returns the leaf of a note. assetAndValue is asset * 2^120 + value, whose ranges the caller constrains.
func Commitment(api frontend.API, partial, assetAndValue, rho frontend.Variable) frontend.Variable {
	return Sum(api, hash.NOTE, partial, assetAndValue, rho)
}

// NullifierLeaf returns the leaf of the nullifier tree that holds a value and its successor on the ring.
func NullifierLeaf(api frontend.API, value, next frontend.Variable) frontend.Variable {
	return Sum(api, hash.NULLIFIER_LEAF, value, next)
}

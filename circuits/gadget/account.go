package gadget

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
)

// Keys is the number of keys in the key set of an account.
const Keys = 4

// AccountLeaf opens the leaf of the account tree that holds an account's id, or the one whose arc does. Each part of
// rule 4 of the transfer circuit's statement (docs/spec/04-transaction.md) is an assertion of its own: whoever spends for
// an account needs all of them.
type AccountLeaf struct {
	Low, Next, Set frontend.Variable
	Keys           [Keys]frontend.Variable
	Path           Path
}

// AccountID returns the id of the account with a first key and a nullifier key.
func AccountID(api frontend.API, first Point, nullifierKey frontend.Variable) frontend.Variable {
	viewKeyHash := Sum(api, hash.NULLIFIER_KEY, nullifierKey)
	return Sum(api, hash.ACCOUNT_ID, first.X, first.Y, viewKeyHash)
}

// Owner returns the owner of an account's notes.
func Owner(api frontend.API, id frontend.Variable) frontend.Variable {
	return Sum(api, hash.OWNER, id)
}

// KeyHash returns the hash of a key, as key sets hold it.
func KeyHash(api frontend.API, key Point) frontend.Variable {
	return Sum(api, hash.KEY, key.X, key.Y)
}

// Holds returns 1 if the leaf is that of the id, which is present in the tree then, and 0 otherwise.
func (a *AccountLeaf) Holds(api frontend.API, id frontend.Variable) frontend.Variable {
	return api.IsZero(api.Sub(a.Low, id))
}

// AssertUnder constrains the leaf to lie in the account tree of a root.
func (a *AccountLeaf) AssertUnder(api frontend.API, root frontend.Variable) {
	leaf := Sum(api, hash.ACCOUNT_LEAF, a.Low, a.Next, a.Set)
	api.AssertIsEqual(Root(api, leaf, a.Path), root)
}

// AssertKeySet constrains the keys of a present account to be those of the leaf.
func (a *AccountLeaf) AssertKeySet(api frontend.API, present frontend.Variable) {
	set := Sum(api, hash.KEY_SET, a.Keys[:]...)
	api.AssertIsEqual(api.Mul(present, api.Sub(a.Set, set)), 0)
}

// AssertKey constrains the hash of a present account's signing key to be one of the keys.
func (a *AccountLeaf) AssertKey(api frontend.API, keyHash, present frontend.Variable) {
	product := present
	for _, key := range a.Keys {
		product = api.Mul(product, api.Sub(keyHash, key))
	}
	api.AssertIsEqual(product, 0)
}

// AssertAbsent constrains the id of an account that is not present to lie on the leaf's arc.
func (a *AccountLeaf) AssertAbsent(api frontend.API, id, present frontend.Variable) {
	AssertArc(api, a.Low, id, a.Next, api.Sub(1, present))
}

// AssertFirstKey constrains the signing key of an account that is not present to be its first key.
func AssertFirstKey(api frontend.API, signing, first Point, present frontend.Variable) {
	absent := api.Sub(1, present)
	api.AssertIsEqual(api.Mul(absent, api.Sub(signing.X, first.X)), 0)
	api.AssertIsEqual(api.Mul(absent, api.Sub(signing.Y, first.Y)), 0)
}

// Package transfertest builds witnesses of the transfer circuit for tests: a small world of notes and accounts, and
// transactions in it, valid or with any step after the choice of secrets left to the caller.
package transfertest

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/babyjub"
	"sotto/circuits/hash"
	"sotto/circuits/transfer"
)

// Signer signs transactions.
type Signer interface {
	Point() transfer.Point
	Sign(h fr.Element) transfer.Signature
}

// Key is a signer that follows the scheme.
type Key struct{ private babyjub.PrivateKey }

// NewKey returns the key of a seed that is filled with one byte.
func NewKey(fill byte) Key {
	var seed [babyjub.SeedSize]byte
	for i := range seed {
		seed[i] = fill
	}
	private, err := babyjub.NewPrivateKey(seed)
	if err != nil {
		panic(err) // of negligible probability, and the seeds of tests are fixed
	}
	return Key{private}
}

// Point implements Signer.
func (k Key) Point() transfer.Point {
	public := k.private.Public()
	return transfer.Point{X: public.X(), Y: public.Y()}
}

// Sign implements Signer.
func (k Key) Sign(h fr.Element) transfer.Signature {
	sig := k.private.Sign(h)
	out := transfer.Signature{R: transfer.Point{X: sig.RX(), Y: sig.RY()}}
	out.S.SetBigInt(sig.S())
	return out
}

// Account holds the secrets of an owner of notes.
type Account struct {
	First        Signer
	NullifierKey fr.Element
}

// NewAccount returns an account whose secrets follow from one byte.
func NewAccount(fill byte) Account {
	return Account{First: NewKey(fill), NullifierKey: hash.Sum(hash.NULLIFIER_KEY, Uint(uint64(fill)))}
}

// ID returns the account id.
func (a Account) ID() fr.Element {
	first := a.First.Point()
	return hash.Sum(hash.ACCOUNT_ID, first.X, first.Y, hash.Sum(hash.NULLIFIER_KEY, a.NullifierKey))
}

// Owner returns the owner of the account's notes.
func (a Account) Owner() fr.Element { return hash.Sum(hash.OWNER, a.ID()) }

// KeyHash returns the hash of a signer's key.
func KeyHash(s Signer) fr.Element {
	p := s.Point()
	return hash.Sum(hash.KEY, p.X, p.Y)
}

// KeySet returns the four key hashes of up to four signers, 0 for those that are missing.
func KeySet(signers ...Signer) (keys [transfer.Keys]fr.Element) {
	for i, s := range signers {
		keys[i] = KeyHash(s)
	}
	return keys
}

// KeySetHash hashes a key set.
func KeySetHash(keys [transfer.Keys]fr.Element) fr.Element { return hash.Sum(hash.KEY_SET, keys[:]...) }

// Uint returns a field element.
func Uint(v uint64) (e fr.Element) { return *e.SetUint64(v) }

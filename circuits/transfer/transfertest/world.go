package transfertest

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/transfer"
	"sotto/circuits/tree"
)

var valueSpan = func() (e fr.Element) { return *e.SetBigInt(new(big.Int).Lsh(big.NewInt(1), 120)) }()

// Note is the content of a commitment.
type Note struct{ Owner, Application, Data, R, Asset, Value, Rho fr.Element }

// Partial returns the part of the commitment that hides the owner.
func (n Note) Partial() fr.Element {
	return hash.Sum(hash.PARTIAL, n.Owner, n.Application, n.Data, n.R)
}

// Commitment returns the leaf of the note tree.
func (n Note) Commitment() fr.Element { return Commitment(n.Partial(), n.Asset, n.Value, n.Rho) }

// Commitment returns H(NOTE; partial, asset * 2^120 + value, rho).
func Commitment(partial, asset, value, rho fr.Element) fr.Element {
	var packed fr.Element
	packed.Mul(&asset, &valueSpan).Add(&packed, &value)
	return hash.Sum(hash.NOTE, partial, packed, rho)
}

// World is a state to spend from: the trees that an anchor holds.
type World struct {
	Epoch    uint64
	Notes    *tree.Tree
	Accounts *tree.Indexed
}

// NewWorld returns a world without notes and accounts.
func NewWorld() *World {
	return &World{Epoch: 7, Notes: tree.New(tree.NoteDepth), Accounts: tree.NewAccounts()}
}

// Mint adds leaves to the note tree and returns the index of the first one.
func (w *World) Mint(leaves ...fr.Element) uint64 {
	const places = 16
	padded := make([]fr.Element, places)
	// An index whose lowest digits differ from 0 shows more mistakes than index 0.
	copy(padded[6:], leaves)
	number := must(w.Notes.Append(padded))
	return number*places + 6
}

// Register puts an account with its key set on the ring of the account tree.
func (w *World) Register(a Account, keys [transfer.Keys]fr.Element) {
	batch := must(w.Accounts.Begin(1))
	must(batch.Insert(0, a.ID(), KeySetHash(keys)))
	if _, _, err := batch.Finish(); err != nil {
		panic(err)
	}
}

// AccountOpening opens the leaf of an id, or the one whose arc holds it, with the keys to show for it.
func (w *World) AccountOpening(id fr.Element, keys [transfer.Keys]fr.Element) transfer.Account {
	index, _ := w.Accounts.Low(id)
	return w.AccountLeaf(index, keys)
}

// AccountLeaf opens a leaf of the account tree.
func (w *World) AccountLeaf(index uint64, keys [transfer.Keys]fr.Element) transfer.Account {
	item, ok := w.Accounts.Item(index)
	if !ok {
		panic("transfertest: empty account leaf")
	}
	return transfer.Account{
		Low: item.Value, Next: item.Next, Set: item.Set, Keys: keys, Index: index,
		Path: [transfer.AccountDepth]tree.Children(must(w.Accounts.Path(index))),
	}
}

// must returns v. The errors of trees say that a test asked for what cannot be.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

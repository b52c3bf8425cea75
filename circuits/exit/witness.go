package exit

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
	"sotto/circuits/tree"
	"sotto/circuits/witness"
)

// Widths of the integers of a request.
const (
	domainBits  = 248
	assetBits   = 64
	valueBits   = 120
	addressBits = 160
)

var valueSpan = func() (e fr.Element) { return *e.SetBigInt(new(big.Int).Lsh(big.NewInt(1), valueBits)) }()

// Witness is the content of a witness file.
type Witness struct {
	Request
	State                fr.Element
	Trees                gadget.Trees[fr.Element]
	NullifierKey         fr.Element
	FirstKey, SigningKey witness.Point
	Signature            witness.Signature
	Account              witness.Account
	Note                 Note
	Low                  Low
}

// Request is what L1 is asked to pay.
type Request struct {
	Domain, Nullifier, Asset, Value, Recipient, Executor, Fee fr.Element
}

// Note opens the note that leaves. Owner, asset and value are elsewhere in the witness.
type Note struct {
	Data, R, Rho fr.Element
	Index        uint64 // < 4^tree.NoteDepth
	Path         [tree.NoteDepth]witness.Children
}

// Low opens the leaf of the nullifier tree whose arc holds the note's nullifier.
type Low struct {
	Value, Next fr.Element
	Index       uint64 // < 4^tree.NullifierDepth
	Path        [tree.NullifierDepth]witness.Children
}

// Message returns what the account's key signs.
func (r *Request) Message() fr.Element {
	return hash.Sum(hash.EXIT, r.Domain, r.Nullifier, r.Recipient, r.Executor, r.Fee)
}

// AssetAndValue returns asset * 2^120 + value.
func (r *Request) AssetAndValue() (packed fr.Element) {
	return *packed.Mul(&r.Asset, &valueSpan).Add(&packed, &r.Value)
}

// Public returns the public inputs in their order.
func (w *Witness) Public() []fr.Element {
	return []fr.Element{w.Domain, w.State, w.Nullifier, w.AssetAndValue(), w.Recipient, w.Executor, w.Fee}
}

// Circuit returns the assignment of the circuit. It does not check the statement: an assignment of a false witness
// is refused by the prover.
func (w *Witness) Circuit() *Circuit {
	c := newCircuit()
	c.Domain, c.State, c.Nullifier, c.AssetAndValue = w.Domain, w.State, w.Nullifier, w.AssetAndValue()
	c.Recipient, c.Executor, c.Fee = w.Recipient, w.Executor, w.Fee

	c.Trees = witness.VariablesOfTrees(&w.Trees)
	c.NullifierKey = w.NullifierKey
	c.FirstKey, c.SigningKey, c.Signature = w.FirstKey.Wires(), w.SigningKey.Wires(), w.Signature.Wires()
	w.Account.Assign(&c.Account)
	c.Note.Data, c.Note.R, c.Note.Rho = w.Note.Data, w.Note.R, w.Note.Rho
	witness.AssignPath(c.Note.Path, w.Note.Path[:], w.Note.Index)
	c.Low.Value, c.Low.Next = w.Low.Value, w.Low.Next
	witness.AssignPath(c.Low.Path, w.Low.Path[:], w.Low.Index)
	return c
}

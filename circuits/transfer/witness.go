package transfer

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/witness"
)

// Parts that the witness files of several circuits share.
type (
	Children  = witness.Children
	Point     = witness.Point
	Signature = witness.Signature
	Account   = witness.Account
)

// Witness is the content of a witness file.
type Witness struct {
	Tx                             Tx
	Asset, NullifierKey            fr.Element
	FirstKey, SigningKey           Point
	Signature                      Signature
	EpochID, NoteRoot, AccountRoot fr.Element
	Account                        Account
	Operation                      Operation
	Inputs                         [Inputs]Input
	Outputs                        [Outputs]Output
}

// Tx holds the 18 fields of a transaction.
type Tx struct {
	Kind, Domain, Anchor                   fr.Element
	Named, Nullifiers                      [Inputs]fr.Element
	Commitments                            [Outputs]fr.Element
	PublicValue, PublicAsset, Recipient    fr.Element
	Fee, FeeAsset, Expiry, Operation, Hash fr.Element // Hash is ext_hash
}

// Operation holds the key set hashes before and after an account transaction.
type Operation struct{ Previous, Next fr.Element }

// Input is a spent note, or a dummy when Real is false.
type Input struct {
	Real                       bool
	Asset, Value, Data, R, Rho fr.Element
	Random                     fr.Element // makes a dummy's nullifier
	Index                      uint64     // < 4^NoteDepth
	Path                       [NoteDepth]Children
}

// Output is a note that the transaction makes.
type Output struct{ Asset, Value, Partial fr.Element }

// Fields lists the inputs of h in the order of the specification.
func (t *Tx) Fields() []fr.Element {
	return []fr.Element{
		t.Kind, t.Domain, t.Anchor, t.Named[0], t.Named[1], t.Nullifiers[0], t.Nullifiers[1],
		t.Commitments[0], t.Commitments[1], t.Commitments[2], t.PublicValue, t.PublicAsset, t.Recipient,
		t.Fee, t.FeeAsset, t.Expiry, t.Operation, t.Hash,
	}
}

// ID returns h, the transaction's id and the public input of its proof.
func (t *Tx) ID() fr.Element { return hash.Sum(hash.TRANSACTION, t.Fields()...) }

// Circuit returns the assignment of the circuit. It does not check the statement: an assignment of a false witness
// is refused by the prover. The path of a dummy or chained input is not read. A note of an asset that is neither the hidden nor the fee asset counts as one of the
// hidden asset.
func (w *Witness) Circuit() *Circuit {
	c := newCircuit()
	t := &w.Tx
	c.H = t.ID()
	c.Tx = txWires{
		Kind: t.Kind, Domain: t.Domain, Anchor: t.Anchor, PublicValue: t.PublicValue, PublicAsset: t.PublicAsset,
		Recipient: t.Recipient, Fee: t.Fee, FeeAsset: t.FeeAsset, Expiry: t.Expiry, Operation: t.Operation,
		ExtensionsHash: t.Hash,
	}
	witness.Assign(c.Tx.Named[:], t.Named[:])
	witness.Assign(c.Tx.Nullifiers[:], t.Nullifiers[:])
	witness.Assign(c.Tx.Commitments[:], t.Commitments[:])

	c.Asset, c.NullifierKey = w.Asset, w.NullifierKey
	c.FirstKey, c.SigningKey, c.Signature = w.FirstKey.Wires(), w.SigningKey.Wires(), w.Signature.Wires()
	c.EpochID, c.NoteRoot, c.AccountRoot = w.EpochID, w.NoteRoot, w.AccountRoot
	c.PreviousKeySet, c.ReplacingKeySet = w.Operation.Previous, w.Operation.Next

	w.Account.Assign(&c.Account)
	for i := range w.Inputs {
		in, wires := &w.Inputs[i], &c.Inputs[i]
		wires.Real, wires.Bucket = bit(in.Real), bit(in.Asset == t.FeeAsset)
		wires.Value, wires.Data, wires.R, wires.Rho, wires.Random = in.Value, in.Data, in.R, in.Rho, in.Random
		if in.Real && t.Named[i].IsZero() {
			witness.AssignPath(wires.Path, in.Path[:], in.Index)
		} else {
			witness.AssignPath(wires.Path, emptyPath(), 0)
		}
	}
	for j, out := range w.Outputs {
		c.Outputs[j] = outputWires{Bucket: bit(out.Asset == t.FeeAsset), Value: out.Value, Partial: out.Partial}
	}
	return c
}

// emptyPath opens the first leaf of an empty note tree.
func emptyPath() []Children {
	path := make([]Children, NoteDepth)
	for k := range path {
		zero := hash.Zero(k)
		path[k] = Children{zero, zero, zero, zero}
	}
	return path
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Package transfer is the client circuit: a transaction that spends two notes of one account and makes three.
//
// The statement is the one of docs/spec/04-transaction.md; its one public input is h, the hash of the transaction's
// 18 fields. The circuit uses no Pedersen commitment, so that a proof is three points and the contracts batch it.
// Witness files (docs/spec/07-witness.md) come in through [Assign] or [ParseWitness]; a prover needs no spending key,
// since the signature over h is part of the witness.
package transfer

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
)

// Shape of a transaction and of the trees that it opens.
const (
	Inputs       = 2
	Outputs      = 3
	Keys         = gadget.Keys // keys of an account's key set
	NoteDepth    = 16
	AccountDepth = 14
)

// Kinds of transaction.
const (
	KindTransfer = 1
	KindForced   = 3
	KindAccount  = 5
)

// Circuit is the witness of the statement. Make one to compile with [New] and one to prove with [Assign].
type Circuit struct {
	H frontend.Variable `gnark:",public"`

	Tx                              txWires
	Asset, NullifierKey             frontend.Variable
	FirstKey, SigningKey            gadget.Point
	Signature                       gadget.Signature
	EpochID, NoteRoot, AccountRoot  frontend.Variable
	Account                         gadget.AccountLeaf
	PreviousKeySet, ReplacingKeySet frontend.Variable
	Inputs                          [Inputs]inputWires
	Outputs                         [Outputs]outputWires
}

type txWires struct {
	Kind, Domain, Anchor              frontend.Variable
	Named, Nullifiers                 [Inputs]frontend.Variable
	Commitments                       [Outputs]frontend.Variable
	PublicValue, PublicAsset          frontend.Variable
	Recipient, Fee, FeeAsset          frontend.Variable
	Expiry, Operation, ExtensionsHash frontend.Variable
}

// A note's bucket is 1 when its asset is the fee asset and 0 when it is the hidden asset: there is no third choice
// to assign.
type inputWires struct {
	Real, Bucket, Value, Data, R, Rho, Random frontend.Variable
	Path                                      gadget.Path
}

type outputWires struct {
	Bucket, Value, Partial frontend.Variable
}

// New returns the circuit to compile.
func New() frontend.Circuit { return newCircuit() }

func newCircuit() *Circuit {
	c := &Circuit{}
	c.Account.Path = gadget.NewPath(AccountDepth)
	for i := range c.Inputs {
		c.Inputs[i].Path = gadget.NewPath(NoteDepth)
	}
	return c
}

// Define implements [frontend.Circuit].
func (c *Circuit) Define(api frontend.API) error {
	c.define(api, statement)
	return nil
}

// fields lists the inputs of h in the order of the specification.
func (t *txWires) fields() []frontend.Variable {
	return []frontend.Variable{
		t.Kind, t.Domain, t.Anchor, t.Named[0], t.Named[1], t.Nullifiers[0], t.Nullifiers[1],
		t.Commitments[0], t.Commitments[1], t.Commitments[2], t.PublicValue, t.PublicAsset, t.Recipient,
		t.Fee, t.FeeAsset, t.Expiry, t.Operation, t.ExtensionsHash,
	}
}

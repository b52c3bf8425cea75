// Package exit is the client circuit of the exit: after the freeze, the owner of a note shows that it is unspent in the
// last proven state.
//
// The statement is the one of docs/spec/13-exit.md, with seven public inputs in the order of the fields of [Circuit].
// It uses no Pedersen commitment, so that a proof is three points and the contract batches it. What the types of L1 say
// is not repeated here: that recipient and executor are addresses, that the nullifier is canonical, the ranges of asset,
// value and fee. A prover needs no spending key, since the signature of the message is part of the witness.
package exit

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/tree"
)

// PublicInputs is the number of public inputs.
const PublicInputs = 7

// Circuit is the witness of the statement. Make one to compile with [New] and one to prove with [Assign].
type Circuit struct {
	Domain        frontend.Variable `gnark:",public"`
	State         frontend.Variable `gnark:",public"`
	Nullifier     frontend.Variable `gnark:",public"`
	AssetAndValue frontend.Variable `gnark:",public"` // asset * 2^120 + value
	Recipient     frontend.Variable `gnark:",public"`
	Executor      frontend.Variable `gnark:",public"`
	Fee           frontend.Variable `gnark:",public"`

	Trees                gadget.Trees[frontend.Variable]
	NullifierKey         frontend.Variable
	FirstKey, SigningKey gadget.Point
	Signature            gadget.Signature
	Account              gadget.AccountLeaf
	Note                 noteWires
	Low                  lowWires
}

type noteWires struct {
	Data, R, Rho frontend.Variable
	Path         gadget.Path
}

// lowWires opens the leaf of the nullifier tree whose arc holds the nullifier.
type lowWires struct {
	Value, Next frontend.Variable
	Path        gadget.Path
}

// New returns the circuit to compile.
func New() frontend.Circuit { return newCircuit() }

func newCircuit() *Circuit {
	c := &Circuit{}
	c.Account.Path = gadget.NewPath(tree.AccountDepth)
	c.Note.Path = gadget.NewPath(tree.NoteDepth)
	c.Low.Path = gadget.NewPath(tree.NullifierDepth)
	return c
}

// Define implements [frontend.Circuit].
func (c *Circuit) Define(api frontend.API) error {
	c.define(api, statement)
	return nil
}

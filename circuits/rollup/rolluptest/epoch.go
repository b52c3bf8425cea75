// Package rolluptest builds valid witnesses of the rollup circuit, and settles changed ones so that exactly one
// thing is wrong with them. It holds no client proofs: the rollup circuit sees a transaction as h only, so the
// fields of a lane can be arbitrary.
package rolluptest

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/tree"
)

// Ledger is the protocol's state in memory.
type Ledger struct {
	Notes, Roots         *tree.Tree
	Nullifiers, Accounts *tree.Indexed
	Domain               fr.Element
	// EpochID is the newest epoch, Queue the next queue index, Now the clock of the next epoch.
	EpochID, Queue, Now uint64
	counter             uint64
	// Anchors holds the anchor of every epoch.
	Anchors []fr.Element

	// What the indexed trees held before the newest epoch.
	oldNullifiers, oldAccounts []tree.Item
}

// Genesis returns the state of epoch 0.
func Genesis() *Ledger {
	g := &Ledger{
		Notes: tree.New(tree.NoteDepth), Roots: tree.New(tree.RootDepth),
		Nullifiers: tree.NewNullifiers(), Accounts: tree.NewAccounts(),
		Domain: hash.Sum(hash.NOTE, fr.NewElement(42)), Queue: 7, Now: 1000,
	}
	// A byte word.
	b := g.Domain.Bytes()
	g.Domain.SetBytes(b[1:])
	anchor := AnchorHash(fr.Element{}, g.Notes.Root(), g.Accounts.Root())
	_, err := g.Roots.Append([]fr.Element{anchor})
	must(err)
	g.Anchors = []fr.Element{anchor}
	return g
}

func must(err error) {
	if err != nil {
		panic(err) // a builder of valid witnesses was asked for an impossible one
	}
}

// Random returns a field element that no earlier call returned.
func (g *Ledger) Random() fr.Element {
	g.counter++
	return hash.Sum(hash.RHO, fr.NewElement(g.counter), fr.NewElement(99))
}

// Lane is one lane to be applied.
type Lane struct {
	rollup.LaneWords[fr.Element]
	// ID, Previous and Next are the operation of a lane of kind 5.
	Preimage rollup.Preimage[fr.Element]
}

// NoOp returns a lane of kind 0.
func (g *Ledger) NoOp() *Lane { return &Lane{} }

// Transfer returns a lane of kind 1 with the newest anchor and a fee of 0.
func (g *Ledger) Transfer() *Lane { return g.transaction(rollup.KindTransfer) }

// Forced returns a lane of kind 3.
func (g *Ledger) Forced() *Lane { return g.transaction(rollup.KindForced) }

// Skipped returns a lane of kind 4 whose nullifier i is taken.
func (g *Ledger) Skipped(i int, taken fr.Element) *Lane {
	l := g.transaction(rollup.KindSkipped)
	l.Nullifiers[i] = taken
	return l
}

// Account returns a lane of kind 5 that changes the key set of id from previous, 0 if id is absent, to next.
func (g *Ledger) Account(id, previous, next fr.Element) *Lane {
	l := g.transaction(rollup.KindAccount)
	l.Preimage = rollup.Preimage[fr.Element]{ID: id, Previous: previous, Next: next}
	l.Operation = hash.Sum(hash.OPERATION, id, previous, next)
	return l
}

// Deposit returns a lane of kind 2.
func (g *Ledger) Deposit(asset, value uint64) *Lane {
	l := &Lane{}
	l.Kind.SetUint64(rollup.KindDeposit)
	l.Link = g.Random()
	l.PublicAsset.SetUint64(asset)
	l.PublicValue.SetUint64(value)
	return l
}

func (g *Ledger) transaction(kind uint64) *Lane {
	l := &Lane{}
	l.Kind.SetUint64(kind)
	l.Anchor = g.Anchors[len(g.Anchors)-1]
	for i := range l.Nullifiers {
		l.Nullifiers[i] = g.Random()
	}
	for i := range l.Commitments {
		l.Commitments[i] = g.Random()
	}
	for i := range l.Ext {
		e := g.Random()
		b := e.Bytes()
		l.Ext[i].SetBytes(b[1:])
	}
	l.Expiry.SetUint64(g.Now + 50)
	return l
}

// Withdraw makes the transaction pay value of asset to a recipient on L1.
func (l *Lane) Withdraw(asset, value, recipient uint64) *Lane {
	l.PublicAsset.SetUint64(asset)
	l.PublicValue.SetUint64(value)
	l.Recipient.SetUint64(recipient)
	return l
}

// Pay gives the transaction a fee.
func (l *Lane) Pay(asset, fee uint64) *Lane {
	l.FeeAsset.SetUint64(asset)
	l.Fee.SetUint64(fee)
	return l
}

// Name chains input i to a commitment of an earlier lane.
func (l *Lane) Name(i int, commitment fr.Element) *Lane {
	l.Named[i] = commitment
	return l
}

// Epoch applies lanes and returns the witness of the epoch, in which oldest is the oldest anchor epoch allowed. It
// panics if the lanes have no valid witness.
func (g *Ledger) Epoch(oldest uint64, lanes ...*Lane) *rollup.Witness {
	n := len(lanes)
	w := &rollup.Witness{
		Lanes: make([]rollup.WitnessLane, n), Operations: make([]rollup.WitnessOperation, n/4), Old: g.State(),
	}
	g.EpochID++
	g.oldNullifiers, g.oldAccounts = items(g.Nullifiers), items(g.Accounts)
	g.header(w, oldest)
	index := g.Queue
	for l, lane := range lanes {
		out := &w.Lanes[l]
		out.LaneWords, out.FeeSlot, out.AnchorSlot, out.Member = lane.LaneWords, rollup.None, rollup.None, rollup.None
		kind := Kind(out)
		if kind == rollup.KindDeposit {
			out.Commitments[0] = DepositNote(g.Domain, fr.NewElement(index), out.Link, out.PublicAsset, out.PublicValue)
		}
		if isQueued(kind) {
			index++
		}
		if isDirect(kind) {
			out.AnchorSlot = g.anchorSlot(w, out.Anchor, oldest)
			out.FeeSlot = feeSlot(w, &out.LaneWords)
		}
	}
	g.Queue = index
	g.applyNotes(w)
	g.applyNullifiers(w)
	g.applyAccounts(w, lanes)
	own := AnchorHash(w.Header.EpochID, g.Notes.Root(), g.Accounts.Root())
	path, err := g.Roots.Path(g.Roots.Size())
	must(err)
	w.Subtrees.Root = rollup.Opening{Index: g.Roots.Size(), Path: path}
	_, err = g.Roots.Append([]fr.Element{own})
	must(err)
	g.Anchors = append(g.Anchors, own)
	Settle(w)
	if now := g.State(); w.Header.NewState != StateHash(&now) {
		panic("rolluptest: settled state differs from the applied one")
	}
	return w
}

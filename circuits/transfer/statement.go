package transfer

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

const (
	assetBits     = 64
	valueBits     = 120
	recipientBits = 160
)

var (
	valueSpan = new(big.Int).Lsh(big.NewInt(1), valueBits)

	// (kind - 1)(kind - 3) is 0 for a transfer and a forced transaction, and 8 for an account transaction.
	eighth = func() (e fr.Element) { e.SetUint64(8); return *e.Inverse(&e) }()
)

// derived holds the values that the specification computes from the witness. A rule compares them with what h binds.
type derived struct {
	isAccount  frontend.Variable // 1 for kind 5, 0 for 1 and 3
	id, owner  frontend.Variable
	present    frontend.Variable // 1 if the account tree holds the id
	withdraws  frontend.Variable // 1 if the public value is not 0
	keyHash    frontend.Variable // of the signing key
	inputNotes [Inputs]noteValues
	outNotes   [Outputs]noteValues
	chained    [Inputs]frontend.Variable // 1 if the input names a commitment
}

type noteValues struct{ commitment, value, feeValue frontend.Variable }

// rule is one assertion of the statement, by the number that the specification gives it. The tests take rules away
// one by one to see that each refuses a witness that no other rule refuses.
type rule struct {
	name   string
	assert func(api frontend.API, c *Circuit, d *derived)
}

var statement = []rule{
	{"1 h is the hash of the fields", func(api frontend.API, c *Circuit, _ *derived) {
		api.AssertIsEqual(c.H, gadget.Sum(api, hash.TRANSACTION, c.Tx.fields()...))
	}},
	{"1 kind is known", func(api frontend.API, c *Circuit, d *derived) {
		api.AssertIsEqual(api.Mul(d.isAccount, api.Sub(c.Tx.Kind, KindAccount)), 0)
	}},
	{"3 anchor is the hash of the roots", func(api frontend.API, c *Circuit, _ *derived) {
		api.AssertIsEqual(c.Tx.Anchor, gadget.Sum(api, hash.ANCHOR, c.EpochID, c.NoteRoot, c.AccountRoot))
	}},
	{"4 account leaf lies under the account root", func(api frontend.API, c *Circuit, _ *derived) {
		c.Account.AssertUnder(api, c.AccountRoot)
	}},
	{"4 present: keys are the leaf's", func(api frontend.API, c *Circuit, d *derived) {
		c.Account.AssertKeySet(api, d.present)
	}},
	{"4 present: signing key is one of the keys", func(api frontend.API, c *Circuit, d *derived) {
		c.Account.AssertKey(api, d.keyHash, d.present)
	}},
	{"4 absent: id lies between low and next", func(api frontend.API, c *Circuit, d *derived) {
		c.Account.AssertAbsent(api, d.id, d.present)
	}},
	{"4 absent: signing key is the first key", func(api frontend.API, c *Circuit, d *derived) {
		gadget.AssertFirstKey(api, c.SigningKey, c.FirstKey, d.present)
	}},
	{"5 signature of h by the signing key", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertSignature(api, c.SigningKey, c.Signature, c.H)
	}},
	{"6 real is boolean", eachInput(func(api frontend.API, c *Circuit, _ *derived, i int) {
		api.AssertIsBoolean(c.Inputs[i].Real)
	})},
	{"6 bucket of an input is boolean", eachInput(func(api frontend.API, c *Circuit, _ *derived, i int) {
		api.AssertIsBoolean(c.Inputs[i].Bucket)
	})},
	{"6 range of an input's value", eachInput(func(api frontend.API, c *Circuit, _ *derived, i int) {
		gadget.AssertRange(api, c.Inputs[i].Value, valueBits)
	})},
	{"6 real, not chained: note lies under the note root", eachInput(
		func(api frontend.API, c *Circuit, d *derived, i int) {
			inTree := api.Mul(c.Inputs[i].Real, api.Sub(1, d.chained[i]))
			// A path always holds its leaf, so an input that needs none gets one that exists: of an empty leaf.
			leaf := api.Mul(inTree, d.inputNotes[i].commitment)
			root := gadget.Root(api, leaf, c.Inputs[i].Path)
			api.AssertIsEqual(api.Mul(inTree, api.Sub(root, c.NoteRoot)), 0)
		})},
	{"6 real, chained: note is the named commitment", eachInput(
		func(api frontend.API, c *Circuit, d *derived, i int) {
			isChained := api.Mul(c.Inputs[i].Real, d.chained[i])
			api.AssertIsEqual(api.Mul(isChained, api.Sub(d.inputNotes[i].commitment, c.Tx.Named[i])), 0)
		})},
	{"6 dummy has no value", eachInput(func(api frontend.API, c *Circuit, _ *derived, i int) {
		api.AssertIsEqual(api.Mul(api.Sub(1, c.Inputs[i].Real), c.Inputs[i].Value), 0)
	})},
	{"6 dummy names nothing", eachInput(func(api frontend.API, c *Circuit, _ *derived, i int) {
		api.AssertIsEqual(api.Mul(api.Sub(1, c.Inputs[i].Real), c.Tx.Named[i]), 0)
	})},
	{"6 nullifier", eachInput(func(api frontend.API, c *Circuit, d *derived, i int) {
		real := c.Inputs[i].Real
		capacity := gadget.SelectCapacity(api, real, hash.NULLIFIER, hash.NULLIFIER_DUMMY, 2)
		preimage := api.Select(real, d.inputNotes[i].commitment, c.Inputs[i].Random)
		api.AssertIsEqual(c.Tx.Nullifiers[i], gadget.SumCap(api, capacity, c.NullifierKey, preimage))
	})},
	{"7 nullifiers differ", func(api frontend.API, c *Circuit, _ *derived) {
		api.AssertIsDifferent(c.Tx.Nullifiers[0], c.Tx.Nullifiers[1])
	}},
	{"8 bucket of an output is boolean", eachOutput(func(api frontend.API, c *Circuit, _ *derived, j int) {
		api.AssertIsBoolean(c.Outputs[j].Bucket)
	})},
	{"8 range of an output's value", eachOutput(func(api frontend.API, c *Circuit, _ *derived, j int) {
		gadget.AssertRange(api, c.Outputs[j].Value, valueBits)
	})},
	{"8 commitment of an output", eachOutput(func(api frontend.API, c *Circuit, d *derived, j int) {
		api.AssertIsEqual(c.Tx.Commitments[j], d.outNotes[j].commitment)
	})},
	{"9 range of the hidden asset", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertRange(api, c.Asset, assetBits)
	}},
	{"9 range of the fee asset", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertRange(api, c.Tx.FeeAsset, assetBits)
	}},
	{"9 range of the fee", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertRange(api, c.Tx.Fee, valueBits)
	}},
	{"9 range of the public value", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertRange(api, c.Tx.PublicValue, valueBits)
	}},
	{"10 sum over all notes", func(api frontend.API, c *Circuit, d *derived) {
		spent, made := frontend.Variable(0), api.Add(c.Tx.Fee, c.Tx.PublicValue)
		for _, note := range d.inputNotes {
			spent = api.Add(spent, note.value)
		}
		for _, note := range d.outNotes {
			made = api.Add(made, note.value)
		}
		api.AssertIsEqual(spent, made)
	}},
	{"10 sum over the fee bucket", func(api frontend.API, c *Circuit, d *derived) {
		imbalance := api.Sub(0, c.Tx.Fee)
		for _, note := range d.inputNotes {
			imbalance = api.Add(imbalance, note.feeValue)
		}
		for _, note := range d.outNotes {
			imbalance = api.Sub(imbalance, note.feeValue)
		}
		api.AssertIsEqual(api.Mul(api.Sub(c.Asset, c.Tx.FeeAsset), imbalance), 0)
	}},
	{"11 public asset", func(api frontend.API, c *Circuit, d *derived) {
		api.AssertIsEqual(c.Tx.PublicAsset, api.Mul(d.withdraws, c.Asset))
	}},
	{"11 recipient exactly with a public value", func(api frontend.API, c *Circuit, d *derived) {
		api.AssertIsEqual(api.IsZero(c.Tx.Recipient), api.Sub(1, d.withdraws))
	}},
	{"11 range of the recipient", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertRange(api, c.Tx.Recipient, recipientBits)
	}},
	{"12 operation exactly in an account transaction", func(api frontend.API, c *Circuit, d *derived) {
		operation := gadget.Sum(api, hash.OPERATION, d.id, c.PreviousKeySet, c.ReplacingKeySet)
		api.AssertIsEqual(c.Tx.Operation, api.Mul(d.isAccount, operation))
	}},
}

func eachInput(f func(frontend.API, *Circuit, *derived, int)) func(frontend.API, *Circuit, *derived) {
	return func(api frontend.API, c *Circuit, d *derived) {
		for i := range Inputs {
			f(api, c, d, i)
		}
	}
}

func eachOutput(f func(frontend.API, *Circuit, *derived, int)) func(frontend.API, *Circuit, *derived) {
	return func(api frontend.API, c *Circuit, d *derived) {
		for j := range Outputs {
			f(api, c, d, j)
		}
	}
}

func (c *Circuit) define(api frontend.API, rules []rule) {
	d := c.derive(api)
	for _, r := range rules {
		r.assert(api, c, d)
	}
}

func (c *Circuit) derive(api frontend.API) *derived {
	d := &derived{}
	d.isAccount = api.Mul(api.Mul(api.Sub(c.Tx.Kind, KindTransfer), api.Sub(c.Tx.Kind, KindForced)), eighth)
	d.withdraws = api.Sub(1, api.IsZero(c.Tx.PublicValue))

	d.id = gadget.AccountID(api, c.FirstKey, c.NullifierKey)
	d.owner = gadget.Owner(api, d.id)
	d.present = c.Account.Holds(api, d.id)
	d.keyHash = gadget.KeyHash(api, c.SigningKey)

	for i, in := range c.Inputs {
		partial := gadget.PlainPartial(api, d.owner, in.Data, in.R)
		d.inputNotes[i] = c.note(api, partial, in.Bucket, in.Value, in.Rho)
		d.chained[i] = api.Sub(1, api.IsZero(c.Tx.Named[i]))
	}
	for j, out := range c.Outputs {
		rho := gadget.Sum(api, hash.RHO, c.Tx.Nullifiers[0], j)
		d.outNotes[j] = c.note(api, out.Partial, out.Bucket, out.Value, rho)
	}
	return d
}

func (c *Circuit) note(api frontend.API, partial, bucket, value, rho frontend.Variable) noteValues {
	asset := api.Select(bucket, c.Tx.FeeAsset, c.Asset)
	assetAndValue := api.Add(api.Mul(asset, valueSpan), value)
	return noteValues{
		commitment: gadget.Commitment(api, partial, assetAndValue, rho),
		value:      value,
		feeValue:   api.Mul(bucket, value),
	}
}

package exit

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

// derived holds the values that the specification computes from the witness. A rule compares them with what the public
// inputs bind.
type derived struct {
	id         frontend.Variable
	present    frontend.Variable // 1 if the account tree holds the id
	keyHash    frontend.Variable // of the signing key
	message    frontend.Variable
	commitment frontend.Variable
}

// rule is one assertion of the statement, by the number that the specification gives it. The tests take rules away
// one by one to see that each refuses a witness that no other rule refuses.
type rule struct {
	name   string
	assert func(api frontend.API, c *Circuit, d *derived)
}

var statement = []rule{
	{"1 state is the hash of the trees", func(api frontend.API, c *Circuit, _ *derived) {
		api.AssertIsEqual(c.State, gadget.StateHash(api, c.Trees))
	}},
	{"3 account leaf lies under the account root", func(api frontend.API, c *Circuit, _ *derived) {
		c.Account.AssertUnder(api, c.Trees.AccountRoot)
	}},
	{"3 present: keys are the leaf's", func(api frontend.API, c *Circuit, d *derived) {
		c.Account.AssertKeySet(api, d.present)
	}},
	{"3 present: signing key is one of the keys", func(api frontend.API, c *Circuit, d *derived) {
		c.Account.AssertKey(api, d.keyHash, d.present)
	}},
	{"3 absent: id lies between low and next", func(api frontend.API, c *Circuit, d *derived) {
		c.Account.AssertAbsent(api, d.id, d.present)
	}},
	{"3 absent: signing key is the first key", func(api frontend.API, c *Circuit, d *derived) {
		gadget.AssertFirstKey(api, c.SigningKey, c.FirstKey, d.present)
	}},
	{"4 signature of the message by the signing key", func(api frontend.API, c *Circuit, d *derived) {
		gadget.AssertSignature(api, c.SigningKey, c.Signature, d.message)
	}},
	{"5 note lies under the note root", func(api frontend.API, c *Circuit, d *derived) {
		api.AssertIsEqual(gadget.Root(api, d.commitment, c.Note.Path), c.Trees.NoteRoot)
	}},
	{"6 nullifier", func(api frontend.API, c *Circuit, d *derived) {
		api.AssertIsEqual(c.Nullifier, gadget.Sum(api, hash.NULLIFIER, c.NullifierKey, d.commitment))
	}},
	{"7 low leaf lies under the nullifier root", func(api frontend.API, c *Circuit, _ *derived) {
		leaf := gadget.NullifierLeaf(api, c.Low.Value, c.Low.Next)
		api.AssertIsEqual(gadget.Root(api, leaf, c.Low.Path), c.Trees.NullifierRoot)
	}},
	{"7 nullifier lies between low and next", func(api frontend.API, c *Circuit, _ *derived) {
		gadget.AssertArc(api, c.Low.Value, c.Nullifier, c.Low.Next, 1)
	}},
}

func (c *Circuit) define(api frontend.API, rules []rule) {
	d := c.derive(api)
	for _, r := range rules {
		r.assert(api, c, d)
	}
}

func (c *Circuit) derive(api frontend.API) *derived {
	id := gadget.AccountID(api, c.FirstKey, c.NullifierKey)
	partial := gadget.PlainPartial(api, gadget.Owner(api, id), c.Note.Data, c.Note.R)
	return &derived{
		id:         id,
		present:    c.Account.Holds(api, id),
		keyHash:    gadget.KeyHash(api, c.SigningKey),
		message:    gadget.Sum(api, hash.EXIT, c.Domain, c.Nullifier, c.Recipient, c.Executor, c.Fee),
		commitment: gadget.Commitment(api, partial, c.AssetAndValue, c.Note.Rho),
	}
}

package rollup

import (
	"slices"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

func (c *Circuit) words() []frontend.Variable {
	lanes := make([]*LaneWords[frontend.Variable], len(c.Lanes))
	for l := range c.Lanes {
		lanes[l] = &c.Lanes[l].LaneWords
	}
	operations := make([]*Preimage[frontend.Variable], len(c.Operations))
	for a := range c.Operations {
		operations[a] = &c.Operations[a].Preimage
	}
	return Words(&c.Header, lanes, operations)
}

// bindWords ties the public inputs to the words: c by hash, y as the value at z of the polynomial they are the
// coefficients of. In calldata mode y covers all words and the limbs of y_data are 0.
func (c *Circuit) bindWords(api frontend.API, digests []frontend.Variable) {
	h := &c.Header
	inputs := append([]frontend.Variable{h.OldState, h.NewState, h.OwnAnchor}, h.ByteWords()...)
	for l := range c.Lanes {
		inputs = append(inputs, c.Lanes[l].Kind, c.Lanes[l].Link, digests[l])
	}
	api.AssertIsEqual(c.C, gadget.Sum(api, hash.VECTOR, inputs...))

	y := frontend.Variable(0)
	for _, w := range slices.Backward(c.words()) {
		y = api.Add(api.Mul(y, c.Z), w)
	}
	api.AssertIsEqual(c.Y, y)
	api.AssertIsEqual(c.YDataLow, 0)
	api.AssertIsEqual(c.YDataHigh, 0)
	// A public input in no constraint could be replaced without touching the proof.
	api.Mul(c.M, c.M)
}

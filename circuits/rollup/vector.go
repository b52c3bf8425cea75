package rollup

import (
	"slices"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

func (c *Circuit) words() Words[frontend.Variable] {
	lanes := make([]*LaneWords[frontend.Variable], len(c.Lanes))
	for l := range c.Lanes {
		lanes[l] = &c.Lanes[l].LaneWords
	}
	operations := make([]*Preimage[frontend.Variable], len(c.Operations))
	for a := range c.Operations {
		operations[a] = &c.Operations[a].Preimage
	}
	return WordsOf(&c.Header, lanes, operations)
}

// bindWords ties the public inputs to the words: c by hash, y as the value at z of the polynomial they are the
// coefficients of. In calldata mode y covers all words and the limbs of y_data are 0.
func (c *Circuit) bindWords(api frontend.API, digests []frontend.Variable) {
	c.bindHash(api, digests)
	words := c.words()
	c.bindValue(api, words.All())
	api.AssertIsEqual(c.YDataLow, 0)
	api.AssertIsEqual(c.YDataHigh, 0)
	c.bindProver(api)
}

// bindHash ties c to all words, most of them through the digests of their lanes.
func (c *Circuit) bindHash(api frontend.API, digests []frontend.Variable) {
	h := &c.Header
	inputs := append([]frontend.Variable{h.OldState, h.NewState, h.OwnAnchor}, h.ByteWords()...)
	for l := range c.Lanes {
		inputs = append(inputs, c.Lanes[l].Kind, c.Lanes[l].Link, digests[l])
	}
	api.AssertIsEqual(c.C, gadget.Sum(api, hash.VECTOR, inputs...))
}

// bindValue ties y to words.
func (c *Circuit) bindValue(api frontend.API, words []frontend.Variable) {
	y := frontend.Variable(0)
	for _, w := range slices.Backward(words) {
		y = api.Add(api.Mul(y, c.Z), w)
	}
	api.AssertIsEqual(c.Y, y)
}

// bindProver puts m into a constraint: a public input in none could be replaced without touching the proof.
func (c *Circuit) bindProver(api frontend.API) { api.Mul(c.M, c.M) }

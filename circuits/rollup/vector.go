package rollup

import (
	"slices"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

// headerBytes returns the byte words of the header in their order.
func (h *Header) byteWords() []frontend.Variable {
	words := []frontend.Variable{h.Domain, h.EpochID, h.Oldest, h.Now, h.QueueStart, h.QueueEnd}
	words = append(words, h.FeeAssets[:]...)
	words = append(words, h.FeeTotals[:]...)
	return append(words, h.Reserved)
}

// words returns the epoch's words: L1 field, L1 byte, data field, data byte.
func (c *Circuit) words() []frontend.Variable {
	h := &c.Header
	l1Field := []frontend.Variable{h.OldState, h.NewState, h.OwnAnchor}
	l1Byte := h.byteWords()
	var dataField, dataByte []frontend.Variable
	for i := range c.Lanes {
		l := &c.Lanes[i]
		l1Field = append(l1Field, l.Link)
		l1Byte = append(l1Byte, l.Kind, l.PublicValue, l.PublicAsset, l.Recipient)
		dataField = append(dataField, l.Anchor, l.Named[0], l.Named[1], l.Nullifiers[0], l.Nullifiers[1],
			l.Commitments[0], l.Commitments[1], l.Commitments[2], l.Operation)
		dataByte = append(dataByte, l.Fee, l.FeeAsset, l.Expiry)
		dataByte = append(dataByte, l.Ext[:]...)
	}
	for _, op := range c.Operations {
		dataField = append(dataField, op.ID, op.Next)
	}
	return slices.Concat(l1Field, l1Byte, dataField, dataByte)
}

// bindWords ties the public inputs to the words: c by hash, y as the value at z of the polynomial they are the
// coefficients of. In calldata mode y covers all words and the limbs of y_data are 0.
func (c *Circuit) bindWords(api frontend.API, digests []frontend.Variable) {
	h := &c.Header
	inputs := append([]frontend.Variable{h.OldState, h.NewState, h.OwnAnchor}, h.byteWords()...)
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

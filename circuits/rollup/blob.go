package rollup

import (
	"slices"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/blob"
)

// BlobCircuit is the statement about an epoch whose data words are in a blob. Its public inputs are those of [Circuit].
type BlobCircuit struct{ Circuit }

// Widths of words in a blob that readers of words demand (docs/spec/14-blobs.md).
const (
	feeBits       = 120
	assetBits     = 64
	extensionBits = 248
	challengeBits = 248
	yDataLowBits  = 128
)

// Define states the epoch.
func (c *BlobCircuit) Define(api frontend.API) error {
	digests, err := c.transition(api)
	if err != nil {
		return err
	}
	c.bindHash(api, digests)
	words := c.words()
	c.bindValue(api, words.L1())
	c.bindBlob(api, words)
	c.bindProver(api)
	return nil
}

// bindBlob ties y_data to the data words: it is the value at z, modulo the order of BLS12-381's groups, of the
// polynomial they are the coefficients of. L1 refuses a y_data that is not below that order.
func (c *Circuit) bindBlob(api frontend.API, words Words[frontend.Variable]) {
	var coefficients []blob.Number
	for _, w := range words.DataField {
		coefficients = append(coefficients, blob.FieldWord(api, w))
	}
	for lane := range slices.Chunk(words.DataByte, len(words.DataByte)/len(c.Lanes)) {
		coefficients = append(coefficients, blob.ByteWord(api, lane[0], feeBits))
		coefficients = append(coefficients, blob.ByteWord(api, lane[1], assetBits))
		coefficients = append(coefficients, blob.ByteWord(api, lane[2], expiryBits))
		for _, w := range lane[3:] {
			coefficients = append(coefficients, blob.ByteWord(api, w, extensionBits))
		}
	}
	z := blob.ByteWord(api, c.Z, challengeBits)
	value := blob.Evaluate(api, coefficients, z)
	api.AssertIsEqual(c.YDataLow, blob.Compose(api, value[:yDataLowBits]))
	api.AssertIsEqual(c.YDataHigh, blob.Compose(api, value[yDataLowBits:]))
}

package rollup

import (
	"math/big"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

// expiryBits bounds an expiry and its distance from now: L1 block numbers fit 64 bits, and readers of the words
// refuse an expiry that does not.
const expiryBits = 64

// assetShift places an asset above a note's value in one field element.
var assetShift = new(big.Int).Lsh(big.NewInt(1), 120)

// assertZeroIf constrains v to be 0 where flag is not 0.
func assertZeroIf(api frontend.API, flag, v frontend.Variable) {
	api.AssertIsEqual(api.Mul(flag, v), 0)
}

// digest constrains the lane's link and the words that its kind leaves empty, and returns the lane's h in c.
// Deposit value and asset are not bounded here: the queue's item, which the contract compares, bounds them.
func (l *Lane) digest(api frontend.API, k kind, domain, queueIndex frontend.Variable) frontend.Variable {
	empty := api.Add(k.none, k.deposit)
	words := []frontend.Variable{
		l.Recipient, l.Anchor, l.Named[0], l.Named[1], l.Nullifiers[0], l.Nullifiers[1], l.Commitments[1],
		l.Commitments[2], l.Operation, l.Fee, l.FeeAsset, l.Expiry,
	}
	for _, w := range append(words, l.Ext[:]...) {
		assertZeroIf(api, empty, w)
	}
	for _, w := range []frontend.Variable{l.Link, l.PublicValue, l.PublicAsset, l.Commitments[0]} {
		assertZeroIf(api, k.none, w)
	}

	h := l.transactionHash(api, k.transactionKind(api), domain)
	assertZeroIf(api, k.transaction(api), api.Sub(l.Link, h))

	rho := gadget.Sum(api, hash.RHO_DEPOSIT, domain, queueIndex)
	content := api.Add(api.Mul(l.PublicAsset, assetShift), l.PublicValue)
	note := gadget.Sum(api, hash.NOTE, l.Link, content, rho)
	assertZeroIf(api, k.deposit, api.Sub(l.Commitments[0], note))
	deposit := gadget.Sum(api, hash.DEPOSIT, domain, queueIndex, l.Link, l.PublicAsset, l.PublicValue)

	return api.Add(api.Mul(k.transaction(api), h), api.Mul(k.deposit, deposit))
}

func (l *Lane) transactionHash(api frontend.API, txKind, domain frontend.Variable) frontend.Variable {
	ext := gadget.Sum(api, hash.EXTENSION, l.Ext[:]...)
	return gadget.Sum(api, hash.TRANSACTION, txKind, domain, l.Anchor, l.Named[0], l.Named[1], l.Nullifiers[0],
		l.Nullifiers[1], l.Commitments[0], l.Commitments[1], l.Commitments[2], l.PublicValue, l.PublicAsset,
		l.Recipient, l.Fee, l.FeeAsset, l.Expiry, l.Operation, ext)
}

// assertAnchorAndExpiry constrains a lane with a client proof to use the anchor of one slot, and not to be expired.
func (c *Circuit) assertAnchorAndExpiry(api frontend.API, l int, k kind) {
	lane := &c.Lanes[l]
	product := k.direct(api)
	for _, a := range c.Anchors {
		product = api.Mul(product, api.Sub(lane.Anchor, a.Anchor))
	}
	api.AssertIsEqual(product, 0)
	expiry := api.Mul(k.direct(api), lane.Expiry)
	gadget.AssertRange(api, expiry, expiryBits)
	gadget.AssertRange(api, api.Sub(expiry, api.Mul(k.direct(api), c.Header.Now)), expiryBits)
}

// assertFees constrains every fee to go to one slot of its asset, and each slot's total to be the sum of the fees
// that chose it. Fees are below 2^120 by the client proofs, so no sum wraps.
func (c *Circuit) assertFees(api frontend.API, kinds []kind) {
	totals := [FeeSlots]frontend.Variable{0, 0, 0, 0}
	for l := range c.Lanes {
		lane := &c.Lanes[l]
		fee := api.Mul(kinds[l].direct(api), lane.Fee)
		any := frontend.Variable(0)
		for s, chosen := range lane.FeeSlot {
			api.AssertIsBoolean(chosen)
			assertZeroIf(api, chosen, api.Sub(lane.FeeAsset, c.Header.FeeAssets[s]))
			totals[s] = api.Add(totals[s], api.Mul(chosen, fee))
			any = api.Add(any, chosen)
		}
		api.AssertIsBoolean(any)
		assertZeroIf(api, api.Sub(1, any), fee)
	}
	for s := range totals {
		api.AssertIsEqual(c.Header.FeeTotals[s], totals[s])
	}
}

// appendNotes returns the note subtree's leaves, and constrains a spending lane to name nothing but commitments
// that an earlier lane appended. A skipped lane appends nothing; whatever it names is bound by h alone. A
// commitment of 0 counts as none: naming 0 means that the input is not chained.
func (c *Circuit) appendNotes(api frontend.API, kinds []kind) []frontend.Variable {
	var earlier, leaves []frontend.Variable
	for l := range c.Lanes {
		lane := &c.Lanes[l]
		for _, named := range lane.Named {
			outside := api.Mul(kinds[l].spends(api), named)
			for _, cm := range earlier {
				outside = api.Mul(outside, api.Sub(named, cm))
			}
			api.AssertIsEqual(outside, 0)
		}
		appends := api.Sub(1, kinds[l].skipped)
		var masked [3]frontend.Variable
		for j, cm := range lane.Commitments {
			masked[j] = api.Mul(appends, cm)
		}
		earlier = append(earlier, masked[:]...)
		leaves = append(leaves, masked[0], masked[1], masked[2], 0)
	}
	return leaves
}

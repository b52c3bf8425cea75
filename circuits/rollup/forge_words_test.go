package rollup_test

import (
	"fmt"
	"reflect"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
)

// Parts of the source lines that forgeries of words, kinds, fees and links violate.
const (
	lineEmpty    = "assertZeroIf(api, empty, w)"
	lineNone     = "assertZeroIf(api, k.none, w)"
	lineLink     = "api.Sub(l.Link, h)"
	lineNote     = "api.Sub(l.Commitments[0], note)"
	lineKind     = "api.AssertIsEqual(l.Kind, value)"
	lineKindBit  = "kind.go: api.AssertIsBoolean(b)"
	lineKindAny  = "kind.go: api.AssertIsBoolean(any)"
	lineAnchor   = "lane.go: api.AssertIsEqual(product, 0)"
	lineExpiry   = "c.Header.Now)), expiryBits)"
	lineExpiring = "AssertRange(api, expiry, expiryBits)"
	lineFeeBit   = "api.AssertIsBoolean(chosen)"
	lineFeeAsset = "api.Sub(lane.FeeAsset, c.Header.FeeAssets[s])"
	lineFeeAny   = "lane.go: api.AssertIsBoolean(any)"
	lineFeePaid  = "assertZeroIf(api, api.Sub(1, any), fee)"
	lineFeeTotal = "api.AssertIsEqual(c.Header.FeeTotals[s], totals[s])"
	lineNamed    = "api.AssertIsEqual(outside, 0)"
	lineC        = "api.AssertIsEqual(c.C"
	lineY        = "api.AssertIsEqual(c.Y, y)"
	lineDataLow  = "api.AssertIsEqual(c.YDataLow, 0)"
	lineDataHigh = "api.AssertIsEqual(c.YDataHigh, 0)"
)

// laneWord is one word of a lane, by the name of its field.
type laneWord struct {
	name string
	of   func(*rollup.LaneWords[fr.Element]) *fr.Element
}

func laneWords() (words []laneWord) {
	typ := reflect.TypeFor[rollup.LaneWords[fr.Element]]()
	for i := range typ.NumField() {
		field := typ.Field(i)
		if field.Type == reflect.TypeFor[fr.Element]() {
			words = append(words, laneWord{field.Name, func(l *rollup.LaneWords[fr.Element]) *fr.Element {
				return reflect.ValueOf(l).Elem().Field(i).Addr().Interface().(*fr.Element)
			}})
			continue
		}
		for j := range field.Type.Len() {
			words = append(words, laneWord{fmt.Sprint(field.Name, j), func(l *rollup.LaneWords[fr.Element]) *fr.Element {
				return reflect.ValueOf(l).Elem().Field(i).Index(j).Addr().Interface().(*fr.Element)
			}})
		}
	}
	return words
}

func emptyWordForgeries() (out []forgery) {
	for _, word := range laneWords() {
		if word.name == "Kind" {
			continue
		}
		line := lineEmpty
		switch word.name {
		case "Link", "PublicValue", "PublicAsset", "Commitments0":
			line = lineNone
		}
		out = append(out, forgery{"no-op with " + word.name, sparse, settled(func(s *scene) {
			word.of(&s.w.Lanes[0].LaneWords).SetOne()
		}), []string{line}})
		switch word.name {
		case "Link", "PublicValue", "PublicAsset", "Commitments0":
			line = lineNote
		}
		out = append(out, forgery{"deposit with other " + word.name, sparse, settled(func(s *scene) {
			bump(word.of(&s.w.Lanes[2].LaneWords))
		}), []string{line}})
	}
	return out
}

// hashedWordForgeries: a transaction's fields that the rollup circuit only hashes may be anything, but not another
// than in h.
func hashedWordForgeries() (out []forgery) {
	for _, name := range []string{"PublicValue", "PublicAsset", "Recipient", "Ext0", "Ext11", "Operation", "Commitments2"} {
		for _, word := range laneWords() {
			if word.name != name {
				continue
			}
			out = append(out,
				forgery{"transfer's h ignores " + name, mixed, func(s *scene) {
					bump(word.of(&s.w.Lanes[0].LaneWords))
					link := s.w.Lanes[0].Link
					// The account lane names this commitment, so the lane that follows must not be disturbed.
					if name == "Commitments2" {
						s.w.Lanes[2].Named[0] = s.w.Lanes[0].Commitments[2]
					}
					rolluptest.Settle(s.w)
					s.w.Lanes[0].Link = link
					rolluptest.Seal(s.w)
				}, []string{lineLink}},
				forgery{"any " + name, chain, settled(func(s *scene) { bump(word.of(&s.w.Lanes[3].LaneWords)) }), nil})
		}
	}
	return out
}

func kindForgeries() []forgery {
	kind := func(l int, k int64) func(*scene) {
		return settled(func(s *scene) { s.w.Lanes[l].Kind.SetInt64(k) })
	}
	return []forgery{
		{"kind 6", sparse, kind(0, 6), []string{lineKind}},
		{"kind 7", sparse, kind(0, 7), []string{lineKind}},
		{"kind p-1", sparse, kind(0, -1), []string{lineKind}},
		{"kind word 5 with the bits of a transfer", chain, func(s *scene) {
			s.assign = func(c *rollup.Circuit) { c.Lanes[0].Kind = 5 }
		}, []string{lineKind, lineC, lineY}},
		{"two kinds", sparse, func(s *scene) {
			// 1 + 2 = 3: kind 3 as transfer and deposit at once.
			s.assign = func(c *rollup.Circuit) { c.Lanes[1].KindBits = [5]frontend.Variable{1, 1, 0, 0, 0} }
		}, []string{lineKindAny, lineLink, lineNote, lineC, lineNone}},
		{"kind bit of -1", sparse, func(s *scene) {
			s.assign = func(c *rollup.Circuit) { c.Lanes[0].KindBits = [5]frontend.Variable{-1, 0, 0, 0, 0} }
		}, []string{lineKindBit, lineKindAny, lineKind, lineLink, lineAnchor, lineC, lineNewState, lineBefore}},
		{"transfer's h in a forced lane", sparse, func(s *scene) {
			lane := s.w.Lanes[1]
			lane.Kind = element(rollup.KindTransfer)
			s.w.Lanes[1].Link = rolluptest.TransactionHash(s.w.Header.Domain, &lane)
			rolluptest.Seal(s.w)
		}, []string{lineLink}},
		{"link of a skipped lane", mixed, sealed(func(s *scene) { bump(&s.w.Lanes[3].Link) }), []string{lineLink}},
		{"link of an account lane", mixed, sealed(func(s *scene) { bump(&s.w.Lanes[2].Link) }), []string{lineLink}},
		{"skipped lane's h with kind 4", mixed, func(s *scene) {
			lane := &s.w.Lanes[3]
			// The hash that a lane of kind 4 must not have: kind 4 itself in it.
			lane.Link = hash.Sum(hash.TRANSACTION, element(4), s.w.Header.Domain, lane.Anchor, lane.Named[0], lane.Named[1],
				lane.Nullifiers[0], lane.Nullifiers[1], lane.Commitments[0], lane.Commitments[1], lane.Commitments[2],
				lane.PublicValue, lane.PublicAsset, lane.Recipient, lane.Fee, lane.FeeAsset, lane.Expiry, lane.Operation,
				hash.Sum(hash.EXTENSION, lane.Ext[:]...))
			rolluptest.Seal(s.w)
		}, []string{lineLink}},
		{"h of another domain", chain, func(s *scene) {
			link := s.w.Lanes[2].Link
			bump(&s.w.Header.Domain)
			rolluptest.Settle(s.w)
			s.w.Lanes[2].Link = link
			rolluptest.Seal(s.w)
		}, []string{lineLink}},
		{"deposit of the next queue index", sparse, settled(func(s *scene) {
			l := &s.w.Lanes[2]
			l.Commitments[0] = rolluptest.DepositNote(s.w.Header.Domain, plus(s.w.Header.QueueStart, 2), l.Link,
				l.PublicAsset, l.PublicValue)
		}), []string{lineNote}},
		{"queue start moved under a deposit", sparse, settled(func(s *scene) { bump(&s.w.Header.QueueStart) }), []string{lineNote}},
		{"queue start of an epoch without deposits", chain, settled(func(s *scene) { bump(&s.w.Header.QueueStart) }), nil},
	}
}

func feeForgeries() []forgery {
	both := func(split [2]int64) func(*scene) {
		return func(s *scene) {
			h := &s.w.Header
			h.FeeAssets[2] = h.FeeAssets[0]
			fee := s.w.Lanes[0].Fee
			for i, slot := range []int{0, 2} {
				var share fr.Element
				share.SetInt64(split[i])
				h.FeeTotals[slot].Mul(&fee, &share)
			}
			rolluptest.Seal(s.w)
			s.assign = func(c *rollup.Circuit) { c.Lanes[0].FeeSlot[0], c.Lanes[0].FeeSlot[2] = split[0], split[1] }
		}
	}
	return []forgery{
		{"fee asset of another slot", mixed, settled(func(s *scene) { s.w.Lanes[0].FeeAsset = element(2) }), []string{lineFeeAsset}},
		{"fee in another slot", mixed, settled(func(s *scene) { s.w.Lanes[0].FeeSlot = 1 }), []string{lineFeeAsset}},
		{"fee without slot", mixed, settled(func(s *scene) { s.w.Lanes[0].FeeSlot = rollup.None }), []string{lineFeePaid}},
		{"account lane's fee without slot", mixed, settled(func(s *scene) { s.w.Lanes[2].FeeSlot = rollup.None }), []string{lineFeePaid}},
		{"total too high", mixed, sealed(func(s *scene) { bump(&s.w.Header.FeeTotals[0]) }), []string{lineFeeTotal}},
		{"total too low", mixed, sealed(func(s *scene) { s.w.Header.FeeTotals[1] = plus(s.w.Header.FeeTotals[1], -1) }), []string{lineFeeTotal}},
		{"total of an unused slot", mixed, sealed(func(s *scene) { bump(&s.w.Header.FeeTotals[3]) }), []string{lineFeeTotal}},
		{"fee of a forced lane counted", sparse, func(s *scene) {
			s.w.Lanes[1].Fee, s.w.Lanes[1].FeeAsset, s.w.Lanes[1].FeeSlot = element(5), element(1), 0
			s.w.Header.FeeAssets[0] = element(1)
			rolluptest.Settle(s.w)
			s.w.Header.FeeTotals[0] = element(5)
			rolluptest.Seal(s.w)
		}, []string{lineFeeTotal}},
		{"fee of a skipped lane counted", mixed, func(s *scene) {
			s.w.Lanes[3].Fee, s.w.Lanes[3].FeeAsset, s.w.Lanes[3].FeeSlot = element(5), element(1), 0
			rolluptest.Settle(s.w)
			s.w.Header.FeeTotals[0] = element(35)
			rolluptest.Seal(s.w)
		}, []string{lineFeeTotal}},
		{"forced lane's fee ignored", sparse, settled(func(s *scene) { s.w.Lanes[1].Fee = element(5) }), nil},
		{"fee counted in two slots", mixed, both([2]int64{1, 1}), []string{lineFeeAny, lineFeePaid}},
		{"fee of 0 in two slots", mixed, func(s *scene) {
			s.w.Lanes[0].Fee.SetZero()
			rolluptest.Settle(s.w)
			both([2]int64{1, 1})(s)
		}, []string{lineFeeAny}},
		{"fee split over two slots", mixed, both([2]int64{2, -1}), []string{lineFeeBit}},
		{"slot without fee", chain, settled(func(s *scene) {
			s.w.Header.FeeAssets[3], s.w.Lanes[1].FeeAsset, s.w.Lanes[1].FeeSlot = element(9), element(9), 3
		}), nil},
	}
}

func expiryForgeries() []forgery {
	expiry := func(l int, d int64) func(*scene) {
		return settled(func(s *scene) { s.w.Lanes[l].Expiry = plus(s.w.Header.Now, d) })
	}
	return []forgery{
		{"expired", chain, expiry(1, -1), []string{lineExpiry}},
		{"expires now", chain, expiry(1, 0), nil},
		{"expired account lane", mixed, expiry(2, -1), []string{lineExpiry}},
		{"expired forced lane", sparse, expiry(1, -1), nil},
		{"expired skipped lane", sparse, expiry(3, -900), nil},
		{"last expiry of the range", chain, settled(func(s *scene) {
			s.w.Lanes[0].Expiry.SetUint64(1<<64 - 1)
		}), nil},
		{"expiry beyond the range", chain, settled(func(s *scene) {
			s.w.Lanes[0].Expiry.SetUint64(1<<64 - 1)
			bump(&s.w.Lanes[0].Expiry)
		}), []string{lineExpiring}},
		{"expiry and its distance beyond the range", chain, settled(func(s *scene) {
			s.w.Lanes[0].Expiry.SetUint64(1<<64 - 1)
			s.w.Lanes[0].Expiry.Add(&s.w.Lanes[0].Expiry, &s.w.Header.Now)
			bump(&s.w.Lanes[0].Expiry)
		}), []string{lineExpiring, lineExpiry}},
		{"now moved past expiry", chain, settled(func(s *scene) { s.w.Header.Now = plus(s.w.Header.Now, 51) }), []string{lineExpiry}},
	}
}

func namedForgeries() []forgery {
	name := func(l, i int, cm func(*scene) fr.Element) func(*scene) {
		return settled(func(s *scene) { s.w.Lanes[l].Named[i] = cm(s) })
	}
	of := func(l, j int) func(*scene) fr.Element {
		return func(s *scene) fr.Element { return s.w.Lanes[l].Commitments[j] }
	}
	return []forgery{
		{"named from an earlier lane", chain, name(1, 0, of(0, 2)), nil},
		{"both named the same", chain, settled(func(s *scene) {
			s.w.Lanes[2].Named = [2]fr.Element{s.w.Lanes[1].Commitments[0], s.w.Lanes[1].Commitments[0]}
		}), nil},
		{"named from a later lane", chain, name(1, 0, of(2, 0)), []string{lineNamed}},
		{"named from the same lane", chain, name(1, 1, of(1, 0)), []string{lineNamed}},
		{"named by the first lane", chain, name(0, 1, of(1, 0)), []string{lineNamed}},
		{"named from nowhere", chain, name(3, 0, func(*scene) fr.Element { return element(12345) }), []string{lineNamed}},
		{"named by a forced lane from nowhere", sparse, name(1, 0, func(*scene) fr.Element { return element(1) }), []string{lineNamed}},
		{"named by a skipped lane from nowhere", sparse, name(3, 0, func(*scene) fr.Element { return element(1) }), nil},
		{"named a deposit", mixed, name(2, 0, of(1, 0)), nil},
		{"named by an account lane from nowhere", mixed, name(2, 1, func(*scene) fr.Element { return element(1) }), []string{lineNamed}},
		{"named a nullifier", chain, name(2, 0, func(s *scene) fr.Element { return s.w.Lanes[0].Nullifiers[0] }), []string{lineNamed}},
		{"named a commitment of a skipped lane", skippedFirst, name(1, 0, of(0, 0)), []string{lineNamed}},
		{"an earlier commitment of 0 chains nothing", chain, settled(func(s *scene) {
			s.w.Lanes[0].Commitments[0].SetZero()
			s.w.Lanes[1].Named[0] = element(1)
		}), []string{lineNamed}},
	}
}

// skippedFirst has a skipped lane before a transfer.
func skippedFirst() *scene {
	g := rolluptest.Genesis()
	earlier := g.Transfer()
	g.Epoch(0, earlier, g.NoOp(), g.NoOp(), g.NoOp())
	return &scene{g: g, w: g.Epoch(0, g.Skipped(0, earlier.Nullifiers[1]), g.Transfer(), g.NoOp(), g.NoOp())}
}

func vectorForgeries() []forgery {
	return []forgery{
		{"c of other words", mixed, func(s *scene) { bump(&s.w.C) }, []string{lineC}},
		{"word changed after c", chain, func(s *scene) {
			s.w.Header.QueueStart, s.w.Header.QueueEnd = element(1), element(1)
			rolluptest.Evaluate(s.w)
		}, []string{lineC}},
		{"y", mixed, func(s *scene) { bump(&s.w.Y) }, []string{lineY}},
		{"z without its y", mixed, func(s *scene) { bump(&s.w.Z) }, []string{lineY}},
		{"another z with its y", mixed, func(s *scene) { bump(&s.w.Z); rolluptest.Evaluate(s.w) }, nil},
		{"y_data low", mixed, func(s *scene) { s.assign = func(c *rollup.Circuit) { c.YDataLow = 1 } }, []string{lineDataLow}},
		{"y_data high", mixed, func(s *scene) { s.assign = func(c *rollup.Circuit) { c.YDataHigh = 1 } }, []string{lineDataHigh}},
		{"m binds nothing inside", mixed, func(s *scene) { bump(&s.w.M) }, nil},
	}
}

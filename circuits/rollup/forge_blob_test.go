package rollup_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	blsfr "github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
)

// Parts of the source lines that forgeries of words in blobs violate. Those of package blob are its callers' here; lies
// of a solver about the integers of a computation are in that package's tests.
const (
	lineFeeBits   = "lane[0], feeBits"
	lineAssetBits = "lane[1], assetBits"
	lineDataUntil = "lane[2], expiryBits"
	lineExtBits   = "w, extensionBits"
	lineZBits     = "c.Z, challengeBits"
	lineReduced   = "blob.Evaluate("
	lineYLow      = "api.AssertIsEqual(c.YDataLow, blob"
	lineYHigh     = "api.AssertIsEqual(c.YDataHigh, blob"
)

func inBlob(of func() *scene) func() *scene {
	return func() *scene {
		s := of()
		rolluptest.InBlob(s.w)
		return s
	}
}

// dataWidths returns the widths of data words in bits, 254 for field words.
func dataWidths(w *rollup.Witness) (widths []int) {
	for range w.Words().DataField {
		widths = append(widths, fr.Bits)
	}
	for range w.Lanes {
		widths = append(widths, 120, 64, 64)
		widths = append(widths, slices.Repeat([]int{248}, rollup.ExtensionWords)...)
	}
	return widths
}

// tooWide makes a word exceed its width and y_data the value that the circuit computes of the bits it keeps. The
// reductions, whose limbs are of these bits, then are not those of the word itself: they fail as well.
func tooWide(word func(*rollup.Witness) *fr.Element, width uint) func(*scene) {
	return func(s *scene) {
		*word(s.w) = power(width)
		rolluptest.Settle(s.w)
		kept := rolluptest.Coefficients(s.w)
		for i, bits := range dataWidths(s.w) {
			kept[i].SetBit(kept[i], bits, 0)
		}
		rolluptest.EvaluateData(s.w, kept)
	}
}

func power(exponent uint) (e fr.Element) {
	e.SetBigInt(new(big.Int).Lsh(big.NewInt(1), exponent))
	return e
}

func widthForgeries() []forgery {
	forced, transfer := inBlob(sparse), inBlob(chain)
	return []forgery{
		{"fee of 121 bits", forced, tooWide(func(w *rollup.Witness) *fr.Element { return &w.Lanes[1].Fee }, 120), []string{lineFeeBits, lineReduced}},
		{"fee asset of 65 bits", forced, tooWide(func(w *rollup.Witness) *fr.Element { return &w.Lanes[1].FeeAsset }, 64), []string{lineAssetBits, lineReduced}},
		{"expiry of 65 bits", forced, tooWide(func(w *rollup.Witness) *fr.Element { return &w.Lanes[1].Expiry }, 64), []string{lineDataUntil, lineReduced}},
		{"expiry of 65 bits in a transfer", transfer, tooWide(func(w *rollup.Witness) *fr.Element { return &w.Lanes[1].Expiry }, 64),
			[]string{lineDataUntil, lineExpiring, lineReduced}},
		{"first extension word of 249 bits", forced, tooWide(func(w *rollup.Witness) *fr.Element { return &w.Lanes[1].Ext[0] }, 248), []string{lineExtBits, lineReduced}},
		{"last extension word of 249 bits", transfer, tooWide(func(w *rollup.Witness) *fr.Element { return &w.Lanes[3].Ext[11] }, 248), []string{lineExtBits, lineReduced}},
		{"z of 249 bits", transfer, func(s *scene) {
			s.w.Z = power(248)
			rolluptest.Evaluate(s.w)
			// The bits that are kept are those of 0.
			rolluptest.EvaluateData(s.w, rolluptest.Coefficients(s.w)[:1])
		}, []string{lineZBits, lineReduced}},
		{"widest words", forced, settled(func(s *scene) {
			l := &s.w.Lanes[1]
			l.Fee, l.FeeAsset, l.Expiry, l.Ext[0] = plus(power(120), -1), plus(power(64), -1), plus(power(64), -1), plus(power(248), -1)
		}), nil},
		{"greatest field words", transfer, settled(func(s *scene) {
			l := &s.w.Lanes[3]
			l.Commitments = [3]fr.Element{element(0), plus(element(0), -1), plus(element(0), -2)}
		}), nil},
	}
}

func valueForgeries() []forgery {
	// other gives y_data of coefficients that are not the words.
	other := func(change func(coefficients []*big.Int) []*big.Int) func(*scene) {
		return func(s *scene) { rolluptest.EvaluateData(s.w, change(rolluptest.Coefficients(s.w))) }
	}
	plusInteger := func(at int, d *big.Int) func(*scene) {
		return other(func(c []*big.Int) []*big.Int { c[at].Add(c[at], d); return c })
	}
	both := []string{lineYLow, lineYHigh}
	first, last := 0, 97
	limb := func(at int, d int64) func(*scene) {
		return func(s *scene) { s.w.YData[at] = plus(s.w.YData[at], d) }
	}
	return []forgery{
		{"y_data low", inBlob(mixed), limb(0, 1), []string{lineYLow}},
		{"y_data high", inBlob(mixed), limb(1, -1), []string{lineYHigh}},
		{"limbs exchanged", inBlob(mixed), func(s *scene) { s.w.YData[0], s.w.YData[1] = s.w.YData[1], s.w.YData[0] }, both},
		{"2^128 in the lower limb", inBlob(mixed), func(s *scene) {
			high := power(128)
			s.w.YData[0].Add(&s.w.YData[0], &high)
			s.w.YData[1] = plus(s.w.YData[1], -1)
		}, both},
		{"first word + p in the blob", inBlob(mixed), plusInteger(first, fr.Modulus()), both},
		{"last word + p in the blob", inBlob(mixed), plusInteger(last, fr.Modulus()), both},
		{"first word - p in the blob", inBlob(mixed), plusInteger(first, new(big.Int).Neg(fr.Modulus())), both},
		{"word + n is the same coefficient", inBlob(mixed), plusInteger(last, blsfr.Modulus()), nil},
		{"another word in the blob", inBlob(mixed), plusInteger(50, big.NewInt(1)), both},
		{"words without the first", inBlob(mixed), other(func(c []*big.Int) []*big.Int { return c[1:] }), both},
		{"words without the last", inBlob(mixed), other(func(c []*big.Int) []*big.Int { return c[:last] }), both},
		{"one coefficient behind the words", inBlob(mixed), other(func(c []*big.Int) []*big.Int { return append(c, big.NewInt(1)) }), both},
		{"L1 words in the blob", inBlob(mixed), other(func(c []*big.Int) []*big.Int { return append([]*big.Int{big.NewInt(5)}, c...) }), both},
		{"y of all words", inBlob(mixed), func(s *scene) {
			limbs := s.w.YData
			s.w.YData = nil
			rolluptest.Evaluate(s.w)
			s.w.YData = limbs
		}, []string{lineY}},
		{"y of calldata and no blob", inBlob(mixed), func(s *scene) {
			s.w.YData = nil
			rolluptest.Evaluate(s.w)
			s.w.YData = new([2]fr.Element)
		}, append([]string{lineY}, both...)},
		{"z without y", inBlob(mixed), func(s *scene) {
			y := s.w.Y
			bump(&s.w.Z)
			rolluptest.Evaluate(s.w)
			s.w.Y = y
		}, []string{lineY}},
		{"z without y_data", inBlob(mixed), func(s *scene) {
			limbs := *s.w.YData
			bump(&s.w.Z)
			rolluptest.Evaluate(s.w)
			*s.w.YData = limbs
		}, both},
		{"another z with its values", inBlob(mixed), func(s *scene) { bump(&s.w.Z); rolluptest.Evaluate(s.w) }, nil},
		{"data word changed after c", inBlob(chain), func(s *scene) {
			link := s.w.Lanes[2].Link
			bump(&s.w.Lanes[2].Ext[4])
			rolluptest.Evaluate(s.w)
			s.w.Lanes[2].Link = link
		}, []string{lineC, lineLink}},
		{"m binds nothing inside", inBlob(mixed), func(s *scene) { bump(&s.w.M) }, nil},
		{"a lie of the transition", inBlob(chain), settled(func(s *scene) { s.w.Lanes[1].Expiry = plus(s.w.Header.Now, -1) }), []string{lineExpiry}},
	}
}

func TestBlobForgeries(t *testing.T) {
	for _, f := range slices.Concat(widthForgeries(), valueForgeries()) {
		t.Run(f.name, f.run)
	}
	if t.Failed() {
		return
	}
	s := inBlob(mixed)()
	_, seen := auditCircuit(inMode(s.w, assignment(t, s.w)))
	for line := range seen {
		// A field word takes every value, and what a solver may claim about its integer is not told by a witness file.
		if strings.HasPrefix(line, "blob.go: ") && !strings.Contains(line, "blob.FieldWord(") && !violated[line] {
			t.Errorf("never violated: %s", line)
		}
	}
}

// Every data word and public input is bound: no other value satisfies the circuit. Those of lanes and operations stand
// in the circuit before, and have their mutations in TestMutations.
func TestBlobMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("evaluates the circuit some hundred times")
	}
	s := inBlob(mixed)()
	c := assignment(t, s.w)
	for i, v := range scalars(c) {
		if !strings.HasPrefix(v.name, ".YData") && v.name != ".Z" && v.name != ".Y" && v.name != ".C" &&
			!(strings.HasPrefix(v.name, ".Lanes[3].LaneWords.") || strings.HasPrefix(v.name, ".Operations[0].Preimage")) {
			continue
		}
		honest := *v.at
		*v.at = hash.Sum(hash.RHO, element(uint64(i)))
		if failed, _ := auditCircuit(inMode(s.w, c)); len(failed) == 0 {
			t.Errorf("%s may be anything", v.name)
		}
		*v.at = honest
	}
}

package gadget

import (
	"math/big"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	native "github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
	"github.com/consensys/gnark-crypto/ecc/twistededwards"
	"github.com/consensys/gnark/frontend"
	edwards "github.com/consensys/gnark/std/algebra/native/twistededwards"

	"sotto/circuits/hash"
)

// Point is a point of Baby Jubjub in affine coordinates.
type Point = edwards.Point

// Signature is an EdDSA signature as package babyjub makes it.
type Signature struct {
	R Point
	S frontend.Variable
}

const (
	fixedWindow  = 3
	fixedWindows = 84 // 252 bits
	scalarBits   = fixedWindow * fixedWindows
	orderBits    = 251
)

// AssertSignature constrains sig to be key's signature of h: 8 S B = 8 (R + k A) with k = Sum(SIGNATURE, R, A, h)
// taken as an integer below p, S below the order of the subgroup, R and A on the curve and A not of small order:
// 5130 constraints.
func AssertSignature(api frontend.API, key Point, sig Signature, h frontend.Variable) {
	assertResponse(api, key, sig, Sum(api, hash.SIGNATURE, sig.R.X, sig.R.Y, key.X, key.Y, h))
}

// assertResponse is AssertSignature for a given challenge k.
//
// The additions need no exceptional cases: the curve's a = -1 is a square and its d is not, so the law is complete
// on all points that satisfy the equation, and the inputs are constrained to do so.
func assertResponse(api frontend.API, key Point, sig Signature, k frontend.Variable) {
	curve := newCurve(api)
	curve.AssertIsOnCurve(key)
	curve.AssertIsOnCurve(sig.R)
	// The eightfold lies in the subgroup of odd prime order, where only the identity has x = 0.
	api.AssertIsDifferent(timesEight(curve, key).X, 0)

	left := fixedBaseMul(api, curve, scalar(api, curve, sig.S))
	right := curve.Add(sig.R, variableBaseMul(api, curve, key, api.ToBinary(k)))
	difference := timesEight(curve, curve.Add(left, curve.Neg(right)))
	api.AssertIsEqual(difference.X, 0)
	api.AssertIsEqual(difference.Y, 1)
}

func newCurve(api frontend.API) edwards.Curve {
	curve, err := edwards.NewEdCurve(api, twistededwards.BN254)
	if err != nil {
		panic(err) // the circuit is compiled for another field than BN254's scalar field
	}
	return curve
}

func timesEight(curve edwards.Curve, p Point) Point {
	return curve.Double(curve.Double(curve.Double(p)))
}

// scalar returns the bits of s and constrains it to be below the order of the subgroup. Both s and order - 1 - s
// are below 2^251, which is far below p, so the second cannot be a negative number reduced modulo p.
func scalar(api frontend.API, curve edwards.Curve, s frontend.Variable) []frontend.Variable {
	bits := api.ToBinary(s, orderBits)
	last := new(big.Int).Sub(curve.Params().Order, big.NewInt(1))
	AssertRange(api, api.Sub(last, s), orderBits)
	return append(bits, frontend.Variable(0))
}

// fixedBaseMul returns the sum of the table entries that the windows of bits select.
func fixedBaseMul(api frontend.API, curve edwards.Curve, bits []frontend.Variable) Point {
	table := baseTable()
	var sum Point
	for w := range fixedWindows {
		p := lookupFixed(api, &table[w], bits[fixedWindow*w:fixedWindow*(w+1)])
		if w == 0 {
			sum = p
		} else {
			sum = curve.Add(sum, p)
		}
	}
	return sum
}

// window holds, for both coordinates, the coefficients of the polynomial in three bits, linear in each, that
// takes the coordinates of 0, 1, ..., 7 times the window's base. Coefficient m belongs to the product of the bits
// set in m.
type window struct{ x, y [8]fr.Element }

var baseTable = sync.OnceValue(func() *[fixedWindows]window {
	var table [fixedWindows]window
	params := native.GetEdwardsCurve()
	base := params.Base
	for w := range table {
		var multiple native.PointAffine
		multiple.Y.SetOne()
		for digit := range 8 {
			table[w].x[digit], table[w].y[digit] = multiple.X, multiple.Y
			multiple.Add(&multiple, &base)
		}
		toCoefficients(&table[w].x)
		toCoefficients(&table[w].y)
		base = multiple
	}
	return &table
})

// toCoefficients turns the values of a multilinear polynomial on {0,1}^3 into its coefficients.
func toCoefficients(v *[8]fr.Element) {
	for bit := 1; bit < len(v); bit <<= 1 {
		for m := range v {
			if m&bit != 0 {
				v[m].Sub(&v[m], &v[m^bit])
			}
		}
	}
}

// lookupFixed evaluates a window's polynomials at three bits: 3 constraints.
func lookupFixed(api frontend.API, w *window, b []frontend.Variable) Point {
	b01 := api.Mul(b[0], b[1])
	evaluate := func(c *[8]fr.Element) frontend.Variable {
		low := api.Add(c[0], api.Mul(b[0], c[1]), api.Mul(b[1], c[2]), api.Mul(b01, c[3]))
		high := api.Add(c[4], api.Mul(b[0], c[5]), api.Mul(b[1], c[6]), api.Mul(b01, c[7]))
		return api.Add(low, api.Mul(b[2], high))
	}
	return Point{X: evaluate(&w.x), Y: evaluate(&w.y)}
}

// variableBaseMul returns p times the integer with the given bits, an even number of them, in windows of two.
func variableBaseMul(api frontend.API, curve edwards.Curve, p Point, bits []frontend.Variable) Point {
	p2 := curve.Double(p)
	p3 := curve.Add(p2, p)
	digit := func(i int) Point {
		return Point{
			X: api.Lookup2(bits[i], bits[i+1], 0, p.X, p2.X, p3.X),
			Y: api.Lookup2(bits[i], bits[i+1], 1, p.Y, p2.Y, p3.Y),
		}
	}
	sum := digit(len(bits) - 2)
	for i := len(bits) - 4; i >= 0; i -= 2 {
		sum = curve.Add(curve.Double(curve.Double(sum)), digit(i))
	}
	return sum
}

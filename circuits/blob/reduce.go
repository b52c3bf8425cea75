package blob

import (
	"fmt"
	"math/big"

	blsfr "github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
	"github.com/consensys/gnark/frontend"
)

// order is n.
var order = blsfr.Modulus()

// restBits is the width of a remainder, which need not be below n: it only stands for its class.
const restBits = blsfr.Bits

// sum is an integer sum of products x * y. Its three lowest columns are those of limbs[i] * limbs[j] with i + j = k,
// each with the weight 2^(88 k); what is above them is a multiple of 2^264.
type sum struct {
	terms     [][2]Number
	columns   [limbCount]frontend.Variable
	columnMax [limbCount]*big.Int
	native    frontend.Variable
	max       *big.Int
}

func newSum() *sum {
	s := &sum{native: 0, max: new(big.Int)}
	for k := range s.columns {
		s.columns[k], s.columnMax[k] = 0, new(big.Int)
	}
	return s
}

// add adds x * y: 7 constraints, none if y is [one].
func (s *sum) add(api frontend.API, x, y Number) {
	s.terms = append(s.terms, [2]Number{x, y})
	for i := range limbCount {
		for j := range limbCount - i {
			s.columns[i+j] = api.Add(s.columns[i+j], api.Mul(x.limbs[i], y.limbs[j]))
			s.columnMax[i+j].Add(s.columnMax[i+j], new(big.Int).Mul(x.limbMax[i], y.limbMax[j]))
		}
	}
	s.native = api.Add(s.native, api.Mul(x.native, y.native))
	s.max.Add(s.max, new(big.Int).Mul(x.max, y.max))
}

// reduce returns r with sum = q n + r for some q, and the 255 bits of r.
//
// Let d = sum - q n - r, an integer between -(q n + r) and sum at their largest. It is constrained to be 0 modulo p by
// the native values, and modulo 2^264 by the columns. These moduli are coprime, so d is a multiple of p 2^264, whose
// absolute value is below it: 0.
func (s *sum) reduce(api frontend.API) (r Number, bits []frontend.Variable) {
	// A narrower quotient than one with a bit in each limb is given more room than it needs.
	width := max(new(big.Int).Div(s.max, order).BitLen(), (limbCount-1)*limbBits+1)
	var inputs []frontend.Variable
	for _, term := range s.terms {
		inputs = append(inputs, term[0].limbs[:]...)
		inputs = append(inputs, term[1].limbs[:]...)
	}
	out, err := api.Compiler().NewHint(divide, 2*limbCount, inputs...)
	if err != nil {
		panic(err)
	}
	q, _ := bounded(api, out[:limbCount], width)
	r, bits = bounded(api, out[limbCount:], restBits)

	largest := new(big.Int).Mul(q.max, order)
	largest.Add(largest, r.max)
	modulus := new(big.Int).Lsh(api.Compiler().Field(), limbCount*limbBits)
	mustBeLess(s.max, modulus)
	mustBeLess(largest, modulus)

	api.AssertIsEqual(s.native, api.Add(api.Mul(q.native, order), r.native))
	s.assertColumns(api, q, r)
	return r, bits
}

// assertColumns constrains d to be 0 modulo 2^264, column by column from the lowest: column k of d and the carry from
// below it are 2^88 times a small integer, the next carry. A column of d may be negative, so what is bounded by bits is
// the carry plus the largest amount that it can be below 0.
func (s *sum) assertColumns(api frontend.API, q, r Number) {
	n := split(order)
	shift := new(big.Int).Lsh(big.NewInt(1), limbBits)
	inverse := new(big.Int).ModInverse(shift, api.Compiler().Field())
	carry, carryMin, carryMax := frontend.Variable(0), new(big.Int), new(big.Int)
	for k := range limbCount {
		column := api.Sub(api.Add(s.columns[k], carry), r.limbs[k])
		// column is in [-below, above].
		above := new(big.Int).Add(s.columnMax[k], carryMax)
		below := new(big.Int).Add(r.limbMax[k], carryMin)
		for i := range k + 1 {
			column = api.Sub(column, api.Mul(q.limbs[i], n[k-i]))
			below.Add(below, new(big.Int).Mul(q.limbMax[i], n[k-i]))
		}
		carryMin, carryMax = new(big.Int).Rsh(below, limbBits), new(big.Int).Rsh(above, limbBits)
		width := new(big.Int).Add(carryMin, carryMax).BitLen()
		// carry is column / 2^88 in the field. Its bits make it an integer in [-carryMin, 2^width - carryMin), and
		// column and carry 2^88, both integers, are equal modulo p. They differ by less than p: they are equal.
		carry = api.Mul(column, inverse)
		api.ToBinary(api.Add(carry, carryMin), width)
		carryMax = new(big.Int).Sub(ones(width), carryMin)
		farthest := new(big.Int).Add(carryMax, carryMin)
		farthest.Lsh(farthest, limbBits).Add(farthest, above).Add(farthest, below)
		mustBeLess(farthest, api.Compiler().Field())
	}
}

// bounded constrains limbs to be those of an integer of so many bits, for which it takes all of them and no more.
func bounded(api frontend.API, limbs []frontend.Variable, width int) (n Number, bits []frontend.Variable) {
	if width <= (limbCount-1)*limbBits || width > limbCount*limbBits {
		panic(fmt.Sprintf("blob: %d bits do not take %d limbs", width, limbCount))
	}
	n = Number{limbs: [limbCount]frontend.Variable(limbs), native: 0, max: ones(width)}
	for k := range n.limbs {
		limb := min(limbBits, width-k*limbBits)
		bits = append(bits, api.ToBinary(n.limbs[k], limb)...)
		n.limbMax[k] = ones(limb)
		n.native = api.Add(n.native, api.Mul(n.limbs[k], new(big.Int).Lsh(big.NewInt(1), uint(k*limbBits))))
	}
	return n, bits
}

func mustBeLess(x, y *big.Int) {
	if x.Cmp(y) >= 0 {
		panic("blob: a bound does not hold: " + x.String())
	}
}

// divide takes the limbs of both factors of each term and returns those of quotient and remainder of the sum by n.
func divide(_ *big.Int, in, out []*big.Int) error {
	total := new(big.Int)
	for ; len(in) > 0; in = in[2*limbCount:] {
		total.Add(total, new(big.Int).Mul(join(in[:limbCount]), join(in[limbCount:2*limbCount])))
	}
	quotient, rest := total.DivMod(total, order, new(big.Int))
	for k := range limbCount {
		out[k].Set(split(quotient)[k])
		out[limbCount+k].Set(split(rest)[k])
	}
	return nil
}

// Package blob evaluates an epoch's data words as a polynomial modulo n, the order of BLS12-381's groups, in circuits
// over BN254's scalar field of p elements (docs/spec/14-blobs.md).
//
// A field element of the circuit has no size, and modulo n it is another number for each of its representatives. So
// every word enters as one integer, by bits ([FieldWord], [ByteWord]), and the circuit computes with integers of three
// limbs. Whether such a computation can overflow the field, or an equation modulo p and modulo a power of two fail to
// be one of integers, depends on nothing but the bounds of its operands. They are therefore carried along with the
// limbs, and each use checks them while the circuit is compiled; a wrong bound panics there.
package blob

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
)

const (
	// limbBits is the least width with p * 2^(3 * limbBits) above every sum that is reduced; products of limbs are then
	// far below p.
	limbBits  = 88
	limbCount = 3
)

func init() { solver.RegisterHint(isHigh, divide) }

// Number is an integer in [0, max], of limbs in [0, limbMax[k]]: sum limbs[k] * 2^(88 k).
type Number struct {
	limbs   [limbCount]frontend.Variable
	limbMax [limbCount]*big.Int
	// native is the integer modulo p.
	native frontend.Variable
	max    *big.Int
}

var one = Number{
	limbs: [limbCount]frontend.Variable{1, 0, 0}, limbMax: [limbCount]*big.Int{big.NewInt(1), new(big.Int), new(big.Int)},
	native: 1, max: big.NewInt(1),
}

// ByteWord constrains w to be below 2^bits and returns that integer: bits + 1 constraints. bits is below 254.
func ByteWord(api frontend.API, w frontend.Variable, bits int) Number {
	if bits >= api.Compiler().FieldBitLen() {
		panic("blob: a word of the field's own width has two values")
	}
	return fromBits(api, w, api.ToBinary(w, bits))
}

// highBit is the weight of the last bit of a field word, in place of 2^253. 253 plain bits and this one add up to
// exactly the integers from 0 to p - 1, so no comparison with p is needed; the integers from highBit to 2^253 - 1 have
// two sets of bits, which does no harm.
var highBit = new(big.Int).Sub(fr.Modulus(), new(big.Int).Lsh(big.NewInt(1), fr.Bits-1))

// FieldWord returns the integer in [0, p - 1] that a field element stands for: 255 constraints.
func FieldWord(api frontend.API, w frontend.Variable) Number {
	high, err := api.Compiler().NewHint(isHigh, 1, w)
	if err != nil {
		panic(err)
	}
	api.AssertIsBoolean(high[0])
	n := fromBits(api, w, api.ToBinary(api.Sub(w, api.Mul(high[0], highBit)), fr.Bits-1))
	for k, weight := range split(highBit) {
		n.limbs[k] = api.Add(n.limbs[k], api.Mul(high[0], weight))
		n.limbMax[k].Add(n.limbMax[k], weight)
	}
	// The largest sum of bits is 2^253 - 1 + highBit = p - 1.
	n.max.Add(n.max, highBit)
	return n
}

func isHigh(_ *big.Int, in, out []*big.Int) error {
	out[0].SetUint64(0)
	if in[0].BitLen() == fr.Bits {
		out[0].SetUint64(1)
	}
	return nil
}

// fromBits returns the integer of bits that the caller constrained to be boolean and to add up to native.
func fromBits(api frontend.API, native frontend.Variable, bits []frontend.Variable) Number {
	n := Number{native: native, max: ones(len(bits))}
	for k := range n.limbs {
		limb := bits[min(k*limbBits, len(bits)):min((k+1)*limbBits, len(bits))]
		n.limbs[k] = Compose(api, limb)
		n.limbMax[k] = ones(len(limb))
	}
	return n
}

// Compose returns the integer of bits that the caller constrained to be boolean, the lowest first, modulo p.
func Compose(api frontend.API, bits []frontend.Variable) frontend.Variable {
	sum := frontend.Variable(0)
	for i, b := range bits {
		sum = api.Add(sum, api.Mul(b, new(big.Int).Lsh(big.NewInt(1), uint(i))))
	}
	return sum
}

// ones returns 2^bits - 1.
func ones(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	return n.Sub(n, big.NewInt(1))
}

// split returns the limbs of an integer below 2^264.
func split(x *big.Int) (limbs [limbCount]*big.Int) {
	mask := ones(limbBits)
	for k := range limbs {
		limbs[k] = new(big.Int).Rsh(x, uint(k*limbBits))
		limbs[k].And(limbs[k], mask)
	}
	return limbs
}

// join is the inverse of split.
func join(limbs []*big.Int) *big.Int {
	x := new(big.Int)
	for k := limbCount - 1; k >= 0; k-- {
		x.Lsh(x, limbBits).Add(x, limbs[k])
	}
	return x
}

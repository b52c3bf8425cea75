package gadget

import "github.com/consensys/gnark/frontend"

// arcBits bounds an arc of the ring of an indexed tree. A ring begun with leaves at multiples of floor(p/4) has no
// longer arc, and two such lengths add up to less than p, so that they cannot wrap around.
const arcBits = 252

// AssertRange constrains v to be below 2^bits: bits + 1 constraints. bits is below the field's 254.
func AssertRange(api frontend.API, v frontend.Variable, bits int) {
	if bits >= api.Compiler().FieldBitLen() {
		panic("gadget: a range of the field's own width is no range")
	}
	api.ToBinary(v, bits)
}

// AssertArc constrains x to lie strictly between low and next on the ring of field elements, if on is 1: 508
// constraints. With on = 0 it constrains nothing. The caller constrains on to be boolean, and (low, next) to be a
// leaf of the indexed tree: distances below 2^252 mean "between" only for neighbours of such a ring.
func AssertArc(api frontend.API, low, x, next, on frontend.Variable) {
	AssertRange(api, api.Mul(on, api.Sub(x, low, 1)), arcBits)
	AssertRange(api, api.Mul(on, api.Sub(next, x, 1)), arcBits)
}

package gadget

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	native "github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/babyjub"
	"sotto/circuits/hash"
)

var params = native.GetEdwardsCurve()

// forger signs with a known scalar, free to deviate from the scheme.
type forger struct{ scalar, nonce *big.Int }

func (f forger) key() (p native.PointAffine) {
	p.ScalarMultiplicationBase(f.scalar)
	return p
}

func (f forger) r() (p native.PointAffine) {
	p.ScalarMultiplicationBase(f.nonce)
	return p
}

// respond returns nonce + k * scalar modulo the order.
func (f forger) respond(k *big.Int) *big.Int {
	s := new(big.Int).Mul(k, f.scalar)
	return s.Add(s, f.nonce).Mod(s, &params.Order)
}

func challenge(r, a native.PointAffine, h fr.Element) *big.Int {
	k := hash.Sum(hash.SIGNATURE, r.X, r.Y, a.X, a.Y, h)
	return k.BigInt(new(big.Int))
}

func witness(a, r native.PointAffine, s *big.Int, h fr.Element) []frontend.Variable {
	return []frontend.Variable{a.X, a.Y, r.X, r.Y, s, h}
}

func compileEdDSA(t *testing.T) compiled {
	return compile(t, 6, func(api frontend.API, in []frontend.Variable) {
		AssertSignature(api, Point{X: in[0], Y: in[1]}, Signature{R: Point{X: in[2], Y: in[3]}, S: in[4]}, in[5])
	})
}

// smallOrder returns the eight points whose order divides 8, the identity last.
func smallOrder() (points [8]native.PointAffine) {
	one := element(1)
	for v := int64(2); ; v++ {
		p := native.PointAffine{Y: element(v)}
		var num, den fr.Element
		num.Square(&p.Y)
		den.Mul(&num, &params.D).Add(&den, &one)
		num.Sub(&num, &one).Div(&num, &den)
		if p.X.Sqrt(&num) == nil {
			continue
		}
		p.ScalarMultiplication(&p, &params.Order)
		half := p
		half.Double(&half)
		half.Double(&half)
		if half.IsZero() {
			continue
		}
		points[0] = p
		for i := 1; i < len(points); i++ {
			points[i].Add(&points[i-1], &p)
		}
		return points
	}
}

func TestSignatureMatchesNative(t *testing.T) {
	c := compileEdDSA(t)
	c.costs(5130)
	for i := range 6 {
		key, err := babyjub.NewPrivateKey([32]byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		h := element(int64(i) * -1000)
		sig := key.Sign(h)
		in := []frontend.Variable{key.Public().X(), key.Public().Y(), sig.RX(), sig.RY(), sig.S(), h}
		c.accepts("native signature", in)
		for j := range in {
			c.refuses("another value", with(in, j, 5))
		}
		c.refuses("negated S", with(in, 4, new(big.Int).Sub(&params.Order, sig.S())))
		var x fr.Element
		rx := sig.RX()
		c.refuses("negated R", with(in, 2, *x.Neg(&rx)))
		ax := key.Public().X()
		c.refuses("negated A", with(in, 0, *x.Neg(&ax)))
	}
}

func TestSignatureScalars(t *testing.T) {
	c := compileEdDSA(t)
	h := element(9)
	f := forger{scalar: big.NewInt(777)}
	var seenShort, seenLong bool
	for n := int64(1); !seenShort || !seenLong; n++ {
		f.nonce = big.NewInt(n)
		r := f.r()
		s := f.respond(challenge(r, f.key(), h))
		s.Add(s, &params.Order)
		if s.BitLen() <= orderBits {
			seenShort = true
			c.refuses("S + l below 2^251", witness(f.key(), r, s, h))
		} else {
			seenLong = true
			c.refuses("S + l above 2^251", witness(f.key(), r, s, h))
			c.refuses("S + l above 2^251, low bits only", witness(f.key(), r, s, h), lie(setBits))
		}
	}
}

func TestSignatureScalarBounds(t *testing.T) {
	c := compile(t, 1, func(api frontend.API, in []frontend.Variable) {
		curve := newCurve(api)
		scalar(api, curve, in[0])
	})
	order := &params.Order
	c.accepts("0", []frontend.Variable{0})
	c.accepts("l - 1", []frontend.Variable{new(big.Int).Sub(order, big.NewInt(1))})
	c.refuses("l", []frontend.Variable{order})
	c.refuses("2^251 - 1", []frontend.Variable{powerOfTwo(251, -1)})
	c.refuses("2^251", []frontend.Variable{powerOfTwo(251, 0)})
	c.refuses("p - 1", []frontend.Variable{-1})
}

// The challenge has two decompositions into 254 bits when it is below 2^254 - p. A signer who answers the second,
// k + p, satisfies every other constraint.
func TestSignatureChallengeIsCanonical(t *testing.T) {
	c := compileEdDSA(t)
	h := element(3)
	room := new(big.Int).Sub(powerOfTwo(254, 0), fr.Modulus())
	for n := int64(1); ; n++ {
		f := forger{scalar: big.NewInt(4242), nonce: big.NewInt(n)}
		r := f.r()
		k := challenge(r, f.key(), h)
		if k.Cmp(room) >= 0 {
			continue
		}
		c.accepts("canonical", witness(f.key(), r, f.respond(k), h))
		shifted := new(big.Int).Add(k, fr.Modulus())
		c.refuses("k + p", witness(f.key(), r, f.respond(shifted), h), lie(func(v *big.Int, out []*big.Int) {
			if len(out) == 254 {
				v = new(big.Int).Add(v, fr.Modulus())
			}
			setBits(v, out)
		}))
		return
	}
}

// With a key of small order, S = nonce satisfies the cofactored equation for every message.
func TestSignatureRefusesSmallOrderKeys(t *testing.T) {
	c := compileEdDSA(t)
	f := forger{nonce: big.NewInt(31337)}
	for _, a := range smallOrder() {
		c.refuses("small order", witness(a, f.r(), f.nonce, element(8)))
	}
}

func TestSignatureIsCofactored(t *testing.T) {
	c := compileEdDSA(t)
	h := element(8)
	f := forger{scalar: big.NewInt(99), nonce: big.NewInt(31337)}
	for _, torsion := range smallOrder() {
		r := f.r()
		r.Add(&r, &torsion)
		c.accepts("torsion on R", witness(f.key(), r, f.respond(challenge(r, f.key(), h)), h))
		a := f.key()
		a.Add(&a, &torsion)
		c.accepts("torsion on A", witness(a, f.r(), f.respond(challenge(f.r(), a, h)), h))
	}
}

// Off the curve the addition formulae still compute something: (0, c) + P = c P, coordinate by coordinate. With
// c = 1/(d x^2 y^2) for a point (x, y) of the curve, (x, y) - (c x, c y) comes out as the identity, so that only the
// curve equation stands against these forgeries. The challenge is given here, since a hash that depends on R and A
// could not be met.
func TestResponseRefusesPointsOffCurve(t *testing.T) {
	c := compile(t, 6, func(api frontend.API, in []frontend.Variable) {
		assertResponse(api, Point{X: in[0], Y: in[1]}, Signature{R: Point{X: in[2], Y: in[3]}, S: in[4]}, in[5])
	})
	stretch := func(p native.PointAffine) (c fr.Element) {
		c.Mul(&p.X, &p.Y).Square(&c).Mul(&c, &params.D)
		return *c.Inverse(&c)
	}
	f := forger{scalar: big.NewInt(99), nonce: big.NewInt(31337)}
	c.accepts("response", witness(f.key(), f.r(), f.respond(big.NewInt(5)), element(5)))

	f.nonce = new(big.Int)
	var kA native.PointAffine
	a := f.key()
	kA.ScalarMultiplication(&a, big.NewInt(5))
	c.refuses("R off the curve", witness(a, native.PointAffine{Y: stretch(kA)}, f.respond(big.NewInt(5)), element(5)))

	factor, s := stretch(params.Base), big.NewInt(1)
	off := params.Base
	off.X.Mul(&off.X, &factor)
	off.Y.Mul(&off.Y, &factor)
	identity := native.PointAffine{Y: element(1)}
	c.refuses("A off the curve", witness(off, identity, s, element(1)))
}

func TestSignatureRefusesPointsOffCurve(t *testing.T) {
	c := compileEdDSA(t)
	h := element(8)
	f := forger{scalar: big.NewInt(99), nonce: big.NewInt(31337)}
	off := f.r()
	off.Y.Double(&off.Y)
	c.refuses("R off the curve", witness(f.key(), off, f.respond(challenge(off, f.key(), h)), h))
	off = f.key()
	off.Y.Double(&off.Y)
	c.refuses("A off the curve", witness(off, f.r(), f.respond(challenge(f.r(), off, h)), h))
}

func TestFixedBaseTable(t *testing.T) {
	c := compile(t, scalarBits+2, func(api frontend.API, in []frontend.Variable) {
		for _, b := range in[:scalarBits] {
			api.AssertIsBoolean(b)
		}
		p := fixedBaseMul(api, newCurve(api), in[:scalarBits])
		api.AssertIsEqual(p.X, in[scalarBits])
		api.AssertIsEqual(p.Y, in[scalarBits+1])
	})
	for _, s := range []*big.Int{
		new(big.Int), big.NewInt(1), big.NewInt(7), big.NewInt(8), powerOfTwo(252, -1),
		new(big.Int).Sub(&params.Order, big.NewInt(1)), new(big.Int).Rsh(fr.Modulus(), 3),
	} {
		in := make([]frontend.Variable, scalarBits, scalarBits+2)
		for i := range in {
			in[i] = s.Bit(i)
		}
		var p native.PointAffine
		p.ScalarMultiplicationBase(s)
		c.accepts(s.String(), append(in, p.X, p.Y))
		c.refuses("another point", append(in, p.X, 5))
	}
}

func TestVariableBaseMul(t *testing.T) {
	c := compile(t, 5, func(api frontend.API, in []frontend.Variable) {
		p := variableBaseMul(api, newCurve(api), Point{X: in[0], Y: in[1]}, api.ToBinary(in[2]))
		api.AssertIsEqual(p.X, in[3])
		api.AssertIsEqual(p.Y, in[4])
	})
	torsion := smallOrder()[0]
	var mixed native.PointAffine
	mixed.Add(&params.Base, &torsion)
	for _, base := range []native.PointAffine{params.Base, mixed, torsion} {
		for _, s := range []*big.Int{
			new(big.Int), big.NewInt(1), big.NewInt(2), big.NewInt(3), &params.Order,
			new(big.Int).Sub(fr.Modulus(), big.NewInt(1)), powerOfTwo(253, 12345),
		} {
			var p native.PointAffine
			p.ScalarMultiplication(&base, s)
			c.accepts(s.String(), []frontend.Variable{base.X, base.Y, s, p.X, p.Y})
			c.refuses("another point", []frontend.Variable{base.X, base.Y, s, p.X, 5})
		}
	}
}

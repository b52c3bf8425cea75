package gadget

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"
)

func powerOfTwo(n uint, plus int64) *big.Int {
	v := new(big.Int).Lsh(big.NewInt(1), n)
	return v.Add(v, big.NewInt(plus))
}

func TestAssertRange(t *testing.T) {
	for _, n := range []uint{1, 64, 120, 160, 252, 253} {
		c := compile(t, 1, func(api frontend.API, in []frontend.Variable) { AssertRange(api, in[0], int(n)) })
		c.accepts("zero", []frontend.Variable{0})
		c.accepts("last", []frontend.Variable{powerOfTwo(n, -1)})
		c.refuses("first too large", []frontend.Variable{powerOfTwo(n, 0)})
		c.refuses("minus one", []frontend.Variable{-1})
	}
	c := compile(t, 1, func(api frontend.API, in []frontend.Variable) { AssertRange(api, in[0], 120) })
	c.costs(121)
	c.refuses("digit two", []frontend.Variable{powerOfTwo(120, 0)}, lie(func(_ *big.Int, out []*big.Int) {
		setBits(new(big.Int), out)
		out[119].SetInt64(2)
	}))
	c.refuses("low bits only", []frontend.Variable{powerOfTwo(120, 5)}, lie(setBits))
}

func TestAssertArc(t *testing.T) {
	// low, x, next, on
	c := compile(t, 4, func(api frontend.API, in []frontend.Variable) {
		api.AssertIsBoolean(in[3])
		AssertArc(api, in[0], in[1], in[2], in[3])
	})
	c.costs(508 + 1)
	quarter := new(big.Int).Rsh(fr.Modulus(), 2)
	ring := func(k int64, plus int64) *big.Int {
		v := new(big.Int).Mul(quarter, big.NewInt(k))
		v.Add(v, big.NewInt(plus))
		return v.Mod(v, fr.Modulus())
	}
	last := new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
	accepts := func(name string, low, x, next *big.Int) {
		c.accepts(name, []frontend.Variable{low, x, next, 1})
	}
	refuses := func(name string, low, x, next *big.Int) {
		c.refuses(name, []frontend.Variable{low, x, next, 1})
		c.accepts(name+", switched off", []frontend.Variable{low, x, next, 0})
	}
	for k := range int64(4) {
		next := ring((k+1)%4, 0)
		accepts("just after low", ring(k, 0), ring(k, 1), next)
		accepts("middle", ring(k, 0), ring(k, 1<<60), next)
		accepts("just before next", ring(k, 0), new(big.Int).Mod(new(big.Int).Sub(next, big.NewInt(1)), fr.Modulus()), next)
		refuses("low itself", ring(k, 0), ring(k, 0), next)
		refuses("next itself", ring(k, 0), next, next)
		refuses("before low", ring(k, 0), ring(k, -1), next)
		refuses("after next", ring(k, 0), ring((k+1)%4, 1), next)
		refuses("opposite", ring(k, 0), ring((k+2)%4, 5), next)
	}
	accepts("last element, over the end", ring(3, 0), last, new(big.Int))
	refuses("empty arc", big.NewInt(7), big.NewInt(8), big.NewInt(8))
	refuses("too far from low", new(big.Int), powerOfTwo(252, 1), powerOfTwo(252, 2))
	refuses("too far from next", new(big.Int), big.NewInt(1), powerOfTwo(252, 2))
	c.refuses("switch not boolean", []frontend.Variable{0, 5, 4, 2})
}

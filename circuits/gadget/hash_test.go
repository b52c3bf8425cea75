package gadget

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
)

func TestPermute(t *testing.T) {
	c := compile(t, 8, func(api frontend.API, in []frontend.Variable) {
		out := Permute(api, [4]frontend.Variable(in[:4]))
		for i := range out {
			api.AssertIsEqual(out[i], in[4+i])
		}
	})
	c.costs(264 + 4)
	state := [4]fr.Element{element(3), element(-1), element(0), element(77)}
	in := variables(state[:]...)
	hash.Permute(&state)
	in = append(in, variables(state[:]...)...)
	c.accepts("native permutation", in)
	for i := range in {
		c.refuses("another element", with(in, i, 12345))
	}
}

func TestCompress(t *testing.T) {
	c := compile(t, 5, func(api frontend.API, in []frontend.Variable) {
		api.AssertIsEqual(Compress(api, [4]frontend.Variable(in[:4])), in[4])
	})
	c.costs(264 + 1)
	x := [4]fr.Element{element(9), element(8), element(-7), element(6)}
	in := variables(x[0], x[1], x[2], x[3], hash.Compress(x))
	c.accepts("native compression", in)
	hash.Permute(&x)
	c.refuses("without feed-forward", with(in, 4, x[0]))
	c.refuses("another child", with(in, 3, 7))
}

func TestSum(t *testing.T) {
	for n := 1; n <= 8; n++ {
		c := compile(t, n+1, func(api frontend.API, in []frontend.Variable) {
			api.AssertIsEqual(Sum(api, hash.DEPOSIT, in[:n]...), in[n])
		})
		xs := make([]fr.Element, n)
		for i := range xs {
			xs[i] = element(int64(i*i) - 3)
		}
		in := append(variables(xs...), hash.Sum(hash.DEPOSIT, xs...))
		c.accepts("native sum", in)
		c.refuses("another element", with(in, n-1, 1000))
		c.refuses("another tag", with(in, n, hash.Sum(hash.NOTE, xs...)))
		c.refuses("another length", with(in, n, hash.Sum(hash.DEPOSIT, append(xs, element(0))...)))
	}
}

func TestSelectedTag(t *testing.T) {
	c := compile(t, 4, func(api frontend.API, in []frontend.Variable) {
		api.AssertIsBoolean(in[0])
		capacity := SelectCapacity(api, in[0], hash.NULLIFIER, hash.NULLIFIER_DUMMY, 2)
		api.AssertIsEqual(SumCap(api, capacity, in[1], in[2]), in[3])
	})
	a, b := element(11), element(12)
	spent := append([]frontend.Variable{1}, variables(a, b, hash.Sum(hash.NULLIFIER, a, b))...)
	dummy := append([]frontend.Variable{0}, variables(a, b, hash.Sum(hash.NULLIFIER_DUMMY, a, b))...)
	c.accepts("first tag", spent)
	c.accepts("second tag", dummy)
	c.refuses("first digest, second tag", with(spent, 0, 0))
	c.refuses("second digest, first tag", with(dummy, 0, 1))
}

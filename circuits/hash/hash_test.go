package hash

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
)

func element(v int64) (e fr.Element) {
	e.SetInt64(v)
	return e
}

// grain is the LFSR of the Poseidon paper (eprint 2019/458, appendix E) in the self-shrinking mode that both
// Poseidon and Poseidon2 draw their round constants from.
type grain struct{ state [80]byte }

func newGrain() *grain {
	g := new(grain)
	at := 0
	put := func(value, bits int) {
		for i := bits - 1; i >= 0; i-- {
			g.state[at] = byte(value >> i & 1)
			at++
		}
	}
	put(1, 2) // prime field
	put(0, 4) // s-box x^alpha
	put(fr.Bits, 12)
	put(Width, 12)
	put(FullRounds, 10)
	put(PartialRounds, 10)
	for at < len(g.state) {
		put(1, 1)
	}
	for range 160 {
		g.step()
	}
	return g
}

func (g *grain) step() byte {
	s := &g.state
	b := s[62] ^ s[51] ^ s[38] ^ s[23] ^ s[13] ^ s[0]
	copy(s[:], s[1:])
	s[79] = b
	return b
}

func (g *grain) bit() byte {
	for {
		keep, b := g.step(), g.step()
		if keep == 1 {
			return b
		}
	}
}

func (g *grain) element() fr.Element {
	for {
		v := new(big.Int)
		for range fr.Bits {
			v.Lsh(v, 1).Or(v, big.NewInt(int64(g.bit())))
		}
		if v.Cmp(fr.Modulus()) < 0 {
			var e fr.Element
			e.SetBigInt(v)
			return e
		}
	}
}

func TestRoundConstantsComeFromGrain(t *testing.T) {
	p := poseidon2.NewParameters(Width, FullRounds, PartialRounds)
	g := newGrain()
	for r, keys := range p.RoundKeys {
		active := Width
		if r >= FullRounds/2 && r < FullRounds/2+PartialRounds {
			active = 1
		}
		for i := range keys {
			var want fr.Element // the table pads partial rounds with zeros
			if i < active {
				want = g.element()
			}
			if !want.Equal(&keys[i]) {
				t.Fatalf("round %d, constant %d: table has %s, Grain gives %s", r, i, keys[i].String(), want.String())
			}
		}
	}
}

// The diagonal of the internal matrix minus the identity, as published with the constants for t = 4.
var publishedDiagonal = [Width]string{
	"0x10dc6e9c006ea38b04b1e03b4bd9490c0d03f98929ca1d7fb56821fd19d3b6e7",
	"0x0c28145b6a44df3e0149b3d0a30b3bb599df9756d4dd9b84a86b38cfb45a740b",
	"0x00544b8338791518b2c7645a50392798b21f75bb60e3596170067d00141cac15",
	"0x222c01175718386f2e2e82eb122789e352e105a3b8fa852613bc534433ee428b",
}

// permuteByMatrices follows the paper with plain matrix products over big integers.
func permuteByMatrices(x [Width]*big.Int) [Width]*big.Int {
	p := fr.Modulus()
	external := [Width][Width]int64{{5, 7, 1, 3}, {4, 6, 1, 1}, {1, 3, 5, 7}, {1, 1, 4, 6}}
	var me, mi [Width][Width]*big.Int
	for i := range Width {
		d, _ := new(big.Int).SetString(publishedDiagonal[i], 0)
		for j := range Width {
			me[i][j], mi[i][j] = big.NewInt(external[i][j]), big.NewInt(1)
		}
		mi[i][i] = d.Add(d, big.NewInt(1))
	}
	apply := func(m [Width][Width]*big.Int) {
		var y [Width]*big.Int
		for i := range Width {
			y[i] = new(big.Int)
			for j := range Width {
				y[i].Add(y[i], new(big.Int).Mul(m[i][j], x[j]))
			}
			y[i].Mod(y[i], p)
		}
		x = y
	}
	g := newGrain()
	round := func(active int, m [Width][Width]*big.Int) {
		for i := range active {
			c := g.element()
			x[i] = new(big.Int).Add(x[i], c.BigInt(new(big.Int)))
			x[i].Exp(x[i], big.NewInt(5), p)
		}
		apply(m)
	}
	apply(me)
	for range FullRounds / 2 {
		round(Width, me)
	}
	for range PartialRounds {
		round(1, mi)
	}
	for range FullRounds / 2 {
		round(Width, me)
	}
	return x
}

func TestPermuteAgainstPaper(t *testing.T) {
	for k := int64(0); k < 4; k++ {
		var x [Width]*big.Int
		var s [Width]fr.Element
		for i := range s {
			s[i] = element(int64(i)*k*k - 3*k)
			x[i] = s[i].BigInt(new(big.Int))
		}
		Permute(&s)
		for i, want := range permuteByMatrices(x) {
			if s[i].BigInt(new(big.Int)).Cmp(want) != 0 {
				t.Fatalf("input %d, element %d: %s, want %s", k, i, s[i].String(), want)
			}
		}
	}
}

// The input 0, 1, 2, 3 is the one that the reference implementation of the paper's authors tests.
func TestPermuteVector(t *testing.T) {
	s := [Width]fr.Element{element(0), element(1), element(2), element(3)}
	Permute(&s)
	want := [Width]string{
		"0x01bd538c2ee014ed5141b29e9ae240bf8db3fe5b9a38629a9647cf8d76c01737",
		"0x239b62e7db98aa3a2a8f6a0d2fa1709e7a35959aa6c7034814d9daa90cbac662",
		"0x04cbb44c61d928ed06808456bf758cbf0c18d1e15a7b6dbc8245fa7515d5e3cb",
		"0x2e11c5cff2a22c64d01304b778d78f6998eff1ab73163a35603f54794c30847a",
	}
	for i := range s {
		if s[i] != mustSet(want[i]) {
			t.Errorf("element %d: 0x%s, want %s", i, s[i].Text(16), want[i])
		}
	}
}

func mustSet(s string) (e fr.Element) {
	if _, err := e.SetString(s); err != nil {
		panic(err)
	}
	return e
}

func TestSumSeparates(t *testing.T) {
	a, b, zero := element(5), element(7), element(0)
	digests := map[fr.Element]string{}
	add := func(name string, d fr.Element) {
		if other, seen := digests[d]; seen {
			t.Errorf("%s and %s collide", name, other)
		}
		digests[d] = name
	}
	add("note a", Sum(NOTE, a))
	add("note a 0", Sum(NOTE, a, zero))
	add("note a 0 0", Sum(NOTE, a, zero, zero))
	add("note a 0 0 0", Sum(NOTE, a, zero, zero, zero))
	add("rho a", Sum(RHO, a))
	add("note a b", Sum(NOTE, a, b))
	add("note b a", Sum(NOTE, b, a))
	add("compress", Compress([4]fr.Element{a, b, zero, zero}))
}

func TestSumOfNothingPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	Sum(NOTE)
}

func TestSumIsTheSponge(t *testing.T) {
	xs := []fr.Element{element(1), element(2), element(3), element(4)}
	state := [Width]fr.Element{xs[0], xs[1], xs[2], Capacity(STATE, 4)}
	Permute(&state)
	state[0].Add(&state[0], &xs[3])
	Permute(&state)
	if got := Sum(STATE, xs...); !got.Equal(&state[0]) {
		t.Fatal("Sum differs from the sponge written out")
	}
}

func TestBatchesAgree(t *testing.T) {
	const n = 300
	nodes, inputs := make([][4]fr.Element, n), make([][]fr.Element, n)
	for i := range n {
		nodes[i] = [4]fr.Element{element(int64(i)), element(1), element(-2), element(9)}
		inputs[i] = make([]fr.Element, 1+i%7)
		inputs[i][0] = element(int64(i))
	}
	c, s := CompressBatch(nodes), SumBatch(DEPOSIT, inputs)
	for i := range n {
		if c[i] != Compress(nodes[i]) || s[i] != Sum(DEPOSIT, inputs[i]...) {
			t.Fatalf("element %d differs", i)
		}
	}
}

func TestZeroFolds(t *testing.T) {
	var want fr.Element
	for k := range MaxDepth + 1 {
		if got := Zero(k); got != want {
			t.Fatalf("height %d differs", k)
		}
		want = Compress([4]fr.Element{want, want, want, want})
	}
}

func BenchmarkCompress(b *testing.B) {
	x := [4]fr.Element{element(1), element(2), element(3), element(4)}
	for b.Loop() {
		x[0] = Compress(x)
	}
}

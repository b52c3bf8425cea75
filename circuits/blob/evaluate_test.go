package blob

import (
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

func TestValuesOfWords(t *testing.T) {
	s := compile(t, newSample(3, 248, 248, 120, 64, 1))
	limits := []*big.Int{fieldOrder, fieldOrder, fieldOrder, power(248), power(248), power(120), power(64), power(1)}
	extremes := []func(limit *big.Int) *big.Int{
		func(*big.Int) *big.Int { return new(big.Int) },
		func(*big.Int) *big.Int { return big.NewInt(1) },
		func(limit *big.Int) *big.Int { return add(limit, -1) },
		below,
	}
	for _, z := range []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(2), add(power(248), -1), add(power(128), -1), below(power(248))} {
		for _, extreme := range extremes {
			var words []*big.Int
			for _, limit := range limits {
				words = append(words, extreme(limit))
			}
			s.accepts("valid", honest(z, words...))
		}
	}
	// Where the two sets of bits of a field word begin and end.
	for _, w := range []*big.Int{
		highBit, add(highBit, -1), add(power(253), -1), power(253), add(fieldOrder, -1), power(88), add(power(176), -1),
	} {
		s.accepts("field word", honest(below(power(248)), w, w, w, power(247), power(247), power(119), power(63), big.NewInt(1)))
	}
}

// Every number of words gives blocks of another shape.
func TestNumbersOfWords(t *testing.T) {
	for n := 1; n <= 12; n++ {
		s := compile(t, newSample(n))
		var words []*big.Int
		for range n {
			words = append(words, below(fieldOrder))
		}
		s.accepts("valid", honest(below(power(248)), words...))
		s.accepts("largest", honest(add(power(248), -1), slices.Repeat([]*big.Int{add(fieldOrder, -1)}, n)...))
	}
}

func TestWordsBeyondTheirBounds(t *testing.T) {
	s := compile(t, newSample(1, 248, 120, 64))
	good := []*big.Int{below(fieldOrder), below(power(248)), below(power(120)), below(power(64))}
	z := below(power(248))
	for i, width := range []uint{248, 120, 64} {
		for _, beyond := range []*big.Int{power(width), add(power(width), 5), add(fieldOrder, -1)} {
			words := slices.Clone(good)
			words[i+1] = beyond
			// With the value of the whole word, and of its lower bits.
			s.refuses("word", honest(z, words...))
			low := slices.Clone(words)
			low[i+1] = new(big.Int).And(beyond, ones(int(width)))
			p := honest(z, low...)
			p.words = words
			s.refuses("word", p)
		}
	}
	s.refuses("z", honest(power(248), good...))
	s.refuses("z", honest(add(fieldOrder, -1), good...))
}

// The value of a polynomial that a reader of the blob would take for the same words, or for almost the same.
func TestOtherValues(t *testing.T) {
	s := compile(t, newSample(3, 248, 120))
	z := below(power(248))
	words := []*big.Int{below(power(200)), below(fieldOrder), big.NewInt(7), below(power(248)), below(power(120))}
	p := honest(z, words...)
	for _, offset := range []*big.Int{fieldOrder, new(big.Int).Sub(order, fieldOrder), big.NewInt(1), power(88), power(128)} {
		for i := range words {
			lie := slices.Clone(words)
			lie[i] = new(big.Int).Add(words[i], offset)
			q := honest(z, lie...)
			q.words = words
			s.refuses("another coefficient", q)
		}
	}
	// A coefficient plus n is the same one, and has the same value.
	lie := slices.Clone(words)
	lie[1] = new(big.Int).Add(words[1], order)
	if honest(z, lie...).y.Cmp(p.y) != 0 {
		t.Fatal("values differ")
	}
	reversed := slices.Clone(words)
	slices.Reverse(reversed)
	q := honest(z, reversed...)
	q.words = words
	s.refuses("from the other end", q)
	q = honest(z, append([]*big.Int{new(big.Int)}, words...)...)
	q.words = words
	s.refuses("one place on", q)
	q = honest(add(z, 1), words...)
	q.z = z
	s.refuses("at another z", q)
	s.refuses("z without its value", point{add(z, 1), p.y, words})
	for _, d := range []*big.Int{big.NewInt(1), power(127), power(128), power(254)} {
		s.refuses("value", point{z, new(big.Int).Xor(p.y, d), words})
	}
}

// Operands whose sums could wrap around the moduli do not compile.
func TestBoundsAreChecked(t *testing.T) {
	number := func(limbBits, bits uint) (n Number) {
		n.native, n.max = frontend.Variable(2), add(power(bits), -1)
		for k := range n.limbs {
			n.limbs[k], n.limbMax[k] = frontend.Variable(2), add(power(limbBits), -1)
		}
		return n
	}
	for _, c := range []struct {
		name  string
		x, y  Number
		sound bool
	}{
		{"largest", number(88, 258), number(88, 258), true},
		{"sum", number(88, 259), number(88, 259), false},
		{"quotient", number(88, 258), number(88, 261), false},
		{"column", number(126, 258), number(126, 258), false},
	} {
		define := func(api frontend.API) {
			s := newSum()
			s.add(api, c.x, c.y)
			s.reduce(api)
		}
		if err := (&gadget{define: define}).compile(); (err == nil) != c.sound {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for width, sound := range map[int]bool{253: true, 254: false} {
		define := func(api frontend.API) { ByteWord(api, api.Mul(2, 3), width) }
		if err := (&gadget{define: define}).compile(); (err == nil) != sound {
			t.Errorf("byte word of %d bits: %v", width, err)
		}
	}
}

// gadget is a circuit of constants.
type gadget struct {
	X      frontend.Variable
	define func(frontend.API)
}

func (g *gadget) Define(api frontend.API) error {
	g.define(api)
	api.AssertIsBoolean(g.X)
	return nil
}

func (g *gadget) compile() error {
	_, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, g)
	return err
}

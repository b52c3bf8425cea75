package blob

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

// sample evaluates field words, then byte words of given widths, at z.
type sample struct {
	Z, Low, High frontend.Variable
	Field, Byte  []frontend.Variable
	widths       []int
}

func newSample(fields int, widths ...int) *sample {
	return &sample{Field: make([]frontend.Variable, fields), Byte: make([]frontend.Variable, len(widths)), widths: widths}
}

func (c *sample) Define(api frontend.API) error {
	var words []Number
	for _, w := range c.Field {
		words = append(words, FieldWord(api, w))
	}
	for i, w := range c.Byte {
		words = append(words, ByteWord(api, w, c.widths[i]))
	}
	bits := Evaluate(api, words, ByteWord(api, c.Z, 248))
	api.AssertIsEqual(c.Low, Compose(api, bits[:128]))
	api.AssertIsEqual(c.High, Compose(api, bits[128:]))
	return nil
}

// point is an assignment of a sample. Its integers may lie outside the bounds of the words; the circuit then sees them
// modulo p.
type point struct {
	z, y  *big.Int
	words []*big.Int
}

// honest returns the point of words at z with the value that they have modulo n.
func honest(z *big.Int, words ...*big.Int) point {
	y := new(big.Int)
	for i := len(words) - 1; i >= 0; i-- {
		y.Mul(y, z).Add(y, words[i]).Mod(y, order)
	}
	return point{z, y, words}
}

func (p point) assign(c *sample) *sample {
	low, high := new(big.Int).And(p.y, ones(128)), new(big.Int).Rsh(p.y, 128)
	out := &sample{Z: p.z, Low: low, High: high}
	for i, w := range p.words {
		if i < len(c.Field) {
			out.Field = append(out.Field, w)
		} else {
			out.Byte = append(out.Byte, w)
		}
	}
	return out
}

// system is a sample's constraint system.
type system struct {
	t      testing.TB
	sample *sample
	cs     constraint.ConstraintSystem
}

func compile(t testing.TB, c *sample) system {
	t.Helper()
	cs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cs.GetCommitments().CommitmentIndexes()); n != 0 {
		t.Fatalf("%d commitments", n)
	}
	return system{t, c, cs}
}

func (s system) solve(p point, opts ...solver.Option) error {
	s.t.Helper()
	w, err := frontend.NewWitness(p.assign(s.sample), ecc.BN254.ScalarField())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.cs.IsSolved(w, opts...)
}

func (s system) accepts(name string, p point, opts ...solver.Option) {
	s.t.Helper()
	if err := s.solve(p, opts...); err != nil {
		s.t.Errorf("%s: refused: %v", name, err)
	}
}

func (s system) refuses(name string, p point, opts ...solver.Option) {
	s.t.Helper()
	if s.solve(p, opts...) == nil {
		s.t.Errorf("%s: accepted", name)
	}
}

var random = rand.New(rand.NewPCG(14, 9))

// below returns a random integer below a bound.
func below(bound *big.Int) *big.Int {
	bytes := make([]byte, 48)
	for i := range bytes {
		bytes[i] = byte(random.Uint32())
	}
	x := new(big.Int).SetBytes(bytes)
	return x.Mod(x, bound)
}

func power(exponent uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), exponent) }

func add(x *big.Int, d int64) *big.Int { return new(big.Int).Add(x, big.NewInt(d)) }

var fieldOrder = fr.Modulus()

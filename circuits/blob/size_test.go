package blob

import (
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/math/emulated"
	"github.com/consensys/gnark/std/math/emulated/emparams"
	"github.com/consensys/gnark/std/rangecheck"
)

// Words of an epoch of 16 lanes.
const (
	fieldWords = 152
	byteWords  = 240
	allWords   = fieldWords + byteWords
)

// epochWidths returns the widths of the byte words of 16 lanes.
func epochWidths() (widths []int) {
	for range byteWords / 15 {
		widths = append(widths, 120, 64, 64)
		for range 12 {
			widths = append(widths, 248)
		}
	}
	return widths
}

func TestConstraintsOfAnEpoch(t *testing.T) {
	total := compile(t, newSample(fieldWords, epochWidths()...)).cs.GetNbConstraints()
	t.Logf("%d constraints, %.1f a word", total, float64(total)/allWords)
	if total > 320*allWords {
		t.Errorf("%d constraints", total)
	}
}

// What other ways to bind the same words would cost (docs/adr/0009-blobs.md); -v shows the figures.
func TestAlternatives(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles circuits that are in no use")
	}
	for _, c := range []struct {
		name    string
		circuit frontend.Circuit
	}{
		{"gnark's emulated field, Horner, one commitment", newEmulated()},
		{"our reductions, ranges by one commitment", newCommitted()},
	} {
		cs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c.circuit)
		if err != nil {
			t.Fatal(err)
		}
		total, commitments := cs.GetNbConstraints(), len(cs.GetCommitments().CommitmentIndexes())
		t.Logf("%s: %d constraints, %.1f a word", c.name, total, float64(total)/allWords)
		if commitments == 0 {
			t.Errorf("%s: no commitment", c.name)
		}
	}
	if _, err := frontend.Compile(ecc.BN254.ScalarField(), newPlain, newEmulated()); err == nil ||
		!strings.Contains(err.Error(), "Committer") {
		t.Errorf("gnark's emulated field without a commitment: %v", err)
	}
}

// plain hides from gadgets that the builder can commit.
type plain struct {
	frontend.Builder[constraint.U64]
}

func newPlain(field *big.Int, config frontend.CompileConfig) (frontend.Builder[constraint.U64], error) {
	builder, err := r1cs.NewBuilder[constraint.U64](field, config)
	return plain{builder}, err
}

func (p plain) Compiler() frontend.Compiler { return p }

// store is what gadgets keep their state in.
type store interface {
	SetKeyValue(key, value any)
	GetKeyValue(key any) any
}

func (p plain) SetKeyValue(key, value any) { p.Builder.(store).SetKeyValue(key, value) }

func (p plain) GetKeyValue(key any) any { return p.Builder.(store).GetKeyValue(key) }

// emulatedHorner evaluates with the most usual means of gnark.
type emulatedHorner struct {
	Z, Y  emulated.Element[emparams.BLS12381Fr]
	Words []frontend.Variable
}

func newEmulated() *emulatedHorner {
	return &emulatedHorner{Words: make([]frontend.Variable, allWords)}
}

func (c *emulatedHorner) Define(api frontend.API) error {
	field, err := emulated.NewField[emparams.BLS12381Fr](api)
	if err != nil {
		return err
	}
	y := field.Zero()
	for i := len(c.Words) - 1; i >= 0; i-- {
		// Limbs of 64 bits; those of a field word are compared with p by its highest bit, as [FieldWord] does.
		out, err := api.Compiler().NewHint(limbsOf64, 5, c.Words[i])
		if err != nil {
			return err
		}
		sum := frontend.Variable(0)
		for k := range 4 {
			sum = api.Add(sum, api.Mul(out[k], new(big.Int).Lsh(big.NewInt(1), uint(64*k))))
		}
		if i < fieldWords {
			api.AssertIsBoolean(out[4])
			sum = api.Add(sum, api.Mul(out[4], highBit))
		}
		api.AssertIsEqual(sum, c.Words[i])
		y = field.Add(field.Mul(y, &c.Z), field.NewElement(out[:4]))
	}
	field.AssertIsEqual(y, &c.Y)
	return nil
}

// Nobody solves the circuits of this file.
func limbsOf64(*big.Int, []*big.Int, []*big.Int) error { return nil }

func init() { solver.RegisterHint(limbsOf64) }

// committedRanges is this package's circuit with each decomposition into bits replaced by a range check of limbs.
type committedRanges struct{ sample }

func newCommitted() *committedRanges {
	return &committedRanges{*newSample(fieldWords, epochWidths()...)}
}

func (c *committedRanges) Define(api frontend.API) error {
	return c.sample.Define(ranges{api, rangecheck.New(api)})
}

// ranges checks ranges by a commitment, and claims limbs where bits are asked for.
type ranges struct {
	frontend.API
	check frontend.Rangechecker
}

func (r ranges) ToBinary(v frontend.Variable, n ...int) []frontend.Variable {
	bits := make([]frontend.Variable, n[0])
	sum := frontend.Variable(0)
	for at := 0; at < n[0]; at += limbBits {
		width := min(limbBits, n[0]-at)
		limb := v
		if n[0] > limbBits {
			out, err := r.API.Compiler().NewHint(limbsOf64, 1, v)
			if err != nil {
				panic(err)
			}
			limb = out[0]
		}
		r.check.Check(limb, width)
		sum = r.Add(sum, r.Mul(limb, power(uint(at))))
		// The limb stands in for its lowest bit, so that sums of bits are sums of limbs.
		bits[at] = limb
		for i := at + 1; i < at+width; i++ {
			bits[i] = 0
		}
	}
	if n[0] > limbBits {
		r.AssertIsEqual(sum, v)
	}
	return bits
}

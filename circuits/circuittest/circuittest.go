// Package circuittest holds what the tests of several circuits share: compilers, among them one that leaves out the
// assertions that a wire is boolean, dishonest solvers, and the names and mutations of wires.
package circuittest

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/frontend/schema"
	"github.com/consensys/gnark/std/math/bits"
)

// Compile makes a constraint system, also of a circuit that was weakened so that some wires are unused.
func Compile(circuit frontend.Circuit) constraint.ConstraintSystem {
	return compile(r1cs.NewBuilder[constraint.U64], circuit)
}

// CompileLax is Compile without the assertions that a wire is boolean, also where gnark adds them to a selection.
func CompileLax(circuit frontend.Circuit) constraint.ConstraintSystem {
	return compile(newLax, circuit)
}

func compile(builder frontend.NewBuilder, circuit frontend.Circuit) constraint.ConstraintSystem {
	cs, err := frontend.Compile(ecc.BN254.ScalarField(), builder, circuit, frontend.IgnoreUnconstrainedInputs())
	if err != nil {
		panic(err)
	}
	return cs
}

type lax struct {
	frontend.Builder[constraint.U64]
}

func newLax(field *big.Int, config frontend.CompileConfig) (frontend.Builder[constraint.U64], error) {
	builder, err := r1cs.NewBuilder[constraint.U64](field, config)
	return lax{builder}, err
}

func (l lax) AssertIsBoolean(frontend.Variable) {}

func (l lax) Select(b, one, zero frontend.Variable) frontend.Variable {
	return l.Add(zero, l.Mul(b, l.Sub(one, zero)))
}

func (l lax) Lookup2(b0, b1, i0, i1, i2, i3 frontend.Variable) frontend.Variable {
	return l.Select(b1, l.Select(b0, i3, i2), l.Select(b0, i1, i0))
}

// Lie replaces the decomposition into bits that the solver makes, as a dishonest prover can.
func Lie(decompose func(v *big.Int, out []*big.Int)) solver.Option {
	for _, h := range bits.GetHints() {
		if strings.HasSuffix(solver.GetHintName(h), ".nBits") {
			return solver.OverrideHint(solver.GetHintID(h), func(_ *big.Int, in, out []*big.Int) error {
				decompose(in[0], out)
				return nil
			})
		}
	}
	panic("the hint for bit decompositions has another name")
}

// SetBits is the honest decomposition.
func SetBits(v *big.Int, out []*big.Int) {
	for i := range out {
		out[i].SetUint64(uint64(v.Bit(i)))
	}
}

// LieAboutRanges decomposes a value that is out of range so that the sum of its bits comes out right: the lowest "bit"
// holds what is too much.
func LieAboutRanges() solver.Option {
	return Lie(func(v *big.Int, out []*big.Int) {
		SetBits(v, out)
		rest := new(big.Int).Rsh(v, uint(len(out)))
		rest.Lsh(rest, uint(len(out)))
		out[0].Add(out[0], rest)
	})
}

// FalseFlags solves a circuit again and again, each time with one flag that the circuit derives by an inverse (is a wire
// zero?) claimed to be the other one. It returns the numbers of flags and of those with which solve found no fault.
func FalseFlags(solve func(...solver.Option) error) (flipped, accepted int) {
	honest := solver.InvZeroHint
	for call := 0; ; call++ {
		seen, used := 0, false
		option := solver.OverrideHint(solver.GetHintID(honest), func(p *big.Int, in, out []*big.Int) error {
			if err := honest(p, in, out); err != nil {
				return err
			}
			if seen == call && in[0].Sign() != 0 {
				out[0].SetUint64(0)
				used = true
			}
			seen++
			return nil
		})
		err := solve(option, solver.WithNbTasks(1))
		if used {
			flipped++
			if err == nil {
				accepted++
			}
		}
		if seen <= call {
			return flipped, accepted
		}
	}
}

// WireNames lists the wires in the order of a witness vector: public ones first.
func WireNames(circuit frontend.Circuit) ([]string, error) {
	var public, secret []string
	_, err := schema.Walk(ecc.BN254.ScalarField(), circuit, reflect.TypeOf((*frontend.Variable)(nil)).Elem(),
		func(leaf schema.LeafInfo, _ reflect.Value) error {
			switch leaf.Visibility {
			case schema.Public:
				public = append(public, leaf.FullName())
			case schema.Secret:
				secret = append(secret, leaf.FullName())
			default:
				return fmt.Errorf("wire %s is neither public nor secret", leaf.FullName())
			}
			return nil
		})
	return append(public, secret...), err
}

// Mutations returns the other value of a bit, a random value of a path's node, and of any other scalar its successor
// and a random value.
func Mutations(name string, v fr.Element) []fr.Element {
	one, random := fr.One(), fr.NewElement(rand.Uint64()|1<<63)
	random.Square(&random)
	switch {
	case v.IsOne():
		return []fr.Element{{}}
	case v.IsZero():
		return []fr.Element{one}
	case strings.Contains(name, "_Levels_"):
		return []fr.Element{random}
	}
	return []fr.Element{*v.Add(&v, &one), random}
}

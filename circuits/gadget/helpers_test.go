package gadget

import (
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/math/bits"
)

// circuit wraps a gadget over a flat list of private inputs.
type circuit struct {
	In     []frontend.Variable
	Gadget func(api frontend.API, in []frontend.Variable) `gnark:"-"`
}

func (c *circuit) Define(api frontend.API) error {
	c.Gadget(api, c.In)
	return nil
}

// compiled is a gadget's constraint system, solved in full for each witness: a constraint that is missing shows as
// a witness accepted.
type compiled struct {
	t  *testing.T
	cs constraint.ConstraintSystem
}

func compile(t *testing.T, inputs int, gadget func(api frontend.API, in []frontend.Variable)) compiled {
	t.Helper()
	c := &circuit{In: make([]frontend.Variable, inputs), Gadget: gadget}
	cs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(cs.GetCommitments().CommitmentIndexes()); n != 0 {
		t.Fatalf("gadget adds %d commitments", n)
	}
	return compiled{t, cs}
}

func (c compiled) solve(in []frontend.Variable, opts ...solver.Option) error {
	c.t.Helper()
	w, err := frontend.NewWitness(&circuit{In: in}, ecc.BN254.ScalarField())
	if err != nil {
		c.t.Fatal(err)
	}
	return c.cs.IsSolved(w, opts...)
}

func (c compiled) accepts(name string, in []frontend.Variable, opts ...solver.Option) {
	c.t.Helper()
	if err := c.solve(in, opts...); err != nil {
		c.t.Errorf("%s: refused: %v", name, err)
	}
}

func (c compiled) refuses(name string, in []frontend.Variable, opts ...solver.Option) {
	c.t.Helper()
	if c.solve(in, opts...) == nil {
		c.t.Errorf("%s: accepted", name)
	}
}

func (c compiled) costs(want int) {
	c.t.Helper()
	if got := c.cs.GetNbConstraints(); got != want {
		c.t.Errorf("%d constraints, want %d", got, want)
	}
}

// lie replaces the decomposition into bits that the solver makes by another one.
func lie(decompose func(v *big.Int, out []*big.Int)) solver.Option {
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

func setBits(v *big.Int, out []*big.Int) {
	for i := range out {
		out[i].SetUint64(uint64(v.Bit(i)))
	}
}

func element(v int64) (e fr.Element) {
	e.SetInt64(v)
	return e
}

func variables(xs ...fr.Element) []frontend.Variable {
	out := make([]frontend.Variable, len(xs))
	for i, x := range xs {
		out[i] = x
	}
	return out
}

// with returns in with the element at index i replaced.
func with(in []frontend.Variable, i int, v frontend.Variable) []frontend.Variable {
	out := append([]frontend.Variable(nil), in...)
	out[i] = v
	return out
}

package groth16x

import (
	"errors"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"sotto/circuits/setup"
)

// ladder has a few hundred constraints, bits, and wires that are absent from A or B.
type ladder struct {
	Out frontend.Variable `gnark:",public"`
	X   frontend.Variable
}

func (c *ladder) Define(api frontend.API) error {
	x := c.X
	for range 150 {
		x = api.Add(api.Mul(x, x), c.X, 1)
	}
	api.ToBinary(x)
	api.AssertIsEqual(x, c.Out)
	return nil
}

func climb(x fr.Element) fr.Element {
	out, one := x, fr.One()
	for range 150 {
		out.Square(&out).Add(&out, &x).Add(&out, &one)
	}
	return out
}

func loadLadder(t *testing.T) (*fixture, *cs.R1CSSolution, fr.Element) {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &ladder{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{r1cs: compiled.(*cs.R1CS)}
	if f.pk, f.vk, err = setup.Generate(f.r1cs, setup.NewPhase1("groth16x test")); err != nil {
		t.Fatal(err)
	}
	var x fr.Element
	x.MustSetRandom()
	out := climb(x)
	w, err := frontend.NewWitness(&ladder{X: x, Out: out}, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	solved, err := f.r1cs.Solve(w)
	if err != nil {
		t.Fatal(err)
	}
	return f, solved.(*cs.R1CSSolution), out
}

// Without randomness, A and B are alpha and beta plus the sums over the wires; C is then fixed by the equation.
func TestDeterministicProofFollowsThePaper(t *testing.T) {
	f, solution, out := loadLadder(t)
	wires := append([]fr.Element(nil), solution.W...)
	bare := deterministic(f.pk, solution, f.r1cs.GetNbPublicVariables())

	var a bn254.G1Jac
	var b bn254.G2Jac
	if _, err := a.MultiExp(f.pk.G1.A, without(f.pk.InfinityA, wires), ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.MultiExp(f.pk.G2.B, without(f.pk.InfinityB, wires), ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	a.AddMixed(&f.pk.G1.Alpha)
	b.AddMixed(&f.pk.G2.Beta)
	if !bare.a.Equal(&a) || !bare.b.Equal(&b) {
		t.Error("A or B differs")
	}

	one, zero := fr.One(), fr.Element{}
	plain := bare.randomise(f.pk, &one, &zero)
	if err := Verify(f.vk, []fr.Element{out}, plain); err != nil {
		t.Fatal(err)
	}
	if bare.randomise(f.pk, &one, &zero) != plain {
		t.Error("the same randomness gives another proof")
	}
	// Each of the two changes what it should, for any values.
	var largest fr.Element
	largest.Neg(&one)
	for _, scale := range []fr.Element{one, largest, fr.NewElement(77)} {
		for _, shift := range []fr.Element{zero, one, largest, fr.NewElement(1 << 60)} {
			p := bare.randomise(f.pk, &scale, &shift)
			if err := Verify(f.vk, []fr.Element{out}, p); err != nil {
				t.Errorf("scale %s, shift %s: %v", scale.String(), shift.String(), err)
			}
			if (p.a == plain.a) != scale.IsOne() {
				t.Errorf("scale %s: A is not divided by it", scale.String())
			}
			if (p.c == plain.c) != shift.IsZero() {
				t.Errorf("shift %s: C is not shifted by it", shift.String())
			}
		}
	}
}

func TestProofsOfOneWitnessShareNothing(t *testing.T) {
	f := load(t)
	_, first := f.prove(t, 3, 5)
	_, second := f.prove(t, 3, 5)
	if first.a == second.a || first.b == second.b || first.c == second.c {
		t.Error("two proofs share a point")
	}
}

func TestProveRefusesTheKeyOfAnotherCircuit(t *testing.T) {
	f := load(t)
	other, _, _ := loadLadder(t)
	w, err := frontend.NewWitness(&product{H: 15, G: 9, A: 3, B: 5}, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prove(other.pk, f.r1cs, w); !errors.Is(err, ErrKey) {
		t.Fatal(err)
	}
}

package setup

import (
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"sotto/circuits/msm"
)

// cubic is a small circuit with all that a key may hold: public and private wires, wires that are absent from one
// side, coefficients other than one, bits from hints.
type cubic struct {
	Y, Z frontend.Variable `gnark:",public"`
	X    frontend.Variable
}

func (c *cubic) Define(api frontend.API) error {
	square := api.Mul(c.X, c.X)
	api.AssertIsEqual(c.Y, api.Add(api.Mul(square, c.X, 3), api.Mul(c.X, -7), 5))
	api.ToBinary(c.X, 8)
	api.AssertIsEqual(api.Mul(c.Z, c.Z), api.Add(square, api.Mul(2, c.X), 1))
	return nil
}

func compileCubic(t testing.TB) *cs.R1CS {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &cubic{})
	if err != nil {
		t.Fatal(err)
	}
	return compiled.(*cs.R1CS)
}

func TestCombAgainstGnarkCrypto(t *testing.T) {
	scalars := make([]fr.Element, 3*msm.Capacity)
	for i := range scalars {
		switch {
		case i < 254:
			scalars[i].SetBigInt(new(big.Int).Lsh(big.NewInt(1), uint(i))) // each digit, and the carries
		case i < 508:
			v := new(big.Int).Lsh(big.NewInt(1), uint(i-254))
			scalars[i].SetBigInt(v.Sub(v, big.NewInt(1)))
		case i < 600:
			scalars[i].SetInt64(int64(i) - 550) // 0 and small numbers of both signs
		default:
			scalars[i].MustSetRandom()
		}
	}
	_, _, g1, g2 := bn254.Generators()
	got1, want1 := multiplyG1(scalars), bn254.BatchScalarMultiplicationG1(&g1, scalars)
	got2, want2 := multiplyG2(scalars), bn254.BatchScalarMultiplicationG2(&g2, scalars)
	for i := range scalars {
		if !got1[i].Equal(&want1[i]) || !got2[i].Equal(&want2[i]) {
			t.Errorf("scalar %d (%s) differs", i, scalars[i].String())
		}
	}
}

// The key holds the group elements of the paper's formulae, computed here in another way: Lagrange polynomials as
// products over the domain.
func TestKeyFollowsFormulae(t *testing.T) {
	r := compileCubic(t)
	phase1 := NewPhase1("test")
	pk, vk, err := Generate(r, phase1)
	if err != nil {
		t.Fatal(err)
	}
	domain := fft.NewDomain(uint64(r.GetNbConstraints()))
	roots := make([]fr.Element, domain.Cardinality)
	roots[0].SetOne()
	for i := 1; i < len(roots); i++ {
		roots[i].Mul(&roots[i-1], &domain.Generator)
	}
	lagrange := func(j int) fr.Element {
		value := fr.One()
		var num, den fr.Element
		for i := range roots {
			if i != j {
				num.Sub(&phase1.tau, &roots[i])
				den.Sub(&roots[j], &roots[i])
				value.Mul(&value, num.Div(&num, &den))
			}
		}
		return value
	}
	n := r.GetNbPublicVariables() + r.GetNbSecretVariables() + r.GetNbInternalVariables()
	sides := [3][]fr.Element{make([]fr.Element, n), make([]fr.Element, n), make([]fr.Element, n)}
	for j, c := range r.GetR1Cs() {
		l := lagrange(j)
		for s, side := range [3]constraint.LinearExpression{c.L, c.R, c.O} {
			for _, term := range side {
				var v fr.Element
				v.Mul(&l, &r.Coefficients[term.CID])
				sides[s][term.VID].Add(&sides[s][term.VID], &v)
			}
		}
	}

	inG1 := func(name string, got bn254.G1Affine, exponent fr.Element) {
		t.Helper()
		var want bn254.G1Affine
		want.ScalarMultiplicationBase(exponent.BigInt(new(big.Int)))
		if !got.Equal(&want) {
			t.Errorf("%s differs", name)
		}
	}
	inG2 := func(name string, got bn254.G2Affine, exponent fr.Element) {
		t.Helper()
		var want bn254.G2Affine
		want.ScalarMultiplicationBase(exponent.BigInt(new(big.Int)))
		if !got.Equal(&want) {
			t.Errorf("%s differs", name)
		}
	}
	delta := phase1.delta(CircuitHash(r))
	inG1("alpha", pk.G1.Alpha, phase1.alpha)
	inG1("beta", pk.G1.Beta, phase1.beta)
	inG1("delta", pk.G1.Delta, delta)
	inG2("beta", vk.G2.Beta, phase1.beta)
	inG2("gamma", vk.G2.Gamma, fr.One())
	inG2("delta", vk.G2.Delta, delta)
	nextA, nextB := 0, 0
	for i := range n {
		if pk.InfinityA[i] != sides[0][i].IsZero() || pk.InfinityB[i] != sides[1][i].IsZero() {
			t.Fatalf("wire %d is marked wrongly", i)
		}
		if !pk.InfinityA[i] {
			inG1("A", pk.G1.A[nextA], sides[0][i])
			nextA++
		}
		if !pk.InfinityB[i] {
			inG1("B", pk.G1.B[nextB], sides[1][i])
			inG2("B", pk.G2.B[nextB], sides[1][i])
			nextB++
		}
		var k, v fr.Element
		k.Mul(&sides[0][i], &phase1.beta)
		v.Mul(&sides[1][i], &phase1.alpha)
		k.Add(&k, &v).Add(&k, &sides[2][i])
		if public := r.GetNbPublicVariables(); i < public {
			inG1("IC", vk.G1.K[i], k)
		} else {
			inG1("K", pk.G1.K[i-public], *k.Div(&k, &delta))
		}
	}
	if nextA != len(pk.G1.A) || nextB != len(pk.G1.B) || nextB != len(pk.G2.B) || len(vk.G1.K) != 3 {
		t.Error("the key holds more points than wires")
	}
	powers := make([]fr.Element, domain.Cardinality)
	one := fr.One()
	powers[0].Exp(phase1.tau, new(big.Int).SetUint64(domain.Cardinality)).Sub(&powers[0], &one).Div(&powers[0], &delta)
	for i := 1; i < len(powers); i++ {
		powers[i].Mul(&powers[i-1], &phase1.tau)
	}
	fft.BitReverse(powers)
	if len(pk.G1.Z) != len(powers)-1 {
		t.Fatal("wrong number of quotient bases")
	}
	for i := range pk.G1.Z {
		inG1("Z", pk.G1.Z[i], powers[i])
	}
}

func TestKeyHasGnarksShape(t *testing.T) {
	r := compileCubic(t)
	pk, vk, err := Generate(r, NewPhase1("test"))
	if err != nil {
		t.Fatal(err)
	}
	var gpk groth16.ProvingKey
	var gvk groth16.VerifyingKey
	if err := groth16.Setup(r, &gpk, &gvk); err != nil {
		t.Fatal(err)
	}
	for i := range gpk.InfinityA {
		if pk.InfinityA[i] != gpk.InfinityA[i] || pk.InfinityB[i] != gpk.InfinityB[i] {
			t.Errorf("wire %d is marked otherwise", i)
		}
	}
	for name, pair := range map[string][2]int{
		"A": {len(pk.G1.A), len(gpk.G1.A)}, "B": {len(pk.G1.B), len(gpk.G1.B)}, "Z": {len(pk.G1.Z), len(gpk.G1.Z)},
		"K": {len(pk.G1.K), len(gpk.G1.K)}, "B2": {len(pk.G2.B), len(gpk.G2.B)}, "IC": {len(vk.G1.K), len(gvk.G1.K)},
		"infinity A": {int(pk.NbInfinityA), int(gpk.NbInfinityA)}, "infinity B": {int(pk.NbInfinityB), int(gpk.NbInfinityB)},
		"domain": {int(pk.Domain.Cardinality), int(gpk.Domain.Cardinality)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %d, gnark has %d", name, pair[0], pair[1])
		}
	}

	full, err := frontend.NewWitness(&cubic{X: 10, Y: 3000 - 70 + 5, Z: 11}, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := groth16.Prove(r, pk, full)
	if err != nil {
		t.Fatal(err)
	}
	public, err := full.Public()
	if err != nil {
		t.Fatal(err)
	}
	inputs := public.Vector().(fr.Vector)
	if err := groth16.Verify(proof, vk, inputs); err != nil {
		t.Errorf("gnark refuses the proof: %v", err)
	}
	if groth16.Verify(proof, &gvk, inputs) == nil {
		t.Error("the proof holds under another key")
	}
	if groth16.Verify(proof, vk, fr.Vector{inputs[1], inputs[0]}) == nil {
		t.Error("the proof holds for swapped inputs")
	}
}

func TestKeysAreDeterministicAndDistinct(t *testing.T) {
	r := compileCubic(t)
	if CircuitHash(r) != CircuitHash(compileCubic(t)) {
		t.Fatal("compiling twice gives two circuit hashes")
	}
	generate := func(seed string) *groth16.VerifyingKey {
		_, vk, err := Generate(r, NewPhase1(seed))
		if err != nil {
			t.Fatal(err)
		}
		return vk
	}
	a, b, c := generate("one"), generate("one"), generate("two")
	if !a.G2.Delta.Equal(&b.G2.Delta) || !a.G1.K[2].Equal(&b.G1.K[2]) {
		t.Error("the same seed gives two keys")
	}
	if a.G2.Delta.Equal(&c.G2.Delta) || a.G1.Alpha.Equal(&c.G1.Alpha) || NewPhase1("one").ID() == NewPhase1("two").ID() {
		t.Error("two seeds give one key")
	}
	other := compileSquare(t, 2)
	if CircuitHash(r) == CircuitHash(other) {
		t.Error("two circuits have one hash")
	}
	_, vk, err := Generate(other, NewPhase1("one"))
	if err != nil {
		t.Fatal(err)
	}
	if !vk.G1.Alpha.Equal(&a.G1.Alpha) || !vk.G2.Beta.Equal(&a.G2.Beta) || vk.G2.Delta.Equal(&a.G2.Delta) {
		t.Error("circuits must share phase 1 and not delta")
	}
}

// square differs from another one only by a coefficient.
type square struct {
	Y     frontend.Variable `gnark:",public"`
	X     frontend.Variable
	Times int `gnark:"-"`
}

func (c *square) Define(api frontend.API) error {
	api.AssertIsEqual(api.Mul(c.X, c.X, c.Times), c.Y)
	return nil
}

func compileSquare(t testing.TB, times int) *cs.R1CS {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &square{Times: times})
	if err != nil {
		t.Fatal(err)
	}
	return compiled.(*cs.R1CS)
}

func TestCircuitHashCoversCoefficients(t *testing.T) {
	if CircuitHash(compileSquare(t, 3)) == CircuitHash(compileSquare(t, 4)) {
		t.Fatal("the coefficient is not covered")
	}
}

func TestBadSecretsAreRefused(t *testing.T) {
	r := compileCubic(t)
	one, two := fr.One(), fr.NewElement(2)
	for name, s := range map[string]secrets{
		"tau a root of unity": {tau: one, alpha: two, beta: two, delta: two},
		"tau zero":            {alpha: two, beta: two, delta: two},
		"alpha zero":          {tau: two, beta: two, delta: two},
		"beta zero":           {tau: two, alpha: two, delta: two},
		"delta zero":          {tau: two, alpha: two, beta: two},
	} {
		if _, _, err := generate(r, s); !errors.Is(err, ErrBadSeed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type committing struct{ X frontend.Variable }

func (c *committing) Define(api frontend.API) error {
	v, err := api.(frontend.Committer).Commit(c.X)
	if err != nil {
		return err
	}
	api.AssertIsDifferent(v, 0)
	return nil
}

func TestCommitmentsAreRefused(t *testing.T) {
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &committing{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Generate(compiled.(*cs.R1CS), NewPhase1("test")); !errors.Is(err, ErrCommitments) {
		t.Fatal(err)
	}
}

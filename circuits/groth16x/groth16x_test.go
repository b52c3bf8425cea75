package groth16x

import (
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"sotto/circuits/setup"
)

// product proves knowledge of factors of H.
type product struct {
	H    frontend.Variable `gnark:",public"`
	G    frontend.Variable `gnark:",public"`
	A, B frontend.Variable
}

func (c *product) Define(api frontend.API) error {
	api.AssertIsEqual(api.Mul(c.A, c.B), c.H)
	api.AssertIsEqual(api.Mul(c.A, c.A), c.G)
	return nil
}

type fixture struct {
	r1cs *cs.R1CS
	pk   *groth16.ProvingKey
	vk   *groth16.VerifyingKey
}

var newFixture = sync.OnceValues(func() (*fixture, error) {
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &product{})
	if err != nil {
		return nil, err
	}
	f := &fixture{r1cs: compiled.(*cs.R1CS)}
	f.pk, f.vk, err = setup.Generate(f.r1cs, setup.NewPhase1("groth16x test"))
	return f, err
})

func load(t testing.TB) *fixture {
	t.Helper()
	f, err := newFixture()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) prove(t testing.TB, a, b uint64) ([]fr.Element, Proof) {
	t.Helper()
	w, err := frontend.NewWitness(&product{H: a * b, G: a * a, A: a, B: b}, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Prove(f.pk, f.r1cs, w)
	if err != nil {
		t.Fatal(err)
	}
	return []fr.Element{fr.NewElement(a * b), fr.NewElement(a * a)}, p
}

func (f *fixture) proveMany(t testing.TB, n int) (inputs [][]fr.Element, proofs []Proof) {
	t.Helper()
	for i := range n {
		in, p := f.prove(t, uint64(i)+2, 7)
		inputs, proofs = append(inputs, in), append(proofs, p)
	}
	return inputs, proofs
}

func TestProveAndVerify(t *testing.T) {
	f := load(t)
	in, p := f.prove(t, 3, 5)
	encoded := p.Bytes()
	parsed, err := ParseProof(encoded[:])
	if err != nil || parsed != p {
		t.Fatalf("no round trip: %v", err)
	}
	if err := Verify(f.vk, in, parsed); err != nil {
		t.Fatal(err)
	}
	// gnark's own verifier agrees.
	if err := groth16.Verify(&groth16.Proof{Ar: p.a, Bs: p.b, Krs: p.c}, f.vk, in); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string][]fr.Element{
		"another first":  {fr.NewElement(16), in[1]},
		"another second": {in[0], fr.NewElement(16)},
		"swapped":        {in[1], in[0]},
	} {
		if err := Verify(f.vk, wrong, p); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range [][]fr.Element{nil, in[:1], append(slices.Clone(in), fr.Element{})} {
		if err := Verify(f.vk, wrong, p); !errors.Is(err, ErrInputCount) {
			t.Errorf("%d inputs: %v", len(wrong), err)
		}
	}
	for name, change := range map[string]func(*Proof){
		"negated A":       func(p *Proof) { p.a.Neg(&p.a) },
		"negated B":       func(p *Proof) { p.b.Neg(&p.b) },
		"negated C":       func(p *Proof) { p.c.Neg(&p.c) },
		"A in place of C": func(p *Proof) { p.c = p.a },
	} {
		q := p
		change(&q)
		if err := Verify(f.vk, in, q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A and B negated together are a valid proof again: proof bytes are no identifier.
	q := p
	q.a.Neg(&q.a)
	q.b.Neg(&q.b)
	if err := Verify(f.vk, in, q); err != nil {
		t.Errorf("re-randomised: %v", err)
	}
}

func TestProveRefusesFalseWitness(t *testing.T) {
	f := load(t)
	w, err := frontend.NewWitness(&product{H: 16, G: 9, A: 3, B: 5}, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prove(f.pk, f.r1cs, w); err == nil {
		t.Fatal("proved a false statement")
	}
}

func TestParseProofIsStrict(t *testing.T) {
	_, p := load(t).prove(t, 3, 5)
	valid := p.Bytes()
	word := func(i int, change func(*big.Int)) []byte {
		b := valid
		v := new(big.Int).SetBytes(b[32*i : 32*i+32])
		change(v)
		v.FillBytes(b[32*i : 32*i+32])
		return b[:]
	}
	zero := func(from, to int) []byte {
		b := valid
		clear(b[32*from : 32*to])
		return b[:]
	}
	for i := range 8 {
		if _, err := ParseProof(word(i, func(v *big.Int) { v.Add(v, fp.Modulus()) })); !errors.Is(err, ErrCoordinate) {
			t.Errorf("coordinate %d + q: %v", i, err)
		}
		if _, err := ParseProof(word(i, func(v *big.Int) { v.Set(fp.Modulus()) })); !errors.Is(err, ErrCoordinate) {
			t.Errorf("coordinate %d = q: %v", i, err)
		}
		if _, err := ParseProof(word(i, func(v *big.Int) { v.Xor(v, big.NewInt(1)) })); !errors.Is(err, ErrNotOnCurve) {
			t.Errorf("coordinate %d changed: %v", i, err)
		}
	}
	outside := p
	outside.b = outsideSubgroup(t)
	outsideBytes := outside.Bytes()
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ErrLength},
		{"short", valid[:255], ErrLength},
		{"long", append(valid[:], 0), ErrLength},
		{"A at infinity", zero(0, 2), ErrInfinity},
		{"B at infinity", zero(2, 6), ErrInfinity},
		{"C at infinity", zero(6, 8), ErrInfinity},
		{"all zero", make([]byte, ProofSize), ErrInfinity},
		{"B outside the subgroup", outsideBytes[:], ErrSubgroup},
	} {
		if _, err := ParseProof(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// outsideSubgroup returns a point of the twist that is not in G2.
func outsideSubgroup(t *testing.T) (p bn254.G2Affine) {
	t.Helper()
	_, _, _, g2 := bn254.Generators()
	var b, rhs bn254.E2 // y^2 = x^3 + b, b from the generator
	b.Square(&g2.X).Mul(&b, &g2.X)
	rhs.Square(&g2.Y)
	b.Sub(&rhs, &b)
	for x := uint64(1); ; x++ {
		p.X.A0.SetUint64(x)
		rhs.Square(&p.X).Mul(&rhs, &p.X).Add(&rhs, &b)
		if rhs.Legendre() != 1 {
			continue
		}
		p.Y.Sqrt(&rhs)
		if !p.IsOnCurve() {
			t.Fatal("point is not on the twist")
		}
		if !p.IsInSubGroup() {
			return p
		}
	}
}

func TestParseInput(t *testing.T) {
	h := fr.NewElement(12345)
	encoded := h.Bytes()
	if got, err := ParseInput(encoded[:]); err != nil || got != h {
		t.Errorf("h: %v", err)
	}
	var shifted [32]byte
	new(big.Int).Add(big.NewInt(12345), fr.Modulus()).FillBytes(shifted[:])
	last := new(big.Int).Sub(fr.Modulus(), big.NewInt(1)).FillBytes(make([]byte, 32))
	if _, err := ParseInput(last); err != nil {
		t.Errorf("p - 1: %v", err)
	}
	for name, b := range map[string][]byte{
		"h + p": shifted[:], "p": fr.Modulus().Bytes(), "short": encoded[1:], "long": append(encoded[:], 0),
	} {
		if _, err := ParseInput(b); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBatchVerify(t *testing.T) {
	f := load(t)
	inputs, proofs := f.proveMany(t, 9)
	for n := range len(proofs) + 1 {
		if err := BatchVerify(f.vk, inputs[:n], proofs[:n]); err != nil {
			t.Fatalf("%d proofs: %v", n, err)
		}
	}
	if err := BatchVerify(f.vk, inputs, proofs[:8]); !errors.Is(err, ErrProofCount) {
		t.Errorf("a proof too few: %v", err)
	}
	if err := BatchVerify(f.vk, append(inputs[:8:8], inputs[8][:1]), proofs); !errors.Is(err, ErrInputCount) {
		t.Errorf("an input too few: %v", err)
	}
}

func TestBatchVerifyFindsTheFalse(t *testing.T) {
	f := load(t)
	inputs, proofs := f.proveMany(t, 9)
	expect := func(name string, inputs [][]fr.Element, proofs []Proof, want ...int) {
		t.Helper()
		var invalid *InvalidProofsError
		err := BatchVerify(f.vk, inputs, proofs)
		if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) || !slices.Equal(invalid.Indices, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	for _, at := range [][]int{{0}, {8}, {4}, {0, 1}, {3, 7}, {0, 1, 2, 3, 4, 5, 6, 7, 8}} {
		changed := slices.Clone(proofs)
		for _, i := range at {
			changed[i].a.Neg(&changed[i].a)
		}
		expect("negated A", inputs, changed, at...)
	}
	swapped := slices.Clone(inputs)
	swapped[2], swapped[5] = swapped[5], swapped[2]
	expect("swapped inputs", swapped, proofs, 2, 5)
	exchanged := slices.Clone(proofs)
	exchanged[2], exchanged[5] = exchanged[5], exchanged[2]
	expect("exchanged proofs", inputs, exchanged, 2, 5)
	repeated := slices.Clone(proofs)
	repeated[1] = repeated[0]
	expect("a proof given twice", inputs, repeated, 1)
}

// Errors that cancel when all coefficients are equal: C_1 + D and C_2 - D.
func TestBatchVerifyRefusesCancellingErrors(t *testing.T) {
	f := load(t)
	inputs, proofs := f.proveMany(t, 2)
	_, _, g1, _ := bn254.Generators()
	proofs[0].c.Add(&proofs[0].c, &g1)
	proofs[1].c.Sub(&proofs[1].c, &g1)
	equal := []fr.Element{fr.One(), fr.One()}
	if valid, err := pairingHolds(f.vk, inputs, proofs, equal); err != nil || !valid {
		t.Fatalf("the errors do not cancel: %v %v", valid, err)
	}
	var invalid *InvalidProofsError
	if err := BatchVerify(f.vk, inputs, proofs); !errors.As(err, &invalid) || len(invalid.Indices) != 2 {
		t.Fatalf("cancelling errors: %v", err)
	}
}

func TestCommitmentKeysAreRefused(t *testing.T) {
	f := load(t)
	in, p := f.prove(t, 3, 5)
	vk := *f.vk
	vk.PublicAndCommitmentCommitted = [][]int{{1}}
	if err := Verify(&vk, in, p); !errors.Is(err, ErrUnsupported) {
		t.Fatal(err)
	}
}

func BenchmarkBatchVerify16(b *testing.B) {
	f := load(b)
	inputs, proofs := f.proveMany(b, 16)
	for b.Loop() {
		if err := BatchVerify(f.vk, inputs, proofs); err != nil {
			b.Fatal(err)
		}
	}
}

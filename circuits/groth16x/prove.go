package groth16x

import (
	"errors"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/parallel"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"

	"sotto/circuits/msm"
)

// ErrKey says that a proving key belongs to another constraint system.
var ErrKey = errors.New("groth16x: proving key of another circuit")

// Prove makes a proof for a full witness (frontend.NewWitness of an assigned circuit). It fails if the witness does
// not satisfy the constraints, and returns ErrUnsupported for keys with Pedersen commitments and ErrKey for the key of
// another circuit.
//
// It takes the paper's proof for r = s = 0 and re-randomises it: the outcome has the distribution of a proof with random
// r and s, and B is not needed in G1, a sum as long as that in G2.
func Prove(pk *groth16.ProvingKey, r1cs *cs.R1CS, full witness.Witness) (Proof, error) {
	if len(pk.CommitmentKeys) != 0 {
		return Proof{}, ErrUnsupported
	}
	solved, err := r1cs.Solve(full)
	if err != nil {
		return Proof{}, err
	}
	solution := solved.(*cs.R1CSSolution)
	public := r1cs.GetNbPublicVariables()
	if len(pk.InfinityA) != len(solution.W) || len(pk.G1.K) != len(solution.W)-public ||
		pk.Domain.Cardinality < uint64(len(solution.A)) {
		return Proof{}, ErrKey
	}
	var scale, shift fr.Element
	for scale.IsZero() {
		if _, err := scale.SetRandom(); err != nil {
			return Proof{}, err
		}
	}
	if _, err := shift.SetRandom(); err != nil {
		return Proof{}, err
	}
	return deterministic(pk, solution, public).randomise(pk, &scale, &shift), nil
}

// bareProof is a proof for r = s = 0, which shows something of the witness: whoever guesses the whole witness can check
// the guess.
type bareProof struct {
	a, c bn254.G1Jac
	b    bn254.G2Jac
}

func deterministic(pk *groth16.ProvingKey, solution *cs.R1CSSolution, public int) bareProof {
	h := quotient(solution, &pk.Domain)
	wires := []fr.Element(solution.W)
	b := msm.NewG2(msm.Term[bn254.G2Affine]{Points: pk.G2.B, Scalars: without(pk.InfinityB, wires)})
	c := msm.NewG1(
		msm.Term[bn254.G1Affine]{Points: pk.G1.K, Scalars: wires[public:]},
		msm.Term[bn254.G1Affine]{Points: pk.G1.Z, Scalars: h},
	)
	a := msm.NewG1(msm.Term[bn254.G1Affine]{Points: pk.G1.A, Scalars: without(pk.InfinityA, wires)})
	msm.Run(b, c, a)

	p := bareProof{a: a.Result(), b: b.Result(), c: c.Result()}
	p.a.AddMixed(&pk.G1.Alpha)
	p.b.AddMixed(&pk.G2.Beta)
	return p
}

// randomise returns (A / scale, scale (B + shift delta), C + shift A). For random scale and shift this is a random proof
// of the statement: A and B are independent and uniform, C follows from them (Baghery, Kohlweiss, Siim and Volkhov,
// eprint 2020/811). scale is not 0.
func (p bareProof) randomise(pk *groth16.ProvingKey, scale, shift *fr.Element) Proof {
	var exponent big.Int
	var a, c bn254.G1Jac
	var b, delta bn254.G2Jac
	shift.BigInt(&exponent)
	delta.FromAffine(&pk.G2.Delta)
	b.ScalarMultiplication(&delta, &exponent)
	b.AddAssign(&p.b)
	c.ScalarMultiplication(&p.a, &exponent)
	c.AddAssign(&p.c)
	b.ScalarMultiplication(&b, scale.BigInt(&exponent))
	var inverse fr.Element
	a.ScalarMultiplication(&p.a, inverse.Inverse(scale).BigInt(&exponent))

	var proof Proof
	proof.a.FromJacobian(&a)
	proof.b.FromJacobian(&b)
	proof.c.FromJacobian(&c)
	return proof
}

// quotient returns the coefficients of (A B - C) / (X^n - 1) but the last, which is 0, in bit-reversed order. A, B and C
// are given by their values on the domain, and overwritten.
//
// Since A B = C + h (X^n - 1) and C's degree is below n, A B modulo X^n - g^n is C + h (g^n - 1); that polynomial is
// found from its values on the coset g, so that C itself is not needed there.
func quotient(solution *cs.R1CSSolution, domain *fft.Domain) []fr.Element {
	n := int(domain.Cardinality)
	pad := func(v []fr.Element) []fr.Element { return append(v, make([]fr.Element, n-len(v))...) }
	a, b, c := pad(solution.A), pad(solution.B), pad(solution.C)
	for _, v := range [][]fr.Element{a, b, c} {
		domain.FFTInverse(v, fft.DIF)
	}
	domain.FFT(a, fft.DIT, fft.OnCoset())
	domain.FFT(b, fft.DIT, fft.OnCoset())
	parallel.Execute(n, func(start, end int) {
		for i := start; i < end; i++ {
			a[i].Mul(&a[i], &b[i])
		}
	})
	domain.FFTInverse(a, fft.DIF, fft.OnCoset())

	var factor fr.Element // 1 / (g^n - 1)
	one := fr.One()
	factor.Exp(domain.FrMultiplicativeGen, new(big.Int).SetUint64(domain.Cardinality))
	factor.Sub(&factor, &one).Inverse(&factor)
	parallel.Execute(n, func(start, end int) {
		for i := start; i < end; i++ {
			a[i].Sub(&a[i], &c[i]).Mul(&a[i], &factor)
		}
	})
	return a[:n-1]
}

// without returns the values that are not marked.
func without(marked []bool, values []fr.Element) []fr.Element {
	rest := make([]fr.Element, 0, len(values))
	for i := range values {
		if !marked[i] {
			rest = append(rest, values[i])
		}
	}
	return rest
}

package groth16x

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
)

// coefficientBits bounds the chance that a batch with a false proof passes: 2^-128 per attempt.
const coefficientBits = 128

// InvalidProofsError tells which proofs of a batch do not verify.
type InvalidProofsError struct{ Indices []int }

func (e *InvalidProofsError) Error() string {
	return fmt.Sprintf("groth16x: proofs %v of the batch do not verify", e.Indices)
}

// Unwrap makes errors.Is(err, ErrInvalid) hold.
func (e *InvalidProofsError) Unwrap() error { return ErrInvalid }

// Verify checks one proof: e(A, B) = e(alpha, beta) e(IC(inputs), gamma) e(C, delta). It returns ErrInvalid,
// ErrInputCount or ErrUnsupported.
func Verify(vk *groth16.VerifyingKey, inputs []fr.Element, proof Proof) error {
	err := checkShape(vk, [][]fr.Element{inputs}, []Proof{proof})
	if err != nil {
		return err
	}
	valid, err := pairingHolds(vk, [][]fr.Element{inputs}, []Proof{proof}, []fr.Element{fr.One()})
	if err != nil {
		return err
	}
	if !valid {
		return ErrInvalid
	}
	return nil
}

// BatchVerify checks many proofs under one key with one product of pairings, in which each proof's equation is
// raised to a secret random power. inputs[i] belong to proofs[i]. When the product fails it finds the false proofs
// by bisection and returns them as *InvalidProofsError. It returns ErrProofCount, ErrInputCount or ErrUnsupported
// for arguments that do not fit together, and nil for an empty batch.
func BatchVerify(vk *groth16.VerifyingKey, inputs [][]fr.Element, proofs []Proof) error {
	if err := checkShape(vk, inputs, proofs); err != nil {
		return err
	}
	invalid, err := findInvalid(vk, inputs, proofs, 0)
	if err != nil {
		return err
	}
	if len(invalid) > 0 {
		return &InvalidProofsError{Indices: invalid}
	}
	return nil
}

func checkShape(vk *groth16.VerifyingKey, inputs [][]fr.Element, proofs []Proof) error {
	if len(vk.CommitmentKeys) != 0 || len(vk.PublicAndCommitmentCommitted) != 0 {
		return ErrUnsupported
	}
	if len(inputs) != len(proofs) {
		return ErrProofCount
	}
	for i := range inputs {
		if len(inputs[i]) != len(vk.G1.K)-1 {
			return ErrInputCount
		}
	}
	return nil
}

// findInvalid returns the indices of the proofs that do not verify, counted from offset.
func findInvalid(vk *groth16.VerifyingKey, inputs [][]fr.Element, proofs []Proof, offset int) ([]int, error) {
	if len(proofs) == 0 {
		return nil, nil
	}
	coefficients, err := randomCoefficients(len(proofs))
	if err != nil {
		return nil, err
	}
	valid, err := pairingHolds(vk, inputs, proofs, coefficients)
	if valid || err != nil {
		return nil, err
	}
	if len(proofs) == 1 {
		return []int{offset}, nil
	}
	half := len(proofs) / 2
	left, err := findInvalid(vk, inputs[:half], proofs[:half], offset)
	if err != nil {
		return nil, err
	}
	right, err := findInvalid(vk, inputs[half:], proofs[half:], offset+half)
	return append(left, right...), err
}

// pairingHolds checks the product over i of
// (e(A_i, B_i) / (e(alpha, beta) e(IC(inputs_i), gamma) e(C_i, delta)))^coefficient_i = 1.
func pairingHolds(vk *groth16.VerifyingKey, inputs [][]fr.Element, proofs []Proof, coefficients []fr.Element) (bool, error) {
	g1 := make([]bn254.G1Affine, 0, len(proofs)+3)
	g2 := make([]bn254.G2Affine, 0, len(proofs)+3)
	outputs := make([]bn254.G1Affine, len(proofs))
	icScalars := make([]fr.Element, len(vk.G1.K)) // icScalars[0] is the sum of the coefficients
	var exponent big.Int
	var term fr.Element
	for i := range proofs {
		var a bn254.G1Affine
		a.ScalarMultiplication(&proofs[i].a, coefficients[i].BigInt(&exponent))
		g1, g2 = append(g1, a), append(g2, proofs[i].b)
		outputs[i] = proofs[i].c
		icScalars[0].Add(&icScalars[0], &coefficients[i])
		for j := range inputs[i] {
			icScalars[j+1].Add(&icScalars[j+1], term.Mul(&inputs[i][j], &coefficients[i]))
		}
	}
	var alpha, ic, c bn254.G1Affine
	alpha.ScalarMultiplication(&vk.G1.Alpha, icScalars[0].BigInt(&exponent))
	if _, err := ic.MultiExp(vk.G1.K, icScalars, ecc.MultiExpConfig{}); err != nil {
		return false, err
	}
	if _, err := c.MultiExp(outputs, coefficients, ecc.MultiExpConfig{}); err != nil {
		return false, err
	}
	for _, pair := range []struct {
		p *bn254.G1Affine
		q *bn254.G2Affine
	}{{&alpha, &vk.G2.Beta}, {&ic, &vk.G2.Gamma}, {&c, &vk.G2.Delta}} {
		pair.p.Neg(pair.p)
		g1, g2 = append(g1, *pair.p), append(g2, *pair.q)
	}
	return bn254.PairingCheck(g1, g2)
}

// randomCoefficients returns n random numbers in [1, 2^128].
func randomCoefficients(n int) ([]fr.Element, error) {
	out := make([]fr.Element, n)
	var b [coefficientBits / 8]byte
	one := fr.One()
	for i := range out {
		if _, err := rand.Read(b[:]); err != nil {
			return nil, err
		}
		out[i].SetBytes(b[:])
		out[i].Add(&out[i], &one)
	}
	return out, nil
}

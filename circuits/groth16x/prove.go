package groth16x

import (
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// Prove makes a proof for a full witness (frontend.NewWitness of an assigned circuit). It fails if the witness does
// not satisfy the constraints, and returns ErrUnsupported for keys with Pedersen commitments.
func Prove(pk *groth16.ProvingKey, r1cs *cs.R1CS, full witness.Witness) (Proof, error) {
	if len(pk.CommitmentKeys) != 0 {
		return Proof{}, ErrUnsupported
	}
	proof, err := groth16.Prove(r1cs, pk, full)
	if err != nil {
		return Proof{}, err
	}
	return Proof{a: proof.Ar, b: proof.Bs, c: proof.Krs}, nil
}

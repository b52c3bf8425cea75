// Package groth16x encodes, makes and checks Groth16 proofs on BN254 in the form that the contracts take.
//
// A [Proof] in memory always consists of points of the right subgroups other than infinity: the only ways to one
// are [Prove] and [ParseProof]. Proofs re-randomise, so never use their bytes as an identifier.
package groth16x

import (
	"errors"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// ProofSize is the size of an encoded proof in bytes: A.x, A.y, B.x1, B.x0, B.y1, B.y0, C.x, C.y as 32-byte words,
// big endian, where 1 marks the coefficient of the imaginary unit: the order of EIP-197.
const ProofSize = 8 * fp.Bytes

// Reasons to refuse a proof or an input.
var (
	ErrLength      = errors.New("groth16x: a proof has 256 bytes")
	ErrCoordinate  = errors.New("groth16x: coordinate is not below the field's modulus")
	ErrInfinity    = errors.New("groth16x: point at infinity")
	ErrNotOnCurve  = errors.New("groth16x: point is not on the curve")
	ErrSubgroup    = errors.New("groth16x: B is not in the subgroup")
	ErrInput       = errors.New("groth16x: public input is not 32 bytes below the field's modulus")
	ErrInputCount  = errors.New("groth16x: number of public inputs is not the verifying key's")
	ErrProofCount  = errors.New("groth16x: numbers of proofs and of lists of public inputs differ")
	ErrUnsupported = errors.New("groth16x: keys with Pedersen commitments are not supported")
	ErrInvalid     = errors.New("groth16x: proof does not verify")
)

// Proof is a Groth16 proof. The zero value is not one.
type Proof struct {
	a, c bn254.G1Affine
	b    bn254.G2Affine
}

// ParseProof decodes a proof. It returns ErrLength, ErrCoordinate, ErrInfinity, ErrNotOnCurve or ErrSubgroup.
func ParseProof(encoded []byte) (Proof, error) {
	if len(encoded) != ProofSize {
		return Proof{}, ErrLength
	}
	var p Proof
	for i, coordinate := range p.coordinates() {
		if coordinate.SetBytesCanonical(encoded[i*fp.Bytes:(i+1)*fp.Bytes]) != nil {
			return Proof{}, ErrCoordinate
		}
	}
	switch {
	case p.a.IsInfinity() || p.b.IsInfinity() || p.c.IsInfinity():
		return Proof{}, ErrInfinity
	case !p.a.IsOnCurve() || !p.b.IsOnCurve() || !p.c.IsOnCurve(): // all of G1's curve is the subgroup
		return Proof{}, ErrNotOnCurve
	case !p.b.IsInSubGroup():
		return Proof{}, ErrSubgroup
	}
	return p, nil
}

// Bytes encodes the proof.
func (p Proof) Bytes() (encoded [ProofSize]byte) {
	for i, coordinate := range p.coordinates() {
		fp.BigEndian.PutElement((*[fp.Bytes]byte)(encoded[i*fp.Bytes:]), *coordinate)
	}
	return encoded
}

func (p *Proof) coordinates() [8]*fp.Element {
	return [8]*fp.Element{&p.a.X, &p.a.Y, &p.b.X.A1, &p.b.X.A0, &p.b.Y.A1, &p.b.Y.A0, &p.c.X, &p.c.Y}
}

// ParseInput decodes a public input: 32 bytes, big endian. It returns ErrInput for another length and for a number
// that is not below the field's modulus: n and n + p must not both stand for one input.
func ParseInput(encoded []byte) (fr.Element, error) {
	var e fr.Element
	if len(encoded) != fr.Bytes || e.SetBytesCanonical(encoded) != nil {
		return fr.Element{}, ErrInput
	}
	return e, nil
}

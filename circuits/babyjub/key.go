// Package babyjub signs field elements with EdDSA on Baby Jubjub, in the twisted Edwards form with a = -1 over the
// scalar field of BN254 that gnark-crypto uses (ecc/bn254/twistededwards: same base point, subgroup order l, and
// cofactor 8).
//
// A key derives from a 32-byte seed s: the secret scalar is SHA-512("sotto/eddsa/key" || s) modulo l, and the nonce
// of a signature of h is SHA-512("sotto/eddsa/nonce" || s || h as 32 bytes) modulo l, digests and h big endian. So
// signing needs no randomness and never uses a nonce for two messages.
//
// Every encoding is strict: a value has one encoding, and a parser refuses all others. Arithmetic on secrets is
// not constant-time: sign only where nobody else can time it.
package babyjub

import (
	"crypto/sha512"
	"errors"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
)

// Sizes of encodings in bytes. Numbers are big endian.
const (
	SeedSize      = 32
	PublicKeySize = 64 // x, y
	SignatureSize = 96 // R.x, R.y, S
)

// Reasons to refuse an encoding or a signature.
var (
	ErrLength        = errors.New("babyjub: wrong length of encoding")
	ErrCoordinate    = errors.New("babyjub: coordinate is not below the field's modulus")
	ErrNotOnCurve    = errors.New("babyjub: point is not on the curve")
	ErrIdentity      = errors.New("babyjub: public key is the identity")
	ErrNotInSubgroup = errors.New("babyjub: public key is not in the prime-order subgroup")
	ErrScalar        = errors.New("babyjub: S is not below the order of the subgroup")
	ErrSignature     = errors.New("babyjub: signature does not verify")
)

const (
	prefixScalar = "sotto/eddsa/key"
	prefixNonce  = "sotto/eddsa/nonce"
)

var curve = twistededwards.GetEdwardsCurve()

// PrivateKey signs. Make one with NewPrivateKey.
type PrivateKey struct {
	seed   [SeedSize]byte
	scalar *big.Int
	public PublicKey
}

// PublicKey is a point of the prime-order subgroup other than the identity. The zero value is not a key.
type PublicKey struct{ point twistededwards.PointAffine }

// NewPrivateKey derives the key of a seed. A scalar of 0 has probability 2^-251 and is reported as ErrIdentity.
func NewPrivateKey(seed [SeedSize]byte) (PrivateKey, error) {
	k := PrivateKey{seed: seed, scalar: hashToScalar([]byte(prefixScalar), seed[:])}
	if k.scalar.Sign() == 0 {
		return PrivateKey{}, ErrIdentity
	}
	k.public.point.ScalarMultiplicationBase(k.scalar)
	return k, nil
}

// Public returns the public key.
func (k PrivateKey) Public() PublicKey { return k.public }

// ParsePublicKey decodes x || y. It returns ErrLength, ErrCoordinate, ErrNotOnCurve, ErrIdentity or
// ErrNotInSubgroup.
func ParsePublicKey(b []byte) (PublicKey, error) {
	if len(b) != PublicKeySize {
		return PublicKey{}, ErrLength
	}
	p, err := parsePoint(b)
	switch {
	case err != nil:
		return PublicKey{}, err
	case p.IsZero():
		return PublicKey{}, ErrIdentity
	case !p.IsInSubGroup():
		return PublicKey{}, ErrNotInSubgroup
	}
	return PublicKey{point: p}, nil
}

// Bytes encodes the key as x || y.
func (k PublicKey) Bytes() [PublicKeySize]byte { return [PublicKeySize]byte(pointBytes(&k.point)) }

// X returns the first coordinate.
func (k PublicKey) X() fr.Element { return k.point.X }

// Y returns the second coordinate.
func (k PublicKey) Y() fr.Element { return k.point.Y }

func parsePoint(b []byte) (p twistededwards.PointAffine, err error) {
	if p.X.SetBytesCanonical(b[:fr.Bytes]) != nil || p.Y.SetBytesCanonical(b[fr.Bytes:]) != nil {
		return p, ErrCoordinate
	}
	if !p.IsOnCurve() {
		return p, ErrNotOnCurve
	}
	return p, nil
}

func pointBytes(p *twistededwards.PointAffine) []byte {
	x, y := p.X.Bytes(), p.Y.Bytes()
	return append(x[:], y[:]...)
}

func hashToScalar(parts ...[]byte) *big.Int {
	digest := sha512.New()
	for _, part := range parts {
		digest.Write(part)
	}
	v := new(big.Int).SetBytes(digest.Sum(nil))
	return v.Mod(v, &curve.Order)
}

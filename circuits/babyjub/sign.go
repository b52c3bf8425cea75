package babyjub

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"sotto/circuits/hash"
)

// Signature is a pair (R, S) of a point on the curve and a scalar below the order of the subgroup.
type Signature struct {
	r twistededwards.PointAffine
	s big.Int
}

// Sign signs a field element: the same h always gives the same signature.
func (k PrivateKey) Sign(h fr.Element) Signature {
	message := h.Bytes()
	nonce := hashToScalar([]byte(prefixNonce), k.seed[:], message[:])

	var sig Signature
	sig.r.ScalarMultiplicationBase(nonce)
	sig.s.Mul(challenge(&sig.r, &k.public.point, h), k.scalar)
	sig.s.Add(&sig.s, nonce).Mod(&sig.s, &curve.Order)
	return sig
}

// Verify returns ErrSignature unless 8 S B = 8 (R + k A), with k = Sum(SIGNATURE, R.x, R.y, A.x, A.y, h) taken as
// an integer below p. The cofactor makes the result the same for single, batched and in-circuit verification.
func (k PublicKey) Verify(h fr.Element, sig Signature) error {
	var left, right twistededwards.PointAffine
	left.ScalarMultiplicationBase(&sig.s)
	right.ScalarMultiplication(&k.point, challenge(&sig.r, &k.point, h))
	right.Add(&right, &sig.r)
	right.Neg(&right)
	left.Add(&left, &right)
	for range 3 {
		left.Double(&left)
	}
	if !left.IsZero() {
		return ErrSignature
	}
	return nil
}

// VerifyBytes parses the key and the signature strictly and verifies. It returns the errors of ParsePublicKey,
// ParseSignature and Verify.
func VerifyBytes(publicKey []byte, h fr.Element, signature []byte) error {
	key, err := ParsePublicKey(publicKey)
	if err != nil {
		return err
	}
	sig, err := ParseSignature(signature)
	if err != nil {
		return err
	}
	return key.Verify(h, sig)
}

// ParseSignature decodes R.x || R.y || S. It returns ErrLength, ErrCoordinate, ErrNotOnCurve or ErrScalar.
func ParseSignature(b []byte) (Signature, error) {
	if len(b) != SignatureSize {
		return Signature{}, ErrLength
	}
	r, err := parsePoint(b[:PublicKeySize])
	if err != nil {
		return Signature{}, err
	}
	sig := Signature{r: r}
	if sig.s.SetBytes(b[PublicKeySize:]).Cmp(&curve.Order) >= 0 {
		return Signature{}, ErrScalar
	}
	return sig, nil
}

// Bytes encodes the signature as R.x || R.y || S.
func (sig Signature) Bytes() (b [SignatureSize]byte) {
	copy(b[:], pointBytes(&sig.r))
	sig.s.FillBytes(b[PublicKeySize:])
	return b
}

// RX returns the first coordinate of R.
func (sig Signature) RX() fr.Element { return sig.r.X }

// RY returns the second coordinate of R.
func (sig Signature) RY() fr.Element { return sig.r.Y }

// S returns a copy of the scalar.
func (sig Signature) S() *big.Int { return new(big.Int).Set(&sig.s) }

func challenge(r, a *twistededwards.PointAffine, h fr.Element) *big.Int {
	k := hash.Sum(hash.SIGNATURE, r.X, r.Y, a.X, a.Y, h)
	return k.BigInt(new(big.Int))
}

package transfertest

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"sotto/circuits/hash"
	"sotto/circuits/transfer"
)

var edwards = twistededwards.GetEdwardsCurve()

// Forger signs with a key of its own, free to deviate from the scheme.
type Forger struct {
	scalar *big.Int
	point  twistededwards.PointAffine
	// Shift is added to S, Accept chooses among the signatures.
	Shift  *big.Int
	Accept func(challenge, s *big.Int) bool
	// Answer is the challenge that is answered instead of the one that is due.
	Answer func(challenge *big.Int) *big.Int
}

// NewForger returns a forger with a known scalar.
func NewForger(scalar int64) Forger {
	f := Forger{scalar: big.NewInt(scalar), Shift: new(big.Int)}
	f.point.ScalarMultiplicationBase(f.scalar)
	return f
}

// Point implements Signer.
func (f Forger) Point() transfer.Point { return transfer.Point{X: f.point.X, Y: f.point.Y} }

// Sign implements Signer.
func (f Forger) Sign(h fr.Element) (sig transfer.Signature) {
	for nonce := big.NewInt(1); ; nonce.Add(nonce, big.NewInt(1)) {
		var r twistededwards.PointAffine
		r.ScalarMultiplicationBase(nonce)
		digest := hash.Sum(hash.SIGNATURE, r.X, r.Y, f.point.X, f.point.Y, h)
		challenge := digest.BigInt(new(big.Int))
		k := challenge
		if f.Answer != nil {
			k = f.Answer(challenge)
		}
		s := new(big.Int).Mul(k, f.scalar)
		s.Add(s, nonce).Mod(s, &edwards.Order)
		if f.Accept != nil && !f.Accept(challenge, s) {
			continue
		}
		sig.R = transfer.Point{X: r.X, Y: r.Y}
		sig.S.SetBigInt(s.Add(s, f.Shift))
		return sig
	}
}

// WithLargerS answers with S + l, which satisfies the equation and still has the 251 bits of a scalar.
func WithLargerS() Forger {
	f := NewForger(777)
	f.Shift = &edwards.Order
	f.Accept = func(_, s *big.Int) bool { return new(big.Int).Add(s, &edwards.Order).BitLen() <= 251 }
	return f
}

// OfOrderTwo has the public key (0, -1).
func OfOrderTwo() Forger {
	f := NewForger(0)
	f.point.Y.Neg(&f.point.Y)
	return f
}

// Mirrored has the public key (x, -y) or (-x, y) of another key: it knows its scalar up to a point of order two.
func Mirrored(f Forger, flipX bool) Forger {
	out := f
	if flipX {
		out.point.X.Neg(&out.point.X)
	} else {
		out.point.Y.Neg(&out.point.Y)
	}
	out.scalar = new(big.Int).Sub(&edwards.Order, f.scalar)
	return out
}

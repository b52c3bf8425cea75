package babyjub

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
)

func testKey(t *testing.T, b byte) PrivateKey {
	t.Helper()
	k, err := NewPrivateKey([SeedSize]byte{0: b, 31: 1})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func element(v int64) (e fr.Element) {
	e.SetInt64(v)
	return e
}

// torsion returns a point of order 8.
func torsion(t *testing.T) twistededwards.PointAffine {
	t.Helper()
	var y, one fr.Element
	one.SetOne()
	for v := int64(2); ; v++ {
		y = element(v)
		var num, den fr.Element
		num.Square(&y)
		den.Mul(&num, &curve.D).Add(&den, &one) // -x^2 + y^2 = 1 + d x^2 y^2
		num.Sub(&num, &one).Div(&num, &den)
		p := twistededwards.PointAffine{Y: y}
		if p.X.Sqrt(&num) == nil {
			continue
		}
		p.ScalarMultiplication(&p, &curve.Order)
		q := p
		q.Double(&q)
		q.Double(&q)
		if !q.IsZero() {
			return p
		}
	}
}

func TestCurveIsComplete(t *testing.T) {
	minusOne := element(-1)
	if !curve.A.Equal(&minusOne) || curve.A.Legendre() != 1 || curve.D.Legendre() != -1 {
		t.Fatal("the addition law is complete only for a square a and a non-square d")
	}
	var p twistededwards.PointAffine
	if p.ScalarMultiplication(&curve.Base, &curve.Order); !p.IsZero() || curve.Base.IsZero() {
		t.Fatal("the base point does not have the order of the subgroup")
	}
}

func TestSignAndVerify(t *testing.T) {
	key, other := testKey(t, 1), testKey(t, 2)
	public, otherPublic := key.Public().Bytes(), other.Public().Bytes()
	for _, h := range []fr.Element{element(0), element(1), element(-1), element(1 << 40)} {
		sig := key.Sign(h).Bytes()
		if again := key.Sign(h).Bytes(); again != sig {
			t.Fatal("signing is not deterministic")
		}
		if err := VerifyBytes(public[:], h, sig[:]); err != nil {
			t.Fatal(err)
		}
		var next fr.Element
		one := element(1)
		next.Add(&h, &one)
		if err := VerifyBytes(public[:], next, sig[:]); !errors.Is(err, ErrSignature) {
			t.Fatalf("another message: %v", err)
		}
		if err := VerifyBytes(otherPublic[:], h, sig[:]); !errors.Is(err, ErrSignature) {
			t.Fatalf("another key: %v", err)
		}
		changed := sig
		changed[SignatureSize-1] ^= 1
		if err := VerifyBytes(public[:], h, changed[:]); !errors.Is(err, ErrSignature) {
			t.Fatalf("another S: %v", err)
		}
	}
}

// A signer may add torsion to R; every verifier must agree on what that means.
func TestVerifyIsCofactored(t *testing.T) {
	key, h := testKey(t, 1), element(5)
	sig := key.Sign(h)
	respond := func() *big.Int { return new(big.Int).Mul(challenge(&sig.r, &key.public.point, h), key.scalar) }
	nonce := new(big.Int).Sub(&sig.s, respond())
	t8 := torsion(t)
	sig.r.Add(&sig.r, &t8)
	sig.s.Add(nonce, respond()).Mod(&sig.s, &curve.Order)
	if err := key.Public().Verify(h, sig); err != nil {
		t.Fatal(err)
	}
}

func TestSignatureEncodingIsStrict(t *testing.T) {
	key, h := testKey(t, 1), element(5)
	good := key.Sign(h)
	goodBytes := good.Bytes()
	public := key.Public().Bytes()
	encode := func(x, y, s *big.Int) []byte {
		b := make([]byte, SignatureSize)
		x.FillBytes(b[:32])
		y.FillBytes(b[32:64])
		s.FillBytes(b[64:])
		return b
	}
	x, y, s := good.r.X.BigInt(new(big.Int)), good.r.Y.BigInt(new(big.Int)), good.S()
	plus := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
	cases := []struct {
		name string
		b    []byte
		want error
	}{
		{"short", goodBytes[:95], ErrLength},
		{"long", append(goodBytes[:], 0), ErrLength},
		{"x + p", encode(plus(x, fr.Modulus()), y, s), ErrCoordinate},
		{"y + p", encode(x, plus(y, fr.Modulus()), s), ErrCoordinate},
		{"off curve", encode(x, plus(y, big.NewInt(1)), s), ErrNotOnCurve},
		{"S + l", encode(x, y, plus(s, &curve.Order)), ErrScalar},
		{"S = l", encode(x, y, &curve.Order), ErrScalar},
	}
	for _, c := range cases {
		if err := VerifyBytes(public[:], h, c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if parsed, err := ParseSignature(goodBytes[:]); err != nil || parsed.Bytes() != goodBytes {
		t.Errorf("no round trip: %v", err)
	}
}

func TestPublicKeyEncodingIsStrict(t *testing.T) {
	public := testKey(t, 1).Public()
	t8 := torsion(t)
	mixed := public.point
	mixed.Add(&mixed, &t8)
	encoded := public.Bytes()
	var shifted [PublicKeySize]byte
	copy(shifted[:], encoded[:])
	new(big.Int).Add(new(big.Int).SetBytes(encoded[:32]), fr.Modulus()).FillBytes(shifted[:32])
	off := encoded
	off[63] ^= 1
	identity := append(make([]byte, 63), 1)
	cases := []struct {
		name string
		b    []byte
		want error
	}{
		{"valid", encoded[:], nil},
		{"short", encoded[:63], ErrLength},
		{"x + p", shifted[:], ErrCoordinate},
		{"off curve", off[:], ErrNotOnCurve},
		{"identity", identity, ErrIdentity},
		{"mixed order", pointBytes(&mixed), ErrNotInSubgroup},
	}
	var small twistededwards.PointAffine
	small.Set(&t8)
	for range 7 {
		cases = append(cases, struct {
			name string
			b    []byte
			want error
		}{"small order", pointBytes(&small), ErrNotInSubgroup})
		small.Add(&small, &t8)
	}
	for _, c := range cases {
		if _, err := ParsePublicKey(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// The executable specification (offchain/sotto/protocol/babyjub.py) made these values.
func TestVectors(t *testing.T) {
	key, err := NewPrivateKey([SeedSize]byte(bytes.Repeat([]byte{7}, SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	public, sig := key.Public().Bytes(), key.Sign(element(42)).Bytes()
	for _, v := range []struct{ name, got, want string }{
		{"public key", hex.EncodeToString(public[:]), "" +
			"1a96ca45540e4894d0e1e977bef548ee2c12aff03c8a01b81450093d7809258d" +
			"05d7b9cd307b7ab24ff8e3c77a0bbc9c82aaa2d4f082aae948e638222b785c1b"},
		{"signature", hex.EncodeToString(sig[:]), "" +
			"05bf2fa85e70158d813374bd2c8603aeadacbf7248a5c713ddad2231de70e75e" +
			"17ad8dc11206cdff740aba083fed32523dde9eba7433ee9e871e7a71cec75243" +
			"04f38cb47212321a0b5ac4a36bbebe4e94d5a7d8ba127d730786c3476e85c961"},
	} {
		if v.got != v.want {
			t.Errorf("%s: %s, want %s", v.name, v.got, v.want)
		}
	}
}

package note

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"golang.org/x/crypto/chacha20poly1305"
)

// The points of low order of RFC 7748's curve and its twist, with their non-canonical encodings (cr.yp.to/ecdh.html).
var lowOrder = [][KeySize]byte{
	{},
	{1},
	{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
		0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
	{0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
		0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
	edge(0xec), edge(0xed), edge(0xee),
}

func edge(first byte) (k [KeySize]byte) {
	for i := range k {
		k[i] = 0xff
	}
	k[0], k[KeySize-1] = first, 0x7f
	return k
}

func secret(seed byte) (k [KeySize]byte) {
	return sha256.Sum256([]byte{seed})
}

func viewing(t testing.TB, seed byte) *ViewingKey {
	t.Helper()
	return NewViewingKey(secret(seed))
}

var sample = Plaintext{
	Value:     [ValueSize]byte{0: 0xff, 14: 7},
	Asset:     1<<63 + 5,
	Reference: [ReferenceSize]byte{1, 2, 3, 19: 9},
}

func encrypt(t testing.TB, esk byte, recipient [KeySize]byte) ([CiphertextSize]byte, fr.Element) {
	t.Helper()
	c, r, err := Encrypt(secret(esk), recipient, sample)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

func TestBothSidesOpen(t *testing.T) {
	alice := viewing(t, 1)
	c, r := encrypt(t, 2, alice.Public())
	want := Opened{Plaintext: sample, R: r}
	if got, ok := alice.Open(&c); !ok || got != want {
		t.Fatalf("recipient: %v %v", got, ok)
	}
	if got, ok := OpenSent(secret(2), alice.Public(), &c); !ok || got != want {
		t.Fatalf("sender: %v %v", got, ok)
	}
	if _, ok := viewing(t, 3).Open(&c); ok {
		t.Fatal("another key opened it")
	}
	if _, ok := OpenSent(secret(3), alice.Public(), &c); ok {
		t.Fatal("another ephemeral secret opened it")
	}
	if _, ok := OpenSent(secret(2), viewing(t, 3).Public(), &c); ok {
		t.Fatal("another recipient opened it")
	}
}

// The format once more, with the library's HKDF instead of the one on arrays.
func TestCiphertextIsTheSpecifiedOne(t *testing.T) {
	alice := viewing(t, 1)
	got, r := encrypt(t, 2, alice.Public())

	esk := secret(2)
	private, _ := ecdh.X25519().NewPrivateKey(esk[:])
	public := alice.Public()
	peer, _ := ecdh.X25519().NewPublicKey(public[:])
	shared, _ := private.ECDH(peer)
	epk := private.PublicKey().Bytes()
	okm, err := hkdf.Key(sha256.New, shared, append(bytes.Clone(epk), public[:]...), "sotto/note/v1", 128)
	if err != nil {
		t.Fatal(err)
	}
	aead, _ := chacha20poly1305.New(okm[32:64])
	content := append(bytes.Clone(sample.Value[:]), 0x80, 0, 0, 0, 0, 0, 0, 5)
	content = append(content, sample.Reference[:]...)
	want := append(bytes.Clone(epk), okm[:2]...)
	want = aead.Seal(want, make([]byte, 12), content, nil)
	if !bytes.Equal(got[:], want) {
		t.Fatalf("%x, want %x", got, want)
	}
	var wantR fr.Element
	wantR.SetBytes(okm[64:128])
	if !r.Equal(&wantR) {
		t.Fatal("r differs")
	}
}

func TestEveryChangedBitIsRefused(t *testing.T) {
	alice := viewing(t, 1)
	c, _ := encrypt(t, 2, alice.Public())
	for bit := range 8 * CiphertextSize {
		changed := c
		changed[bit/8] ^= 1 << (bit % 8)
		if _, ok := alice.Open(&changed); ok {
			t.Fatalf("opened with bit %d changed", bit)
		}
		if _, ok := OpenSent(secret(2), alice.Public(), &changed); ok {
			t.Fatalf("sender opened with bit %d changed", bit)
		}
	}
}

func TestLowOrderKeysAreRefused(t *testing.T) {
	alice := viewing(t, 1)
	c, _ := encrypt(t, 2, alice.Public())
	for _, point := range lowOrder {
		if _, _, err := Encrypt(secret(2), point, sample); err != ErrLowOrder {
			t.Errorf("encrypting to %x: %v", point, err)
		}
		hostile := c
		copy(hostile[:], point[:])
		if _, ok := alice.Open(&hostile); ok {
			t.Errorf("opened with ephemeral key %x", point)
		}
		if _, ok := OpenSent(secret(2), point, &c); ok {
			t.Errorf("sender opened for recipient %x", point)
		}
	}
}

// list returns n ciphertexts of which every tenth is for alice, and the rest random bytes.
func list(t testing.TB, alice *ViewingKey, n int) []byte {
	random := rand.NewChaCha8(secret(200))
	out := make([]byte, n*CiphertextSize)
	_, _ = random.Read(out)
	for i := 0; i < n; i += 10 {
		var esk [KeySize]byte
		_, _ = random.Read(esk[:])
		c, _, err := Encrypt(esk, alice.Public(), sample)
		if err != nil {
			t.Fatal(err)
		}
		copy(out[i*CiphertextSize:], c[:])
	}
	return out
}

func TestScanFindsAllInOrder(t *testing.T) {
	alice := viewing(t, 1)
	for _, n := range []int{0, 1, 11, 1300} {
		ciphertexts := list(t, alice, n)
		for _, threads := range []int{0, 1, 3} {
			found, err := alice.Scan(ciphertexts, threads)
			if err != nil || len(found) != (n+9)/10 {
				t.Fatalf("%d ciphertexts: found %d, %v", n, len(found), err)
			}
			for i, f := range found {
				if f.Index != 10*i || f.Plaintext != sample {
					t.Fatalf("result %d: %+v", i, f)
				}
			}
		}
	}
}

func TestScanRefusesTornList(t *testing.T) {
	if _, err := viewing(t, 1).Scan(make([]byte, CiphertextSize+1), 0); err != ErrLength {
		t.Fatal(err)
	}
}

func TestScanningOthersNotesAllocatesNothing(t *testing.T) {
	alice, bob := viewing(t, 1), viewing(t, 2)
	c, _ := encrypt(t, 3, bob.Public())
	if n := testing.AllocsPerRun(100, func() { alice.Open(&c) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// The standard library as oracle: it agrees on every key, of the curve or its twist, canonical or not.
func TestAgreementIsThatOfTheStandardLibrary(t *testing.T) {
	random := rand.NewChaCha8(secret(201))
	peers := append([][KeySize]byte{}, lowOrder...)
	for i := range 32 {
		peers = append(peers, edge(byte(0xe0+i))) // around p, and up to 2^255 - 1
		high := edge(byte(0xe0 + i))
		high[KeySize-1] = 0xff // the bit that RFC 7748 ignores
		peers = append(peers, high)
	}
	for range 500 {
		var peer [KeySize]byte
		_, _ = random.Read(peer[:])
		peers = append(peers, peer)
	}
	for i, peer := range peers {
		own := secret(byte(i))
		private, err := ecdh.X25519().NewPrivateKey(own[:])
		if err != nil {
			t.Fatal(err)
		}
		public, err := ecdh.X25519().NewPublicKey(peer[:])
		if err != nil {
			t.Fatal(err)
		}
		want, refused := private.ECDH(public)
		got, ok := agree(&own, &peer)
		if ok != (refused == nil) || ok && !bytes.Equal(got[:], want) {
			t.Fatalf("peer %x: %x %v, want %x %v", peer, got, ok, want, refused)
		}
		if k := NewViewingKey(own).Public(); !bytes.Equal(k[:], private.PublicKey().Bytes()) {
			t.Fatalf("public key of %x: %x", own, k)
		}
	}
}

func FuzzOpen(f *testing.F) {
	alice := viewing(f, 1)
	c, _ := encrypt(f, 2, alice.Public())
	f.Add(c[:])
	f.Add(make([]byte, CiphertextSize))
	for _, point := range lowOrder {
		f.Add(append(bytes.Clone(point[:]), c[KeySize:]...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := alice.Scan(b, 1)
		if (err != nil) != (len(b)%CiphertextSize != 0) {
			t.Fatalf("length %d: %v", len(b), err)
		}
		for _, note := range found {
			if !bytes.Equal(b[note.Index*CiphertextSize:][:CiphertextSize], c[:]) {
				t.Fatal("opened a ciphertext that was never made")
			}
		}
	})
}

// The rate that no scanner can exceed, on all cores; compare with BenchmarkScan.
func BenchmarkX25519(b *testing.B) {
	alice := viewing(b, 1)
	b.RunParallel(func(pb *testing.PB) {
		public := viewing(b, 2).Public()
		for pb.Next() {
			agree(&alice.secret, &public)
		}
	})
}

func BenchmarkScan(b *testing.B) {
	alice := viewing(b, 1)
	ciphertexts := make([]byte, b.N*CiphertextSize)
	_, _ = rand.NewChaCha8(secret(202)).Read(ciphertexts)
	b.ResetTimer()
	if _, err := alice.Scan(ciphertexts, 0); err != nil {
		b.Fatal(err)
	}
}

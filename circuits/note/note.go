// Package note encrypts notes for their owners and finds them again, as docs/spec/03-notes-accounts.md lays down.
//
// A ciphertext is 93 bytes: an ephemeral X25519 key, a view tag that spares a scanner all but one short hash for
// other people's notes, and a ChaCha20-Poly1305 box with value, asset and reference. The note's randomness r is derived from
// the same shared secret and never sent. Each ephemeral secret must be used for one note only: it fixes
// the box's key, and two boxes under one key reveal the difference of their contents.
//
// Opening a box proves nothing about the ledger: the MAC binds the contents to the shared secret, and anyone can
// encrypt anything to a known key. A receiver must recompute the commitment and compare it with the one in the tree.
package note

import (
	"crypto/subtle"
	"errors"

	"github.com/cloudflare/circl/dh/x25519"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"golang.org/x/crypto/chacha20poly1305"
)

// Sizes in bytes.
const (
	KeySize        = 32 // an X25519 secret or public key
	ValueSize      = 15
	ReferenceSize  = 20
	TagSize        = 2
	plaintextSize  = ValueSize + 8 + ReferenceSize
	boxSize        = plaintextSize + chacha20poly1305.Overhead
	CiphertextSize = KeySize + TagSize + boxSize
)

// Reasons to refuse an input.
var (
	ErrLowOrder = errors.New("note: key is a point of low order")
	ErrLength   = errors.New("note: ciphertexts are not a whole number of 93-byte pieces")
)

// Plaintext is what a ciphertext carries. Value is big endian, which makes every content of the field valid.
type Plaintext struct {
	Value     [ValueSize]byte
	Asset     uint64
	Reference [ReferenceSize]byte
}

// Opened is the content of a ciphertext together with the randomness of the note's partial commitment.
type Opened struct {
	Plaintext
	R fr.Element
}

// ViewingKey finds and reads the notes sent to one X25519 key.
type ViewingKey struct{ secret, public [KeySize]byte }

// NewViewingKey makes the key of a secret. Every 32 bytes are a secret (RFC 7748 clamps them).
func NewViewingKey(secret [KeySize]byte) *ViewingKey {
	k := &ViewingKey{secret: secret}
	x25519.KeyGen((*x25519.Key)(&k.public), (*x25519.Key)(&k.secret))
	return k
}

// Public returns the X25519 public key, the one that an address carries.
func (k *ViewingKey) Public() [KeySize]byte { return k.public }

// Encrypt makes the ciphertext of a note to the holder of recipient and returns it with the note's r. It returns
// ErrLowOrder for a recipient with which no secret can be shared.
func Encrypt(esk, recipient [KeySize]byte, plain Plaintext) (ciphertext [CiphertextSize]byte, r fr.Element, err error) {
	ephemeral := NewViewingKey(esk)
	shared, ok := agree(&esk, &recipient)
	if !ok {
		return ciphertext, r, ErrLowOrder
	}
	keys := newKeySchedule(&shared, &ephemeral.public, &recipient)
	first := keys.first()
	key, r := keys.rest(&first)

	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		return ciphertext, r, err
	}
	content, nonce := plain.bytes(), [chacha20poly1305.NonceSize]byte{}
	out := append(ciphertext[:0], ephemeral.public[:]...)
	out = append(out, first[:TagSize]...)
	aead.Seal(out, nonce[:], content[:], nil)
	return ciphertext, r, nil
}

// Open reads a ciphertext sent to this key; ok is false for every other one, however it was made.
func (k *ViewingKey) Open(ciphertext *[CiphertextSize]byte) (opened Opened, ok bool) {
	return open(&k.secret, (*[KeySize]byte)(ciphertext[:]), &k.public, ciphertext)
}

// OpenSent reads a ciphertext that was made with esk for recipient; ok is false for every other one.
func OpenSent(esk, recipient [KeySize]byte, ciphertext *[CiphertextSize]byte) (opened Opened, ok bool) {
	ephemeral := NewViewingKey(esk)
	if subtle.ConstantTimeCompare(ephemeral.public[:], ciphertext[:KeySize]) != 1 {
		return Opened{}, false
	}
	return open(&esk, &recipient, &recipient, ciphertext)
}

// open derives the shared secret of own and peer, which are the ephemeral and the recipient's key in either order.
func open(own, peer, recipient *[KeySize]byte, ciphertext *[CiphertextSize]byte) (Opened, bool) {
	shared, ok := agree(own, peer)
	if !ok {
		return Opened{}, false
	}
	keys := newKeySchedule(&shared, (*[KeySize]byte)(ciphertext[:KeySize]), recipient)
	first := keys.first()
	if first[0] != ciphertext[KeySize] || first[1] != ciphertext[KeySize+1] {
		return Opened{}, false
	}
	key, r := keys.rest(&first)
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		return Opened{}, false
	}
	var nonce [chacha20poly1305.NonceSize]byte
	content, err := aead.Open(make([]byte, 0, plaintextSize), nonce[:], ciphertext[KeySize+TagSize:], nil)
	if err != nil {
		return Opened{}, false
	}
	return Opened{Plaintext: parsePlaintext((*[plaintextSize]byte)(content)), R: r}, true
}

// agree returns the X25519 shared secret, or false when it is all zero: then the peer's key has low order, and anyone
// could compute the secret. Every peer's key takes the same time.
func agree(secret, peer *[KeySize]byte) (shared [KeySize]byte, ok bool) {
	ok = x25519.Shared((*x25519.Key)(&shared), (*x25519.Key)(secret), (*x25519.Key)(peer))
	return shared, ok
}

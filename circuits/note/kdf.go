package note

import (
	"crypto/sha256"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

const kdfInfo = "sotto/note/v1"

// keySchedule is HKDF-SHA-256 (RFC 5869) after its extract step, with salt epk || recipient. It is written on
// arrays because a scanner derives one for each ciphertext of the chain, where crypto/hkdf would feed the collector.
type keySchedule struct{ pseudorandomKey [sha256.Size]byte }

func newKeySchedule(shared, epk, recipient *[KeySize]byte) keySchedule {
	var salt [sha256.BlockSize]byte
	copy(salt[:KeySize], epk[:])
	copy(salt[KeySize:], recipient[:])
	return keySchedule{hmacSHA256(salt[:], shared[:])}
}

// first returns okm[0:32], which begins with the view tag.
func (s *keySchedule) first() [sha256.Size]byte { return s.expand(nil, 1) }

// rest returns the box's key, okm[32:64], and r, which is okm[64:128] modulo p: 512 bits leave no measurable bias.
func (s *keySchedule) rest(first *[sha256.Size]byte) (key [sha256.Size]byte, r fr.Element) {
	key = s.expand(first[:], 2)
	third := s.expand(key[:], 3)
	fourth := s.expand(third[:], 4)
	var wide [2 * sha256.Size]byte
	copy(wide[:sha256.Size], third[:])
	copy(wide[sha256.Size:], fourth[:])
	r.SetBytes(wide[:])
	return key, r
}

func (s *keySchedule) expand(previous []byte, counter byte) [sha256.Size]byte {
	var message [sha256.Size + len(kdfInfo) + 1]byte
	n := copy(message[:], previous)
	n += copy(message[n:], kdfInfo)
	message[n] = counter
	return hmacSHA256(s.pseudorandomKey[:], message[:n+1])
}

// hmacSHA256 is RFC 2104 for keys and messages of at most one block each.
func hmacSHA256(key, message []byte) [sha256.Size]byte {
	const inner, outer = 0x36, 0x5c
	var buffer [2 * sha256.BlockSize]byte
	pad, body := buffer[:sha256.BlockSize], buffer[sha256.BlockSize:]
	copy(pad, key)
	for i := range pad {
		pad[i] ^= inner
	}
	digest := sha256.Sum256(buffer[:sha256.BlockSize+copy(body, message)])
	for i := range pad {
		pad[i] ^= inner ^ outer
	}
	return sha256.Sum256(buffer[:sha256.BlockSize+copy(body, digest[:])])
}

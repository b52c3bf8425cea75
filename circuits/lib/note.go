package main

/*
#include "sotto.h"
*/
import "C"

import (
	"encoding/binary"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/note"
)

const (
	contentSize = note.ValueSize + 8 + note.ReferenceSize
	openedSize  = contentSize + fr.Bytes
	maxThreads  = 1 << 10
)

// Writes the X25519 public key of a 32-byte secret.
//
//export sotto_x25519_public
func sotto_x25519_public(secret *C.uint8_t, secretSize C.size_t, out *C.uint8_t, outSize C.size_t,
	message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		viewing, err := viewingKey(secret, secretSize)
		if err != nil {
			return err
		}
		public := viewing.Public()
		return put("public key", out, outSize, public[:])
	})
}

// Encrypts value (15 bytes) || asset (8) || reference (20) and writes ciphertext (93) || r (32).
//
//export sotto_note_encrypt
func sotto_note_encrypt(esk *C.uint8_t, eskSize C.size_t, recipient *C.uint8_t, recipientSize C.size_t,
	content *C.uint8_t, contentLength C.size_t, out *C.uint8_t, outSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		ephemeral, err := key("ephemeral secret", esk, eskSize)
		if err != nil {
			return err
		}
		to, err := key("recipient key", recipient, recipientSize)
		if err != nil {
			return err
		}
		raw, err := viewExactly("content", content, contentLength, contentSize)
		if err != nil {
			return err
		}
		ciphertext, r, err := note.Encrypt(ephemeral, to, note.Plaintext{
			Value:     [note.ValueSize]byte(raw),
			Asset:     binary.BigEndian.Uint64(raw[note.ValueSize:]),
			Reference: [note.ReferenceSize]byte(raw[note.ValueSize+8:]),
		})
		if err != nil {
			return err
		}
		randomness := r.Bytes()
		return put("ciphertext", out, outSize, append(ciphertext[:], randomness[:]...))
	})
}

// Opens a ciphertext with the recipient's secret and writes value || asset || reference || r (32). SOTTO_NOT_FOUND says
// that it is not for this key.
//
//export sotto_note_open
func sotto_note_open(secret *C.uint8_t, secretSize C.size_t, ciphertext *C.uint8_t, ciphertextSize C.size_t,
	out *C.uint8_t, outSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		viewing, err := viewingKey(secret, secretSize)
		if err != nil {
			return err
		}
		raw, err := viewExactly("ciphertext", ciphertext, ciphertextSize, note.CiphertextSize)
		if err != nil {
			return err
		}
		opened, ok := viewing.Open((*[note.CiphertextSize]byte)(raw))
		if !ok {
			return errNotFound
		}
		return put("note", out, outSize, appendOpened(nil, &opened))
	})
}

// Opens a ciphertext with the ephemeral secret that made it; results as in sotto_note_open.
//
//export sotto_note_open_sent
func sotto_note_open_sent(esk *C.uint8_t, eskSize C.size_t, recipient *C.uint8_t, recipientSize C.size_t,
	ciphertext *C.uint8_t, ciphertextSize C.size_t, out *C.uint8_t, outSize C.size_t,
	message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		ephemeral, err := key("ephemeral secret", esk, eskSize)
		if err != nil {
			return err
		}
		to, err := key("recipient key", recipient, recipientSize)
		if err != nil {
			return err
		}
		raw, err := viewExactly("ciphertext", ciphertext, ciphertextSize, note.CiphertextSize)
		if err != nil {
			return err
		}
		opened, ok := note.OpenSent(ephemeral, to, (*[note.CiphertextSize]byte)(raw))
		if !ok {
			return errNotFound
		}
		return put("note", out, outSize, appendOpened(nil, &opened))
	})
}

// Opens every ciphertext of a list that is for this secret. found receives, for each, its index (8 bytes, big endian) and
// the note as in sotto_note_open. threads = 0 takes all cores.
//
//export sotto_note_scan
func sotto_note_scan(secret *C.uint8_t, secretSize C.size_t, ciphertexts *C.uint8_t, ciphertextsSize C.size_t,
	threads C.uint32_t, found *C.sotto_buffer, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		if threads > maxThreads {
			return malformed("%d threads", uint32(threads))
		}
		viewing, err := viewingKey(secret, secretSize)
		if err != nil {
			return err
		}
		raw, err := view(ciphertexts, ciphertextsSize)
		if err != nil {
			return err
		}
		notes, err := viewing.Scan(raw, int(threads))
		if err != nil {
			return err
		}
		records := make([]byte, 0, len(notes)*(8+openedSize))
		for i := range notes {
			records = binary.BigEndian.AppendUint64(records, uint64(notes[i].Index))
			records = appendOpened(records, &notes[i].Opened)
		}
		give(found, records)
		return nil
	})
}

func viewingKey(secret *C.uint8_t, size C.size_t) (*note.ViewingKey, error) {
	s, err := key("viewing secret", secret, size)
	if err != nil {
		return nil, err
	}
	return note.NewViewingKey(s), nil
}

func appendOpened(b []byte, opened *note.Opened) []byte {
	b = append(b, opened.Value[:]...)
	b = binary.BigEndian.AppendUint64(b, opened.Asset)
	b = append(b, opened.Reference[:]...)
	r := opened.R.Bytes()
	return append(b, r[:]...)
}

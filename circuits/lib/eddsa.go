package main

/*
#include "sotto.h"
*/
import "C"

import (
	"errors"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/babyjub"
)

// Writes the public key x || y of a 32-byte seed.
//
//export sotto_eddsa_public_key
func sotto_eddsa_public_key(seed *C.uint8_t, seedSize C.size_t, out *C.uint8_t, outSize C.size_t,
	message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		private, err := signingKey(seed, seedSize)
		if err != nil {
			return err
		}
		public := private.Public().Bytes()
		return put("public key", out, outSize, public[:])
	})
}

// Writes the signature R.x || R.y || S of one field element.
//
//export sotto_eddsa_sign
func sotto_eddsa_sign(seed *C.uint8_t, seedSize C.size_t, h *C.uint8_t, hSize C.size_t, out *C.uint8_t,
	outSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		private, err := signingKey(seed, seedSize)
		if err != nil {
			return err
		}
		signed, err := element("message", h, hSize)
		if err != nil {
			return err
		}
		signature := private.Sign(signed).Bytes()
		return put("signature", out, outSize, signature[:])
	})
}

// Returns SOTTO_OK for a valid signature and SOTTO_NOT_FOUND for a well-formed one that does not verify.
//
//export sotto_eddsa_verify
func sotto_eddsa_verify(public *C.uint8_t, publicSize C.size_t, h *C.uint8_t, hSize C.size_t, signature *C.uint8_t,
	signatureSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		publicKey, err := view(public, publicSize)
		if err != nil {
			return err
		}
		signed, err := element("message", h, hSize)
		if err != nil {
			return err
		}
		raw, err := view(signature, signatureSize)
		if err != nil {
			return err
		}
		err = babyjub.VerifyBytes(publicKey, signed, raw)
		if errors.Is(err, babyjub.ErrSignature) {
			return errNotFound
		}
		return err
	})
}

func signingKey(seed *C.uint8_t, size C.size_t) (babyjub.PrivateKey, error) {
	s, err := key("seed", seed, size)
	if err != nil {
		return babyjub.PrivateKey{}, err
	}
	return babyjub.NewPrivateKey(s)
}

func element(what string, data *C.uint8_t, size C.size_t) (e fr.Element, err error) {
	raw, err := viewExactly(what, data, size, fr.Bytes)
	if err != nil {
		return e, err
	}
	if e.SetBytesCanonical(raw) != nil {
		return e, malformed("%s is not below the modulus", what)
	}
	return e, nil
}

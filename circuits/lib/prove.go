package main

/*
#include "sotto.h"
*/
import "C"

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/logger"

	"sotto/circuits/catalog"
	"sotto/circuits/groth16x"
	"sotto/circuits/setup"
)

// The largest honest witness, 16 lanes, has some 400 kB.
const maxWitnessSize = 1 << 24

var provers = map[string]*catalog.Prover{}

func init() {
	logger.Disable() // gnark logs to standard output, which belongs to the host program
	for _, circuit := range catalog.All() {
		provers[circuit.Name] = catalog.NewProver(circuit)
	}
}

// Loads the keys of a circuit from the cache, or makes them, and writes circuit hash (32) || phase 1 id (32) ||
// constraints (8, big endian) || public inputs (8). A circuit's keys stay in memory from the first call on.
//
//export sotto_keys_prepare
func sotto_keys_prepare(circuit *C.uint8_t, circuitSize C.size_t, out *C.uint8_t, outSize C.size_t,
	message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		prover, err := proverOf(circuit, circuitSize)
		if err != nil {
			return err
		}
		keys, err := prover.Keys()
		if err != nil {
			return err
		}
		return put("key information", out, outSize, describe(keys))
	})
}

// Loads the verifying key of a circuit from the cache, or makes all its keys, and writes circuit hash (32) || phase 1
// id (32). It needs little memory, unlike the keys that prove.
//
//export sotto_verifying_key_prepare
func sotto_verifying_key_prepare(circuit *C.uint8_t, circuitSize C.size_t, out *C.uint8_t, outSize C.size_t,
	message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		prover, err := proverOf(circuit, circuitSize)
		if err != nil {
			return err
		}
		keys, err := prover.Verifying()
		if err != nil {
			return err
		}
		return put("key information", out, outSize, slices.Concat(keys.CircuitHash[:], keys.Phase1ID[:]))
	})
}

func describe(keys *setup.Keys) []byte {
	info := slices.Concat(keys.CircuitHash[:], keys.Phase1ID[:])
	info = binary.BigEndian.AppendUint64(info, uint64(keys.R1CS.GetNbConstraints()))
	return binary.BigEndian.AppendUint64(info, uint64(len(keys.Verifying.G1.K)-1))
}

// Solves a circuit for a witness file, without keys; public receives the public inputs.
//
//export sotto_check_witness
func sotto_check_witness(circuit *C.uint8_t, circuitSize C.size_t, witness *C.uint8_t, witnessSize C.size_t,
	public *C.sotto_buffer, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		prover, file, err := proverAndWitness(circuit, circuitSize, witness, witnessSize)
		if err != nil {
			return err
		}
		inputs, err := prover.Check(file)
		if err != nil {
			return err
		}
		give(public, encode(inputs))
		return nil
	})
}

// Proves a witness file; result receives proof (256) || public inputs (32 each).
//
//export sotto_prove
func sotto_prove(circuit *C.uint8_t, circuitSize C.size_t, witness *C.uint8_t, witnessSize C.size_t,
	result *C.sotto_buffer, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		prover, file, err := proverAndWitness(circuit, circuitSize, witness, witnessSize)
		if err != nil {
			return err
		}
		proof, inputs, err := prover.Prove(file)
		if err != nil {
			return err
		}
		encoded := proof.Bytes()
		give(result, append(encoded[:], encode(inputs)...))
		return nil
	})
}

// Verifies proofs in one batch. public holds each proof's public inputs, equally many for all; valid has one byte for each
// proof, which becomes 1 or 0. A proof that is not well-formed is not valid.
//
//export sotto_verify_batch
func sotto_verify_batch(circuit *C.uint8_t, circuitSize C.size_t, public *C.uint8_t, publicSize C.size_t,
	proofs *C.uint8_t, proofsSize C.size_t, valid *C.uint8_t, validSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		prover, err := proverOf(circuit, circuitSize)
		if err != nil {
			return err
		}
		rawInputs, err := view(public, publicSize)
		if err != nil {
			return err
		}
		rawProofs, err := view(proofs, proofsSize)
		if err != nil {
			return err
		}
		n := len(rawProofs) / groth16x.ProofSize
		if len(rawProofs)%groth16x.ProofSize != 0 {
			return malformed("proofs have %d bytes", len(rawProofs))
		}
		inputs, err := elements(rawInputs)
		if err != nil {
			return err
		}
		if n == 0 || len(inputs)%n != 0 {
			return malformed("%d public inputs do not belong to %d proofs", len(inputs), n)
		}
		each := len(inputs) / n
		split, encoded := make([][]fr.Element, n), make([][]byte, n)
		for i := range n {
			split[i] = inputs[i*each : (i+1)*each]
			encoded[i] = rawProofs[i*groth16x.ProofSize : (i+1)*groth16x.ProofSize]
		}
		results, err := prover.VerifyMany(split, encoded)
		if err != nil {
			return err
		}
		flags := make([]byte, n)
		for i, ok := range results {
			if ok {
				flags[i] = 1
			}
		}
		return put("results", valid, validSize, flags)
	})
}

func proverOf(name *C.uint8_t, size C.size_t) (*catalog.Prover, error) {
	raw, err := view(name, size)
	if err != nil {
		return nil, err
	}
	if _, err := catalog.Get(string(raw)); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return provers[string(raw)], nil
}

func proverAndWitness(name *C.uint8_t, nameSize C.size_t, data *C.uint8_t, size C.size_t) (*catalog.Prover, []byte, error) {
	prover, err := proverOf(name, nameSize)
	if err != nil {
		return nil, nil, err
	}
	if size > maxWitnessSize {
		return nil, nil, malformed("a witness of %d bytes", uint64(size))
	}
	file, err := view(data, size)
	return prover, file, err
}

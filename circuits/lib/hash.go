package main

/*
#include "sotto.h"
*/
import "C"

import (
	"encoding/binary"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

// Hashes each row of elements under the tag. The rows follow one another in data; lengths holds their numbers of elements
// as 4-byte little-endian integers; out receives one element for each row.
//
//export sotto_hash_many
func sotto_hash_many(tag C.uint64_t, data *C.uint8_t, size C.size_t, lengths *C.uint8_t, lengthsSize C.size_t,
	out *C.uint8_t, outSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		raw, err := view(data, size)
		if err != nil {
			return err
		}
		counts, err := view(lengths, lengthsSize)
		if err != nil {
			return err
		}
		rows, err := splitRows(raw, counts)
		if err != nil {
			return err
		}
		return put("digests", out, outSize, encode(hash.SumBatch(hash.Tag(tag), rows)))
	})
}

func splitRows(raw, counts []byte) ([][]fr.Element, error) {
	const countSize = 4
	if len(counts)%countSize != 0 {
		return nil, malformed("row lengths have %d bytes", len(counts))
	}
	xs, err := elements(raw)
	if err != nil {
		return nil, err
	}
	rows := make([][]fr.Element, len(counts)/countSize)
	for i := range rows {
		n := int(binary.LittleEndian.Uint32(counts[i*countSize:]))
		if n == 0 || n > len(xs) {
			return nil, malformed("row %d has %d elements, and %d are left", i, n, len(xs))
		}
		rows[i], xs = xs[:n], xs[n:]
	}
	if len(xs) != 0 {
		return nil, malformed("%d elements belong to no row", len(xs))
	}
	return rows, nil
}

// Compresses each four elements of data to their parent node in a tree.
//
//export sotto_compress_many
func sotto_compress_many(data *C.uint8_t, size C.size_t, out *C.uint8_t, outSize C.size_t,
	message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		raw, err := view(data, size)
		if err != nil {
			return err
		}
		xs, err := elements(raw)
		if err != nil {
			return err
		}
		if len(xs)%hash.Width != 0 {
			return malformed("%d elements are not a whole number of nodes", len(xs))
		}
		nodes := make([][hash.Width]fr.Element, len(xs)/hash.Width)
		for i := range nodes {
			nodes[i] = [hash.Width]fr.Element(xs[i*hash.Width:])
		}
		return put("nodes", out, outSize, encode(hash.CompressBatch(nodes)))
	})
}

// Applies the permutation to four elements.
//
//export sotto_permute
func sotto_permute(data *C.uint8_t, size C.size_t, out *C.uint8_t, outSize C.size_t, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		raw, err := viewExactly("state", data, size, hash.Width*fr.Bytes)
		if err != nil {
			return err
		}
		xs, err := elements(raw)
		if err != nil {
			return err
		}
		state := [hash.Width]fr.Element(xs)
		hash.Permute(&state)
		return put("state", out, outSize, encode(state[:]))
	})
}

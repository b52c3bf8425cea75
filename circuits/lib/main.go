// Command lib builds libsotto, the C shared library through which Python reaches the native code:
//
//	go build -buildmode=c-shared -o libsotto.so ./lib
//
// Every exported function takes inputs as pointer and size, returns a status code of sotto.h, and writes results
// either to memory of the caller, whose size it checks, or to a sotto_buffer that the caller gives to sotto_free. The last
// argument of each receives a message when the status is an error. No pointer of the caller is kept after
// return, no panic crosses the boundary, and every function may be called from several threads at once. Field elements are
// 32 bytes, big endian, and refused unless below the modulus.
//
// A process that forks after loading the library must not call it in the child: the Go runtime does not survive fork.
package main

/*
#include <stdlib.h>
#include "sotto.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/babyjub"
	"sotto/circuits/catalog"
	"sotto/circuits/groth16x"
	"sotto/circuits/note"
)

func main() {}

// Causes of failure that a caller can tell apart.
var (
	errMalformed = errors.New("malformed input")
	errPanic     = errors.New("internal error")
	errNotFound  = errors.New("not found")
)

// No honest input comes near this size; the bound keeps sums and products of sizes far from overflow.
const maxInputSize = 1 << 36

//export sotto_free
func sotto_free(data *C.uint8_t) { C.free(unsafe.Pointer(data)) }

// guard runs an exported function's work and turns its error or panic into a status and a message.
func guard(message *C.sotto_buffer, work func() error) (status C.int32_t) {
	defer func() {
		if p := recover(); p != nil {
			status = report(message, fmt.Errorf("%w: %v", errPanic, p))
		}
	}()
	return report(message, work())
}

func report(message *C.sotto_buffer, err error) C.int32_t {
	status := statusOf(err)
	if status != C.SOTTO_OK && status != C.SOTTO_NOT_FOUND && message != nil {
		give(message, []byte(err.Error()))
	}
	return status
}

func statusOf(err error) C.int32_t {
	switch {
	case err == nil:
		return C.SOTTO_OK
	case errors.Is(err, errNotFound):
		return C.SOTTO_NOT_FOUND
	case errors.Is(err, babyjub.ErrNotOnCurve), errors.Is(err, babyjub.ErrIdentity),
		errors.Is(err, babyjub.ErrNotInSubgroup), errors.Is(err, note.ErrLowOrder):
		return C.SOTTO_INVALID_POINT
	case errors.Is(err, errMalformed), errors.Is(err, note.ErrLength), errors.Is(err, babyjub.ErrLength),
		errors.Is(err, babyjub.ErrCoordinate), errors.Is(err, babyjub.ErrScalar), errors.Is(err, groth16x.ErrInputCount):
		return C.SOTTO_MALFORMED_INPUT
	case errors.Is(err, catalog.ErrWitness):
		return C.SOTTO_WITNESS_REJECTED
	case errors.Is(err, catalog.ErrKeys):
		return C.SOTTO_KEYS_UNAVAILABLE
	default:
		return C.SOTTO_INTERNAL
	}
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, args...))
}

// view reads memory of the caller in place; the result must not outlive the call.
func view(data *C.uint8_t, size C.size_t) ([]byte, error) {
	switch {
	case size == 0:
		return nil, nil
	case data == nil:
		return nil, malformed("null pointer for %d bytes", uint64(size))
	case size > maxInputSize:
		return nil, malformed("%d bytes are more than any input has", uint64(size))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)), nil
}

// viewExactly is view of a known size.
func viewExactly(what string, data *C.uint8_t, size C.size_t, want int) ([]byte, error) {
	if uint64(size) != uint64(want) {
		return nil, malformed("%s has %d bytes, not %d", what, uint64(size), want)
	}
	return view(data, size)
}

// key reads a 32-byte secret or public key.
func key(what string, data *C.uint8_t, size C.size_t) (k [32]byte, err error) {
	b, err := viewExactly(what, data, size, len(k))
	if err != nil {
		return k, err
	}
	return [32]byte(b), nil
}

// put copies a result to memory of the caller, which must have exactly its size.
func put(what string, data *C.uint8_t, size C.size_t, result []byte) error {
	out, err := viewExactly("room for "+what, data, size, len(result))
	if err != nil {
		return err
	}
	copy(out, result)
	return nil
}

// give copies a result to new memory that the caller frees.
func give(buffer *C.sotto_buffer, result []byte) {
	buffer.data, buffer.size = nil, 0
	if len(result) > 0 {
		buffer.data = (*C.uint8_t)(C.CBytes(result))
		buffer.size = C.size_t(len(result))
	}
}

// elements parses field elements of fr.Bytes each.
func elements(b []byte) ([]fr.Element, error) {
	if len(b)%fr.Bytes != 0 {
		return nil, malformed("%d bytes are not a whole number of field elements", len(b))
	}
	out := make([]fr.Element, len(b)/fr.Bytes)
	for i := range out {
		if out[i].SetBytesCanonical(b[i*fr.Bytes:(i+1)*fr.Bytes]) != nil {
			return nil, malformed("field element %d is not below the modulus", i)
		}
	}
	return out, nil
}

func encode(xs []fr.Element) []byte {
	out := make([]byte, 0, len(xs)*fr.Bytes)
	for i := range xs {
		b := xs[i].Bytes()
		out = append(out, b[:]...)
	}
	return out
}

// Package strictjson reads witness files (docs/spec/07-witness.md): each value has one type and one range, every
// key is expected and every expected key is there. Anything else is an [Error] that names the place and the cause.
//
// A [Value] keeps the first error of its document, and returns zero values from then on, so that a reader of a large
// file checks [Value.Err] once, at its end.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Causes of an [Error].
var (
	ErrSyntax       = errors.New("not a JSON document")
	ErrTrailing     = errors.New("bytes follow the document")
	ErrDepth        = errors.New("nested too deeply")
	ErrDuplicateKey = errors.New("key appears twice")
	ErrUnknownKey   = errors.New("key is unknown")
	ErrMissingKey   = errors.New("key is missing")
	ErrType         = errors.New("value has another JSON type than expected")
	ErrLength       = errors.New("list has another length than expected")
	ErrHex          = errors.New("not 0x and 1 to 64 lower-case hex digits")
	ErrNonCanonical = errors.New("field element is not below the modulus")
	ErrInteger      = errors.New("not an integer of the expected range")
)

// maxDepth is above what any witness file needs, and low enough that recursion stays small.
const maxDepth = 16

const (
	hexPrefix = "0x"
	hexDigits = 2 * fr.Bytes
)

// Error is a refusal. Path names the place as keys and indices, like "inputs[1].path[3]".
type Error struct {
	Path  string
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return "strictjson: " + e.Cause.Error()
	}
	return fmt.Sprintf("strictjson: %s: %s", e.Path, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Value is a place in a document.
type Value struct {
	doc  *document
	path string
	node any
}

type document struct{ err error }

type object map[string]any

// Parse reads one JSON document.
func Parse(data []byte) (Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	root := Value{doc: &document{}}
	node, err := read(decoder, "", 0)
	if err != nil {
		return root, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return root, &Error{Cause: ErrTrailing}
	}
	root.node = node
	return root, nil
}

func read(decoder *json.Decoder, path string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, &Error{path, ErrDepth}
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, &Error{path, ErrSyntax}
	}
	switch token {
	case json.Delim('{'):
		return readObject(decoder, path, depth)
	case json.Delim('['):
		return readList(decoder, path, depth)
	}
	return token, nil
}

func readObject(decoder *json.Decoder, path string, depth int) (any, error) {
	fields := object{}
	for decoder.More() {
		token, err := decoder.Token()
		key, isString := token.(string)
		if err != nil || !isString {
			return nil, &Error{path, ErrSyntax}
		}
		if _, ok := fields[key]; ok {
			return nil, &Error{join(path, key), ErrDuplicateKey}
		}
		if fields[key], err = read(decoder, join(path, key), depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, &Error{path, ErrSyntax}
	}
	return fields, nil
}

func readList(decoder *json.Decoder, path string, depth int) (any, error) {
	list := []any{}
	for decoder.More() {
		item, err := read(decoder, at(path, len(list)), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, &Error{path, ErrSyntax}
	}
	return list, nil
}

// Err returns the first error of the document, an *[Error], or nil.
func (v Value) Err() error { return v.doc.err }

// Fail records a cause at this place, unless an earlier one is recorded.
func (v Value) Fail(cause error) {
	if v.doc.err == nil {
		v.doc.err = &Error{v.path, cause}
	}
}

// Object returns the values of an object that has exactly these keys.
func (v Value) Object(keys ...string) map[string]Value {
	values := make(map[string]Value, len(keys))
	fields, ok := v.node.(object)
	if !ok {
		v.Fail(ErrType)
	}
	for _, key := range keys {
		node, ok := fields[key]
		values[key] = Value{v.doc, join(v.path, key), node}
		if !ok {
			values[key].Fail(ErrMissingKey)
		}
	}
	for key := range fields {
		if !slices.Contains(keys, key) {
			Value{v.doc, join(v.path, key), nil}.Fail(ErrUnknownKey)
		}
	}
	return values
}

// List returns the n values of a list of exactly that length.
func (v Value) List(n int) []Value {
	list, ok := v.node.([]any)
	if !ok {
		v.Fail(ErrType)
	} else if len(list) != n {
		v.Fail(ErrLength)
	}
	values := make([]Value, n)
	for i := range values {
		values[i] = Value{v.doc, at(v.path, i), nil}
		if i < len(list) {
			values[i].node = list[i]
		}
	}
	return values
}

// Field returns a field element: a string of 0x and 1 to 64 lower-case hex digits, below the modulus.
func (v Value) Field() (e fr.Element) {
	text, ok := v.node.(string)
	if !ok {
		v.Fail(ErrType)
		return e
	}
	digits, ok := strings.CutPrefix(text, hexPrefix)
	if !ok || len(digits) == 0 || len(digits) > hexDigits || strings.Trim(digits, "0123456789abcdef") != "" {
		v.Fail(ErrHex)
		return e
	}
	var word [fr.Bytes]byte
	digits = strings.Repeat("0", hexDigits-len(digits)) + digits
	for i := range word {
		b, err := strconv.ParseUint(digits[2*i:2*i+2], 16, 8)
		if err != nil {
			v.Fail(ErrHex)
			return e
		}
		word[i] = byte(b)
	}
	if e.SetBytesCanonical(word[:]) != nil {
		v.Fail(ErrNonCanonical)
		return fr.Element{}
	}
	return e
}

// Fields puts the field elements of a list of exactly len(out) into out.
func (v Value) Fields(out []fr.Element) {
	for i, item := range v.List(len(out)) {
		out[i] = item.Field()
	}
}

// Uint returns a JSON number that is an integer in [0, max], without sign, fraction or exponent.
func (v Value) Uint(max uint64) uint64 {
	number, ok := v.node.(json.Number)
	if !ok {
		v.Fail(ErrType)
		return 0
	}
	n, err := strconv.ParseUint(number.String(), 10, 64)
	if err != nil || n > max {
		v.Fail(ErrInteger)
		return 0
	}
	return n
}

func join(path, key string) string {
	// A hostile key must not make an error message of its own size.
	if len(key) > 40 {
		key = key[:40]
	}
	key = strconv.Quote(key)
	key = key[1 : len(key)-1]
	if path == "" {
		return key
	}
	return path + "." + key
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

package transfer_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/strictjson"
	"sotto/circuits/transfer"
)

func witnessFile(t testing.TB) []byte {
	t.Helper()
	s := newScene()
	file, err := json.Marshal(s.Witness(s.twoAssets()))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWitnessFileRoundTrip(t *testing.T) {
	s := newScene()
	want := s.Witness(s.operation())
	file, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := transfer.ParseWitness(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("a witness changed on its way through a file")
	}
}

// edit changes a decoded witness file.
func edit(t *testing.T, file []byte, change func(root map[string]any)) []byte {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(file, &root); err != nil {
		t.Fatal(err)
	}
	change(root)
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// visit calls f for every value inside node with a function that replaces it.
func visit(node any, path string, f func(path string, value any, replace func(any))) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			f(path+"."+key, value, func(v any) { node[key] = v })
			visit(value, path+"."+key, f)
		}
	case []any:
		// The elements of a list are alike: its first one stands for all.
		f(path+"[0]", node[0], func(v any) { node[0] = v })
		visit(node[0], path+"[0]", f)
	}
}

// TestWitnessFileIsStrict damages every kind of place of a witness file in every way.
func TestWitnessFileIsStrict(t *testing.T) {
	file := witnessFile(t)
	modulus := "0x" + fr.Modulus().Text(16)
	var paths []string
	edit(t, file, func(root map[string]any) {
		visit(root, "", func(path string, _ any, _ func(any)) { paths = append(paths, path) })
	})
	refused := func(path, what string, cause error, damage func(value any) any) {
		t.Helper()
		applied := false
		damaged := edit(t, file, func(root map[string]any) {
			visit(root, "", func(at string, value any, replace func(any)) {
				if at == path && !applied {
					if v := damage(value); v != nil {
						applied = true
						replace(v)
					}
				}
			})
		})
		if !applied {
			return
		}
		assignment, _, err := transfer.Assign(damaged)
		var typed *strictjson.Error
		if !errors.Is(err, cause) || !errors.As(err, &typed) || assignment != nil {
			t.Errorf("%s, %s: %v, want %v", path, what, err, cause)
		}
	}
	isWord := func(v any) bool { _, ok := v.(string); return ok }
	word := func(replacement string) func(any) any {
		return func(v any) any {
			if !isWord(v) {
				return nil
			}
			return replacement
		}
	}
	number := func(replacement any) func(any) any {
		return func(v any) any {
			if _, ok := v.(float64); !ok {
				return nil
			}
			return replacement
		}
	}
	for _, path := range paths {
		refused(path, "true", strictjson.ErrType, func(any) any { return true })
		refused(path, "modulus", strictjson.ErrNonCanonical, word(modulus))
		refused(path, "2^256 - 1", strictjson.ErrNonCanonical, word("0x"+strings.Repeat("f", 64)))
		refused(path, "65 digits", strictjson.ErrHex, word("0x"+strings.Repeat("0", 65)))
		refused(path, "no digits", strictjson.ErrHex, word("0x"))
		refused(path, "no prefix", strictjson.ErrHex, word("12"))
		refused(path, "capitals", strictjson.ErrHex, word("0xA"))
		refused(path, "sign", strictjson.ErrHex, word("-0x1"))
		refused(path, "number for a word", strictjson.ErrType, func(v any) any {
			if !isWord(v) {
				return nil
			}
			return 5
		})
		refused(path, "word for a number", strictjson.ErrType, number("0x1"))
		refused(path, "negative", strictjson.ErrInteger, number(-1))
		refused(path, "fraction", strictjson.ErrInteger, number(0.5))
		refused(path, "too large", strictjson.ErrInteger, number(json.Number("4294967296")))
		refused(path, "beyond 64 bits", strictjson.ErrInteger, number(json.Number("18446744073709551616")))
		refused(path, "exponent", strictjson.ErrInteger, number(json.Number("1e0")))
		refused(path, "list too long", strictjson.ErrLength, func(v any) any {
			if list, ok := v.([]any); ok {
				return append(list[:len(list):len(list)], list[0])
			}
			return nil
		})
		refused(path, "list too short", strictjson.ErrLength, func(v any) any {
			if list, ok := v.([]any); ok {
				return list[:len(list)-1]
			}
			return nil
		})
		refused(path, "unknown key", strictjson.ErrUnknownKey, func(v any) any {
			if object, ok := v.(map[string]any); ok {
				object["Tx"] = 1
				return object
			}
			return nil
		})
		refused(path, "missing key", strictjson.ErrMissingKey, func(v any) any {
			if object, ok := v.(map[string]any); ok {
				for key := range object {
					delete(object, key)
					return object
				}
			}
			return nil
		})
	}
	if len(paths) < 60 {
		t.Errorf("only %d places were damaged", len(paths))
	}
}

func TestWitnessFileOfAThirdAsset(t *testing.T) {
	for _, list := range []string{"inputs", "outputs"} {
		damaged := edit(t, witnessFile(t), func(root map[string]any) {
			root[list].([]any)[1].(map[string]any)["asset"] = "0x4d"
		})
		if _, _, err := transfer.Assign(damaged); !errors.Is(err, transfer.ErrAsset) {
			t.Errorf("%s: %v, want ErrAsset", list, err)
		}
	}
}

func TestWitnessFileIndexBounds(t *testing.T) {
	set := func(index string) []byte {
		return edit(t, witnessFile(t), func(root map[string]any) {
			root["account"].(map[string]any)["index"] = json.Number(index)
		})
	}
	if _, _, err := transfer.Assign(set("268435455")); err != nil {
		t.Errorf("4^14 - 1: %v", err)
	}
	if _, _, err := transfer.Assign(set("268435456")); !errors.Is(err, strictjson.ErrInteger) {
		t.Errorf("4^14: %v, want ErrInteger", err)
	}
}

// TestVectors solves the witness files of the executable specification, and refuses them with another expiry.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../tests/vectors/transfer-*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no vectors")
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			w, err := transfer.ParseWitness(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := solve(t, compiled(), w.Circuit()); err != nil {
				t.Error(err)
			}
			w.Tx.Expiry = add(w.Tx.Expiry, u(1))
			if solve(t, compiled(), w.Circuit()) == nil {
				t.Error("accepted with another expiry")
			}
		})
	}
}

// FuzzAssign: a file is refused with a typed error, or is a witness that survives another round.
func FuzzAssign(f *testing.F) {
	file := witnessFile(f)
	f.Add(file)
	f.Add([]byte(""))
	f.Add([]byte("null"))
	f.Add([]byte("{}"))
	f.Add([]byte(`{"tx":{}}`))
	f.Add([]byte(`{"tx":{"kind":"0x1","kind":"0x1"}}`))
	f.Add([]byte(strings.Repeat("[", 10_000)))
	f.Add([]byte(strings.Repeat(`{"tx":`, 10_000)))
	f.Add(file[:len(file)/2])
	f.Add(append(file[:len(file):len(file)], '{'))
	f.Add([]byte(strings.Replace(string(file), `"0x`, `"0X`, 1)))
	f.Add([]byte(strings.Replace(string(file), `"index":`, `"index":-`, 1)))
	f.Add([]byte(strings.Replace(string(file), `"index":`, `"index":1e9999`, 1)))
	f.Add([]byte(strings.Replace(string(file), "0x9", "0x\xff", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := transfer.ParseWitness(data)
		if err != nil {
			var typed *strictjson.Error
			if !errors.As(err, &typed) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		again, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		second, err := transfer.ParseWitness(again)
		if err != nil || !reflect.DeepEqual(w, second) {
			t.Fatalf("a witness changed on its way through a file: %v", err)
		}
		// Solving ends in an error or not, and never in a panic.
		_ = solve(t, compiled(), w.Circuit())
	})
}

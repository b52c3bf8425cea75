package exit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/exit"
	"sotto/circuits/strictjson"
)

func witnessFile(t testing.TB) []byte {
	t.Helper()
	s := newScene()
	file, err := json.Marshal(s.witness(s.present()))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWitnessFileRoundTrip(t *testing.T) {
	s := newScene()
	for _, l := range []leaving{s.absent(), s.present()} {
		want := s.witness(l)
		file, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exit.ParseWitness(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Error("a witness changed on its way through a file")
		}
	}
}

// replaced is a witness file with another value at a place.
func replaced(t *testing.T, value any, place ...string) []byte {
	t.Helper()
	var root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(witnessFile(t)))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	at := root
	for _, key := range place[:len(place)-1] {
		at = at[key].(map[string]any)
	}
	last := place[len(place)-1]
	if value == nil {
		delete(at, last)
	} else {
		at[last] = value
	}
	out, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWitnessFileIsStrict(t *testing.T) {
	modulus := "0x" + fr.Modulus().Text(16)
	short := make([][]string, 15)
	for name, c := range map[string]struct {
		file  []byte
		cause error
	}{
		"unknown key":              {replaced(t, "0x1", "more"), strictjson.ErrUnknownKey},
		"unknown key of a request": {replaced(t, "0x1", "request", "state"), strictjson.ErrUnknownKey},
		"no state":                 {replaced(t, nil, "state"), strictjson.ErrMissingKey},
		"no rho":                   {replaced(t, nil, "note", "rho"), strictjson.ErrMissingKey},
		"no size":                  {replaced(t, nil, "trees", "root_size"), strictjson.ErrMissingKey},
		"nullifier + p":            {replaced(t, modulus, "request", "nullifier"), strictjson.ErrNonCanonical},
		"recipient + p":            {replaced(t, modulus, "request", "recipient"), strictjson.ErrNonCanonical},
		"number for a word":        {replaced(t, 5, "request", "fee"), strictjson.ErrType},
		"word for an index":        {replaced(t, "0x1", "low", "index"), strictjson.ErrType},
		"index beyond the tree":    {replaced(t, json.Number("4294967296"), "note", "index"), strictjson.ErrInteger},
		"short path":               {replaced(t, short, "low", "path"), strictjson.ErrLength},
		"point of one coordinate":  {replaced(t, []string{"0x1"}, "first_key"), strictjson.ErrLength},
		"capitals":                 {replaced(t, "0xA", "low", "value"), strictjson.ErrHex},
		"torn":                     {witnessFile(t)[:1000], strictjson.ErrSyntax},
		"two documents":            {append(witnessFile(t), '{'), strictjson.ErrTrailing},
	} {
		assignment, public, err := exit.Assign(c.file)
		var typed *strictjson.Error
		if !errors.Is(err, c.cause) || !errors.As(err, &typed) || assignment != nil || public != nil {
			t.Errorf("%s: %v, want %v", name, err, c.cause)
		}
	}
}

// A value of 2^120 makes the public input of the next asset: the file must not speak of another payment than L1.
func TestIntegersFitTheirTypes(t *testing.T) {
	for name, bits := range map[string]uint{
		"domain": 248, "asset": 64, "value": 120, "recipient": 160, "executor": 160, "fee": 120,
	} {
		first := new(big.Int).Lsh(big.NewInt(1), bits)
		last := new(big.Int).Sub(first, big.NewInt(1))
		if _, _, err := exit.Assign(replaced(t, "0x"+last.Text(16), "request", name)); err != nil {
			t.Errorf("largest %s: %v", name, err)
		}
		if _, _, err := exit.Assign(replaced(t, "0x"+first.Text(16), "request", name)); !errors.Is(err, exit.ErrRange) {
			t.Errorf("too large %s: %v, want ErrRange", name, err)
		}
	}
}

// TestVectors solves the witness files of the executable specification, and refuses them with another recipient.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../tests/vectors/exit-*.json")
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
			w, err := exit.ParseWitness(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := solve(t, compiled(), w.Circuit()); err != nil {
				t.Error(err)
			}
			w.Recipient = add(w.Recipient, u(1))
			if solve(t, compiled(), w.Circuit()) == nil {
				t.Error("accepted with another recipient")
			}
		})
	}
}

// TestRequestVectors compares messages and public inputs with those of the executable specification.
func TestRequestVectors(t *testing.T) {
	file, err := os.ReadFile("../../tests/vectors/exit.json")
	if err != nil {
		t.Fatal(err)
	}
	type words struct {
		Domain, Nullifier, Asset, Value, Recipient, Executor, Fee string
	}
	var cases []struct {
		Request words
		State   string
		Message string
		Public  []string
	}
	if err := json.Unmarshal(file, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d vectors: %v", len(cases), err)
	}
	element := func(text string) (e fr.Element) {
		if _, err := e.SetString(text); err != nil {
			t.Fatal(err)
		}
		return e
	}
	for i, c := range cases {
		w := exit.Witness{State: element(c.State), Request: exit.Request{
			Domain: element(c.Request.Domain), Nullifier: element(c.Request.Nullifier), Asset: element(c.Request.Asset),
			Value: element(c.Request.Value), Recipient: element(c.Request.Recipient),
			Executor: element(c.Request.Executor), Fee: element(c.Request.Fee),
		}}
		if w.Message() != element(c.Message) {
			t.Errorf("case %d: another message", i)
		}
		for j, input := range w.Public() {
			if input != element(c.Public[j]) {
				t.Errorf("case %d: another public input %d", i, j)
			}
		}
	}
}

// FuzzAssign: a file is refused with a typed error, or is a witness that survives another round.
func FuzzAssign(f *testing.F) {
	file := witnessFile(f)
	f.Add(file)
	f.Add([]byte("{}"))
	f.Add([]byte(`{"request":{"domain":"0x1","domain":"0x1"}}`))
	f.Add([]byte(strings.Repeat(`{"request":`, 10_000)))
	f.Add(file[:len(file)/2])
	f.Add([]byte(strings.Replace(string(file), `"index":`, `"index":-`, 1)))
	f.Add([]byte(strings.Replace(string(file), `"index":`, `"index":1e9999`, 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := exit.ParseWitness(data)
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
		second, err := exit.ParseWitness(again)
		if err != nil || !reflect.DeepEqual(w, second) {
			t.Fatalf("a witness changed on its way through a file: %v", err)
		}
		// Solving ends in an error or not, and never in a panic.
		_ = solve(t, compiled(), w.Circuit())
	})
}

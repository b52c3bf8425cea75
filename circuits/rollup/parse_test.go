package rollup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
	"sotto/circuits/strictjson"
)

func encode(t testing.TB, w *rollup.Witness) []byte {
	t.Helper()
	data, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAssignReadsWhatMarshalWrites(t *testing.T) {
	w := mixedEpoch()
	parsed, err := rollup.ParseWitness(4, encode(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed, w) {
		t.Fatal("parsed witness differs")
	}
	c, public, err := rollup.Assign(4, encode(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if want := []fr.Element{w.C, w.Z, w.Y, {}, {}, w.M}; !reflect.DeepEqual(public, want) {
		t.Fatal("public inputs differ")
	}
	if err := solve(t, c); err != nil {
		t.Fatal(err)
	}
}

func TestAssignBlobReadsWhatMarshalWrites(t *testing.T) {
	w := rolluptest.InBlob(mixedEpoch())
	parsed, err := rollup.ParseBlobWitness(4, encode(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed, w) {
		t.Fatal("parsed witness differs")
	}
	c, public, err := rollup.AssignBlob(4, encode(t, w))
	if err != nil {
		t.Fatal(err)
	}
	if want := []fr.Element{w.C, w.Z, w.Y, w.YData[0], w.YData[1], w.M}; !reflect.DeepEqual(public, want) {
		t.Fatal("public inputs differ")
	}
	if err := solve(t, c); err != nil {
		t.Fatal(err)
	}
}

// A file tells its data mode by y_data, and neither circuit takes a file of the other's.
func TestFilesOfTheOtherModeAreRefused(t *testing.T) {
	if _, _, err := rollup.AssignBlob(4, encode(t, mixedEpoch())); !errors.Is(err, strictjson.ErrMissingKey) {
		t.Errorf("calldata for a blob: %v", err)
	}
	if _, _, err := rollup.Assign(4, encode(t, rolluptest.InBlob(mixedEpoch()))); !errors.Is(err, strictjson.ErrUnknownKey) {
		t.Errorf("blob for calldata: %v", err)
	}
	if _, _, err := rollup.AssignBlob(16, encode(t, rolluptest.InBlob(mixedEpoch()))); err != rollup.ErrLanes(4) {
		t.Errorf("four lanes for 16: %v", err)
	}
	valid := string(encode(t, rolluptest.InBlob(mixedEpoch())))
	short := strings.Replace(valid, `"y_data":["`, `"y_data":["0x0","`, 1)
	if _, _, err := rollup.AssignBlob(4, []byte(short)); !errors.Is(err, strictjson.ErrLength) {
		t.Errorf("three limbs: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	valid := string(encode(t, mixedEpoch()))
	modulus := fmt.Sprintf("0x%x", fr.Modulus())
	for _, c := range []struct {
		name, old, new string
		cause          error
	}{
		{"modulus", `"kind":"0x1"`, `"kind":"` + modulus + `"`, strictjson.ErrNonCanonical},
		{"number for a word", `"kind":"0x1"`, `"kind":1`, strictjson.ErrType},
		{"word for a number", `"fee_slot":0`, `"fee_slot":"0"`, strictjson.ErrInteger},
		{"null for a number", `"fee_slot":0`, `"fee_slot":null`, strictjson.ErrInteger},
		{"fraction", `"fee_slot":0`, `"fee_slot":0.0`, strictjson.ErrInteger},
		{"minus zero", `"fee_slot":0`, `"fee_slot":-0`, strictjson.ErrInteger},
		{"fee slot 4", `"fee_slot":0`, `"fee_slot":4`, strictjson.ErrInteger},
		{"fee slot -2", `"fee_slot":0`, `"fee_slot":-2`, strictjson.ErrInteger},
		{"anchor slot 4", `"anchor_slot":0`, `"anchor_slot":4`, strictjson.ErrInteger},
		{"member 2", `"member":-1`, `"member":2`, strictjson.ErrInteger},
		{"first insertion pending", `"pending":-1`, `"pending":9`, strictjson.ErrInteger},
		{"unknown key", `"reserved":`, `"Reserved":`, strictjson.ErrMissingKey},
		{"more keys", `"reserved":`, `"extra":1,"reserved":`, strictjson.ErrUnknownKey},
		{"twice", `"reserved":`, `"reserved":"0x0","reserved":`, strictjson.ErrDuplicateKey},
		{"short list", `"named":["0x0","0x0"]`, `"named":["0x0"]`, strictjson.ErrLength},
		{"index beyond the tree", `"index":`, `"index":99999999999`, strictjson.ErrInteger},
		{"trailing bytes", `"z":`, `"z":"0x1"}}`, strictjson.ErrTrailing},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(valid, c.old, c.new, 1)
			if changed == valid {
				t.Fatal("nothing to replace")
			}
			_, _, err := rollup.Assign(4, []byte(changed))
			var typed *strictjson.Error
			if !errors.As(err, &typed) || !errors.Is(err, c.cause) {
				t.Fatalf("error is %v, want %v", err, c.cause)
			}
		})
	}
	for _, c := range []struct {
		n    int
		data string
		err  error
	}{
		{5, valid, rollup.ErrLanes(5)},
		{16, valid, rollup.ErrLanes(4)},
		{4, strings.Replace(valid, `"lanes":4`, `"lanes":16`, 1), rollup.ErrLanes(16)},
	} {
		if _, _, err := rollup.Assign(c.n, []byte(c.data)); err != c.err {
			t.Fatalf("error is %v, want %v", err, c.err)
		}
	}
}

func FuzzAssign(f *testing.F) {
	valid := encode(f, mixedEpoch())
	f.Add(valid)
	f.Add(bytes.Replace(valid, []byte(`-1`), []byte(`1`), 3))
	f.Add([]byte(`{"lanes":4}`))
	f.Add([]byte(`[[[[[[[[[[[[[[[[[[[[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := rollup.ParseWitness(4, data)
		if err != nil {
			var typed *strictjson.Error
			var lanes rollup.ErrLanes
			if !errors.As(err, &typed) && !errors.As(err, &lanes) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if _, err := w.Assignment(); err != nil {
			t.Fatalf("parsed witness has no assignment: %v", err)
		}
		again, err := rollup.ParseWitness(4, encode(t, w))
		if err != nil || !reflect.DeepEqual(again, w) {
			t.Fatalf("encoding is not stable: %v", err)
		}
	})
}

// Coverage-guided fuzzing is slow on documents of this size, so damage is also tried at random.
func TestParseSurvivesDamage(t *testing.T) {
	valid := encode(t, mixedEpoch())
	random := rand.New(rand.NewPCG(1, 2))
	const bytesOfInterest = `0123456789abcdefx"{}[]:,-.+eE nul\`
	for range 400 {
		data := bytes.Clone(valid)
		for range 1 + random.IntN(3) {
			data[random.IntN(len(data))] = bytesOfInterest[random.IntN(len(bytesOfInterest))]
		}
		if random.IntN(8) == 0 {
			data = data[:random.IntN(len(data))]
		}
		w, err := rollup.ParseWitness(4, data)
		var typed *strictjson.Error
		var lanes rollup.ErrLanes
		switch {
		case err != nil && !errors.As(err, &typed) && !errors.As(err, &lanes):
			t.Fatalf("untyped error %v", err)
		case err == nil:
			if _, err := w.Assignment(); err != nil {
				t.Fatalf("parsed witness has no assignment: %v", err)
			}
		}
	}
}

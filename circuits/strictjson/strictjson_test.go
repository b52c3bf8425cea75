package strictjson

import (
	"errors"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

func TestDocuments(t *testing.T) {
	for _, tc := range []struct {
		text, path string
		cause      error
	}{
		{``, "", ErrSyntax},
		{`{`, "", ErrSyntax},
		{`{"a"}`, "a", ErrSyntax},
		{`{"a":}`, "a", ErrSyntax},
		{`{"a":1,}`, "", ErrSyntax},
		{`{"a":1 "b":2}`, "", ErrSyntax},
		{`[1,]`, "", ErrSyntax},
		{`[1}`, "", ErrSyntax},
		{`{"a":01}`, "", ErrSyntax},
		{`{"a":{"b":[0,nope]}}`, "a.b[1]", ErrSyntax},
		{`{} {}`, "", ErrTrailing},
		{`{}]`, "", ErrTrailing},
		{`{"a":1,"a":1}`, "a", ErrDuplicateKey},
		{`{"b":{"a":1,"\u0061":1}}`, "b.a", ErrDuplicateKey},
		{strings.Repeat("[", 1000), strings.Repeat("[0]", maxDepth+1), ErrDepth},
	} {
		_, err := Parse([]byte(tc.text))
		var typed *Error
		if !errors.As(err, &typed) || !errors.Is(err, tc.cause) {
			t.Errorf("%.40s: %v, want %v", tc.text, err, tc.cause)
		} else if typed.Path != tc.path && tc.cause != ErrSyntax {
			t.Errorf("%.40s: at %q, want %q", tc.text, typed.Path, tc.path)
		}
	}
}

func TestValues(t *testing.T) {
	root, err := Parse([]byte(`{"word":"0x0f","list":["0x1","0x2"],"number":7}`))
	if err != nil {
		t.Fatal(err)
	}
	fields := root.Object("word", "list", "number")
	var list [2]fr.Element
	fields["list"].Fields(list[:])
	word, number := fields["word"].Field(), fields["number"].Uint(7)
	if root.Err() != nil || word != fr.NewElement(15) || list[1] != fr.NewElement(2) || number != 7 {
		t.Errorf("read %v %v %v, %v", word, list, number, root.Err())
	}
}

func TestFirstErrorStays(t *testing.T) {
	root, err := Parse([]byte(`{"a":{"x":[1,"0x"]},"b":5}`))
	if err != nil {
		t.Fatal(err)
	}
	fields := root.Object("a", "b")
	inner := fields["a"].Object("x")
	if e := inner["x"].List(2)[1].Field(); !e.IsZero() {
		t.Error("a refused word is not 0")
	}
	fields["b"].Field()
	fields["b"].Object("c")["c"].List(3)[2].Uint(1)
	var typed *Error
	if !errors.As(root.Err(), &typed) || typed.Path != "a.x[1]" || typed.Cause != ErrHex {
		t.Errorf("got %v", root.Err())
	}
	if !strings.Contains(root.Err().Error(), "a.x[1]: not 0x") {
		t.Errorf("message %q", root.Err())
	}
}

func TestFieldBounds(t *testing.T) {
	last := fr.NewElement(1)
	last.Neg(&last)
	for text, cause := range map[string]error{
		"0x" + last.Text(16):                 nil,
		"0x" + fr.Modulus().Text(16):         ErrNonCanonical,
		"0x" + strings.Repeat("0", 63) + "7": nil,
		"0x" + strings.Repeat("0", 64) + "7": ErrHex,
		"0x7":                                nil,
		"0x":                                 ErrHex,
		"0X7":                                ErrHex,
		"0xA":                                ErrHex,
		" 0x7":                               ErrHex,
		"0x7 ":                               ErrHex,
		"0x+7":                               ErrHex,
		"0x\u0663":                           ErrHex,
		"7":                                  ErrHex,
		"":                                   ErrHex,
	} {
		root, err := Parse([]byte(`["` + text + `"]`))
		if err != nil {
			t.Fatal(err)
		}
		root.List(1)[0].Field()
		if err := root.Err(); !errors.Is(err, cause) {
			t.Errorf("%s: %v, want %v", text, err, cause)
		}
	}
}

func TestIntegerBounds(t *testing.T) {
	for text, ok := range map[string]bool{
		"0": true, "9": true, "10": false, "-0": false, "-1": false, "1.0": false, "1e0": false,
		"99999999999999999999": false,
	} {
		root, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		root.Uint(9)
		if (root.Err() == nil) != ok || !ok && !errors.Is(root.Err(), ErrInteger) {
			t.Errorf("%s: %v", text, root.Err())
		}
	}
}

func TestLongKeysMakeShortErrors(t *testing.T) {
	root, err := Parse([]byte(`{"` + strings.Repeat("k", 100_000) + `":1}`))
	if err != nil {
		t.Fatal(err)
	}
	root.Object()
	if err := root.Err(); !errors.Is(err, ErrUnknownKey) || len(err.Error()) > 200 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

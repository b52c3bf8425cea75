package rollup_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
)

type scalar struct {
	name string
	at   *frontend.Variable
}

// scalars lists every variable of an assignment.
func scalars(c *rollup.Circuit) (out []scalar) {
	var walk func(string, reflect.Value)
	walk = func(name string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface:
			out = append(out, scalar{name, v.Addr().Interface().(*frontend.Variable)})
		case reflect.Struct:
			for i := range v.NumField() {
				walk(name+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", name, i), v.Index(i))
			}
		default:
			panic(v.Kind().String())
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return out
}

// unbound holds the variables of the mixed epoch that may be anything, with the reason.
var unbound = []struct {
	name *regexp.Regexp
	// onlyOne: the variable may be 0 or 1 and nothing else.
	onlyOne bool
	reason  string
}{
	{regexp.MustCompile(`^\.M$`), false, "a public input that binds the prover, not the epoch"},
	{regexp.MustCompile(`^\.Lanes\[(1|3)\]\.Insertions\[0\]\.Path\.Levels\[15\]\[[123]\]$`), false,
		"root of a path that is disregarded: the lane inserts nothing here and marks no membership"},
	{regexp.MustCompile(`^\.Lanes\[1\]\.Insertions\[1\]\.Path\.Levels\[15\]\[[123]\]$`), false,
		"root of a path that is disregarded: a deposit inserts nothing"},
	{regexp.MustCompile(`^\.Lanes\[2\]\.Insertions\[.\]\.Path\.Levels\[15\]\[[123]\]$`), false,
		"root of a path that is disregarded: the low leaf is pending"},
	{regexp.MustCompile(`^\.Lanes\[(1|3)\]\.FeeSlot\[(2|3)\]$`), true,
		"choice of an unused slot, of asset 0, by a lane that pays no fee, in asset 0"},
}

var boolean = regexp.MustCompile(`\.(Bits|Hot|KindBits|FeeSlot|Member)\[`)

var pathPart = regexp.MustCompile(`(Levels|Bits)\[(\d+)\]`)

// sampled leaves out most of each path, whose levels are alike: it takes the lowest, and the highest of each depth.
func sampled(name string) bool {
	part := pathPart.FindStringSubmatch(name)
	if part == nil || part[2] == "0" || part[2] == "1" && part[1] == "Bits" {
		return true
	}
	return part[1] == "Levels" && (part[2] == "12" || part[2] == "13" || part[2] == "15")
}

func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("evaluates the circuit some hundred times")
	}
	all := scalars(assignment(t, mixed().w))
	random := rand.New(rand.NewPCG(4, 16))
	matched := make([]bool, len(unbound))
	c := assignment(t, mixed().w)
	now := scalars(c)
	for i, s := range all {
		if !sampled(s.name) {
			continue
		}
		values := []fr.Element{hash.Sum(hash.RHO, element(random.Uint64()))}
		if boolean.MatchString(s.name) {
			old := value(*s.at)
			values = append(values, plus(*old.Neg(&old), 1))
		}
		for _, v := range values {
			honest := *now[i].at
			*now[i].at = v
			failed, _ := auditCircuit(c)
			*now[i].at = honest
			excused := false
			for k, u := range unbound {
				if u.name.MatchString(s.name) && (!u.onlyOne || v.IsOne()) {
					excused, matched[k] = true, true
				}
			}
			if excused != (len(failed) == 0) {
				t.Errorf("%s set to %s: excused %t, violates %v", s.name, v.String(), excused, keys(failed))
			}
		}
	}
	for k, u := range unbound {
		if !matched[k] {
			t.Errorf("no variable is excused by %s", u.name)
		}
	}
}

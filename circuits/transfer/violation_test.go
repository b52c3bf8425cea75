package transfer_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark/constraint"

	"sotto/circuits/circuittest"
	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
)

// violation is a witness that breaks one rule and no other one: everything that follows from the broken step, h and the
// signature included, is computed as an attacker would. Each must be refused by the circuit and accepted by the
// circuit without the rule.
type violation struct {
	name, rule string
	spend      func(s *scene) tt.Spend
	secrets    func(s *scene, w *transfer.Witness) // before the transaction's fields are derived
	fields     func(s *scene, w *transfer.Witness) // before signing
	signed     func(s *scene, w *transfer.Witness) // at last
	wires      func(s *scene, c *transfer.Circuit) // what no witness file can express
}

// booleans stands for all assertions that a wire is 0 or 1: gnark repeats those of the statement in its selections.
const booleans = "booleans"

func (v violation) assignment(s *scene) *transfer.Circuit {
	c := v.witness(s).Circuit()
	if v.wires != nil {
		v.wires(s, c)
	}
	return c
}

func (v violation) witness(s *scene) *transfer.Witness {
	run := func(f func(*scene, *transfer.Witness), w *transfer.Witness) {
		if f != nil {
			f(s, w)
		}
	}
	spend := v.spend(s)
	w := s.Secrets(spend)
	run(v.secrets, w)
	tt.Derive(w)
	run(v.fields, w)
	if spend.Signer == nil {
		spend.Signer = spend.Account.First
	}
	tt.Sign(w, spend.Signer)
	run(v.signed, w)
	return w
}

var (
	withoutMutex sync.Mutex
	withoutCache = map[string]constraint.ConstraintSystem{}
)

func without(t *testing.T, rule string) constraint.ConstraintSystem {
	t.Helper()
	withoutMutex.Lock()
	defer withoutMutex.Unlock()
	if cs, ok := withoutCache[rule]; ok {
		return cs
	}
	var cs constraint.ConstraintSystem
	if rule == booleans {
		cs = circuittest.CompileLax(transfer.New())
	} else {
		circuit := transfer.Without(rule)
		if circuit == nil {
			t.Fatalf("no rule %q", rule)
		}
		cs = circuittest.Compile(circuit)
	}
	withoutCache[rule] = cs
	return cs
}

// Rules that gnark's selections assert once more, so that the circuit without them is as strong.
var repeated = []string{"6 real is boolean", "6 bucket of an input is boolean", "8 bucket of an output is boolean"}

func TestViolations(t *testing.T) {
	covered := map[string]bool{}
	for _, v := range slices.Concat(transactionViolations, accountViolations, noteViolations, booleanViolations) {
		covered[v.rule] = true
		t.Run(v.name, func(t *testing.T) {
			c := v.assignment(newScene())
			if solve(t, compiled(), c) == nil {
				t.Error("accepted")
			}
			if testing.Short() {
				return // compiling the circuit once for each rule takes most of the time
			}
			if err := solve(t, without(t, v.rule), c); err != nil {
				t.Errorf("breaks more than %q: %v", v.rule, err)
			}
		})
	}
	for _, name := range transfer.RuleNames() {
		if !covered[name] && !slices.Contains(repeated, name) {
			t.Errorf("no witness breaks only %q", name)
		}
	}
}

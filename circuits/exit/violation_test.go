package exit_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark/constraint"

	"sotto/circuits/circuittest"
	"sotto/circuits/exit"
)

// violation is a witness that breaks one rule and no other one: everything that follows from the broken step, the
// signature included, is computed as an attacker would. Each must be refused by the circuit and accepted by the
// circuit without the rule.
type violation struct {
	name, rule string
	leaving    func(s *scene) leaving
	secrets    func(s *scene, w *exit.Witness) // before nullifier and low leaf follow
	sealed     func(s *scene, w *exit.Witness) // before state and trees follow
	fields     func(s *scene, w *exit.Witness) // before signing
	signed     func(s *scene, w *exit.Witness) // at last
	wires      func(s *scene, c *exit.Circuit) // what no witness file can express
}

// booleans stands for all assertions that a wire is 0 or 1.
const booleans = "booleans"

func (v violation) assignment(s *scene) *exit.Circuit {
	c := v.apply(s, v.leaving(s)).Circuit()
	if v.wires != nil {
		v.wires(s, c)
	}
	return c
}

func (v violation) apply(s *scene, l leaving) *exit.Witness {
	w := s.secrets(l)
	run := func(f func(*scene, *exit.Witness)) {
		if f != nil {
			f(s, w)
		}
	}
	run(v.secrets)
	s.derive(w)
	run(v.sealed)
	s.seal(w)
	run(v.fields)
	if l.signer == nil {
		l.signer = l.account.First
	}
	sign(w, l.signer)
	run(v.signed)
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
		cs = circuittest.CompileLax(exit.New())
	} else {
		circuit := exit.Without(rule)
		if circuit == nil {
			t.Fatalf("no rule %q", rule)
		}
		cs = circuittest.Compile(circuit)
	}
	withoutCache[rule] = cs
	return cs
}

func violations() []violation {
	return slices.Concat(accountViolations, noteViolations, nullifierViolations, stateViolations, booleanViolations)
}

func TestViolations(t *testing.T) {
	covered := map[string]bool{}
	for _, v := range violations() {
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
	for _, name := range exit.RuleNames() {
		if !covered[name] {
			t.Errorf("no witness breaks only %q", name)
		}
	}
}

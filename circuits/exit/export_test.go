package exit

import (
	"slices"

	"github.com/consensys/gnark/frontend"
)

// RuleNames lists the rules of the statement.
func RuleNames() []string {
	names := make([]string, len(statement))
	for i, r := range statement {
		names[i] = r.name
	}
	return names
}

// weakened is the circuit without one rule.
type weakened struct {
	*Circuit
	rules []rule
}

func (c *weakened) Define(api frontend.API) error {
	c.Circuit.define(api, c.rules)
	return nil
}

func find(name string) int {
	return slices.IndexFunc(statement, func(r rule) bool { return r.name == name })
}

// Without returns the circuit to compile without a rule, or nil if there is no such rule.
func Without(name string) frontend.Circuit {
	at := find(name)
	if at < 0 {
		return nil
	}
	return &weakened{newCircuit(), slices.Delete(slices.Clone(statement), at, at+1)}
}

// Only returns the circuit to compile with the derived values and one rule.
func Only(name string) frontend.Circuit {
	at := find(name)
	if at < 0 {
		return &weakened{newCircuit(), nil}
	}
	return &weakened{newCircuit(), statement[at : at+1]}
}

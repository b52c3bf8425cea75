package transfer

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

// Without returns the circuit to compile without a rule, or nil if there is no such rule.
func Without(name string) frontend.Circuit {
	at := slices.IndexFunc(statement, func(r rule) bool { return r.name == name })
	if at < 0 {
		return nil
	}
	return &weakened{newCircuit(), slices.Delete(slices.Clone(statement), at, at+1)}
}

// Only returns the circuit to compile with the derived values and one rule.
func Only(name string) frontend.Circuit {
	at := slices.IndexFunc(statement, func(r rule) bool { return r.name == name })
	if at < 0 {
		return &weakened{newCircuit(), nil}
	}
	return &weakened{newCircuit(), statement[at : at+1]}
}

// Wires of an assignment, for tests that assign what no witness file can express.

func (c *Circuit) SetReal(i int, v frontend.Variable)         { c.Inputs[i].Real = v }
func (c *Circuit) SetInputBucket(i int, v frontend.Variable)  { c.Inputs[i].Bucket = v }
func (c *Circuit) SetOutputBucket(j int, v frontend.Variable) { c.Outputs[j].Bucket = v }
func (c *Circuit) SetInputDigit(i, level int, b0, b1 frontend.Variable) {
	c.Inputs[i].Path.Bits[2*level], c.Inputs[i].Path.Bits[2*level+1] = b0, b1
}

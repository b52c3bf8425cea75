// Package catalog names the circuits of the protocol and tells for each how to compile it, how to read its witness
// files and where its keys are kept.
package catalog

import (
	"errors"
	"fmt"
	"strings"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"sotto/circuits/exit"
	"sotto/circuits/rollup"
	"sotto/circuits/setup"
	"sotto/circuits/transfer"
)

// ErrUnknown says that no circuit has the name asked for.
var ErrUnknown = errors.New("catalog: unknown circuit")

// Circuit is an entry of the catalog.
type Circuit struct {
	Name string
	// Lanes is the number of lanes of a rollup circuit, 0 for any other.
	Lanes int
	// Library is the name of the Solidity library that holds the verifying key.
	Library string
	// New makes the circuit to compile.
	New func() frontend.Circuit
	// Assign parses a witness file (docs/spec/07-witness.md) and returns the assignment and its public inputs in
	// their order. Whether the assignment satisfies the circuit shows in solving only.
	Assign func(witness []byte) (frontend.Circuit, []fr.Element, error)
}

var all = []Circuit{
	{
		Name:    "transfer",
		Library: "TransferKey",
		New:     transfer.New,
		Assign: func(witness []byte) (frontend.Circuit, []fr.Element, error) {
			assignment, h, err := transfer.Assign(witness)
			return assignment, []fr.Element{h}, err
		},
	},
	{Name: "exit", Library: "ExitKey", New: exit.New, Assign: exit.Assign},
	rollupOf(4),
	rollupOf(16),
	{
		Name:    "rollup16blob",
		Lanes:   16,
		Library: "Rollup16BlobKey",
		New:     func() frontend.Circuit { return rollup.NewBlob(16) },
		Assign: func(witness []byte) (frontend.Circuit, []fr.Element, error) {
			return rollup.AssignBlob(16, witness)
		},
	},
}

func rollupOf(lanes int) Circuit {
	return Circuit{
		Name:    fmt.Sprintf("rollup%d", lanes),
		Lanes:   lanes,
		Library: fmt.Sprintf("Rollup%dKey", lanes),
		New:     func() frontend.Circuit { return rollup.New(lanes) },
		Assign: func(witness []byte) (frontend.Circuit, []fr.Element, error) {
			return rollup.Assign(lanes, witness)
		},
	}
}

// All returns every circuit, small before large.
func All() []Circuit { return append([]Circuit(nil), all...) }

// Get returns the circuit of a name, or ErrUnknown.
func Get(name string) (Circuit, error) {
	names := make([]string, 0, len(all))
	for _, c := range all {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Circuit{}, fmt.Errorf("%w %q: there are %s", ErrUnknown, name, strings.Join(names, ", "))
}

// Compile makes the constraint system.
func (c Circuit) Compile() (*cs.R1CS, error) {
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c.New())
	if err != nil {
		return nil, fmt.Errorf("catalog: compile %s: %w", c.Name, err)
	}
	return compiled.(*cs.R1CS), nil
}

// LocalKeys loads the circuit and its keys for local chains from the cache, or makes them, as [setup.Load] does. Anyone
// can forge proofs under these keys.
func (c Circuit) LocalKeys() (*setup.Keys, error) {
	return setup.Load(setup.Circuit{Name: c.Name, Compile: c.Compile}, setup.NewPhase1(setup.LocalSeed))
}

// LocalVerifyingKey is LocalKeys for those who only verify, as [setup.LoadVerifying] does it.
func (c Circuit) LocalVerifyingKey() (*setup.Keys, error) {
	return setup.LoadVerifying(setup.Circuit{Name: c.Name, Compile: c.Compile}, setup.NewPhase1(setup.LocalSeed))
}

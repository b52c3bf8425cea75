package exit_test

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/circuittest"
	"sotto/circuits/exit"
)

// TestMutations changes each scalar of valid witnesses, the public inputs included, one at a time and without mending
// what follows from it. The one thing that a witness leaves free is the key set of an account that has none.
func TestMutations(t *testing.T) {
	keys := regexp.MustCompile(`^Account_Keys_\d$`)
	names, err := circuittest.WireNames(exit.New())
	if err != nil {
		t.Fatal(err)
	}
	for name, leaving := range map[string]func(*scene) leaving{"absent": (*scene).absent, "present": (*scene).present} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "present" {
				t.Skip("solves hundreds of witnesses")
			}
			c := violation{leaving: leaving}.assignment(newScene())
			full, err := frontend.NewWitness(c, ecc.BN254.ScalarField())
			if err != nil {
				t.Fatal(err)
			}
			values := full.Vector().(fr.Vector)
			if len(values) != len(names) {
				t.Fatalf("%d values for %d wires", len(values), len(names))
			}
			if err := compiled().IsSolved(full); err != nil {
				t.Fatalf("valid witness refused: %v", err)
			}
			for i, wire := range names {
				if skipped(wire) {
					continue
				}
				original := values[i]
				for _, value := range circuittest.Mutations(wire, original) {
					values[i] = value
					free := name == "absent" && keys.MatchString(wire)
					if (compiled().IsSolved(full) == nil) != free {
						t.Errorf("%s changed from %s to %s: accepted is %v", wire, original.String(), value.String(), !free)
					}
				}
				values[i] = original
			}
		})
	}
}

var innerChild = regexp.MustCompile(`_Levels_(?:[1-9]|1[0-4])_(\d)$`)

// skipped leaves out three of the four children of an inner node, at random: one stands for all.
func skipped(name string) bool {
	child := innerChild.FindStringSubmatch(name)
	return child != nil && child[1] != strconv.Itoa(rand.IntN(4))
}

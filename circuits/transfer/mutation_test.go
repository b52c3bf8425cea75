package transfer_test

import (
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/circuittest"
	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
)

// free are wires that a valid witness may have with any value, by the name of the wire. Each value is one that the
// statement does not use in that witness.
type free struct{ name, reason string }

var (
	absentKeys   = free{`Account_Keys_\d`, "an absent account shows no key set"}
	noOperation  = free{`(Previous|Replacing)KeySet`, "only an account transaction has an operation"}
	realRandom   = free{`Inputs_0_Random`, "a real note's nullifier needs no random"}
	realRandom1  = free{`Inputs_1_Random`, realRandom.reason}
	dummyNote    = free{`Inputs_1_(Data|R|Rho|Bucket)`, "a dummy's commitment is used nowhere, and its value is 0"}
	unusedTop    = free{`Inputs_1_Path_Levels_15_[123]`, "the root of an unused path is compared with nothing"}
	unusedDigits = free{`Inputs_1_Path_Bits_\d+`, "all four children on the path of an empty leaf are equal"}
	hiddenAsset  = free{`Asset`, "every note is of the fee asset, and nothing is withdrawn"}
	oneAsset     = free{`(Inputs|Outputs)_\d_Bucket`, "the buckets have one asset"}
)

// TestMutations changes each scalar of valid witnesses, one at a time and without mending what follows from it.
func TestMutations(t *testing.T) {
	cases := []struct {
		name  string
		spend func(s *scene) tt.Spend
		free  []free
	}{
		{"plain", (*scene).plain, []free{absentKeys, noOperation, realRandom, realRandom1, oneAsset, hiddenAsset}},
		{"two assets", (*scene).twoAssets, []free{noOperation, realRandom, realRandom1}},
		{"operation", (*scene).operation, []free{realRandom, realRandom1}},
		{
			"dummy", (*scene).withdrawal,
			[]free{absentKeys, noOperation, realRandom, dummyNote, unusedTop, unusedDigits, oneAsset},
		},
		{
			"chained", func(s *scene) tt.Spend {
				spend := s.plain()
				spend.Inputs[1].Chained = true
				return spend
			},
			[]free{absentKeys, noOperation, realRandom, realRandom1, unusedTop, unusedDigits, oneAsset, hiddenAsset},
		},
	}
	names, err := circuittest.WireNames(transfer.New())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if testing.Short() && tc.name != "two assets" {
				t.Skip("solves a thousand witnesses")
			}
			s := newScene()
			full, err := frontend.NewWitness(s.Witness(tc.spend(s)).Circuit(), ecc.BN254.ScalarField())
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
			used := make([]bool, len(tc.free))
			for i, name := range names {
				if skipped(name) {
					continue
				}
				original := values[i]
				for _, value := range circuittest.Mutations(name, original) {
					values[i] = value
					if compiled().IsSolved(full) != nil {
						continue
					}
					if at := indexOf(tc.free, name); at >= 0 {
						used[at] = true
					} else {
						t.Errorf("%s: changed from %s to %s and accepted", name, original.String(), value.String())
					}
				}
				values[i] = original
			}
			for k, f := range tc.free {
				if !used[k] {
					t.Errorf("%s is never free, though %s", f.name, f.reason)
				}
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

func indexOf(list []free, name string) int {
	for i, f := range list {
		if regexp.MustCompile("^" + f.name + "$").MatchString(name) {
			return i
		}
	}
	return -1
}

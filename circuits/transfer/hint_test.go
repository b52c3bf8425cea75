package transfer_test

import (
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint/solver"

	"sotto/circuits/circuittest"
	tt "sotto/circuits/transfer/transfertest"
)

func TestRangesHoldAgainstLyingSolver(t *testing.T) {
	dishonest := circuittest.LieAboutRanges()
	ranges := []string{
		ruleHidden, ruleFeeAsset, ruleFee, rulePublic, ruleAddress, ruleArc, ruleInputRange, ruleOutputRange,
	}
	all := slices.Concat(transactionViolations, accountViolations, noteViolations)
	for _, v := range all {
		if !slices.Contains(ranges, v.rule) {
			continue
		}
		if solve(t, compiled(), v.assignment(newScene()), dishonest) == nil {
			t.Errorf("%s: accepted", v.name)
		}
	}
}

// A challenge below 2^254 - p has two decompositions into 254 bits. The signer who answers the second one, k + p,
// satisfies every other constraint.
func TestChallengeIsCanonical(t *testing.T) {
	room := new(big.Int).Lsh(big.NewInt(1), fr.Bits)
	room.Sub(room, fr.Modulus())
	shifted := func(k *big.Int) *big.Int { return new(big.Int).Add(k, fr.Modulus()) }
	dishonest := circuittest.Lie(func(v *big.Int, out []*big.Int) {
		if len(out) == fr.Bits {
			v = shifted(v)
		}
		circuittest.SetBits(v, out)
	})
	f := tt.NewForger(4242)
	f.Accept = func(challenge, _ *big.Int) bool { return challenge.Cmp(room) < 0 }
	s := newScene()
	if err := solve(t, compiled(), violation{spend: byForger(f)}.assignment(s)); err != nil {
		t.Errorf("canonical challenge refused: %v", err)
	}
	f.Answer = shifted
	c := violation{spend: byForger(f)}.assignment(s)
	if solve(t, compiled(), c, dishonest) == nil {
		t.Error("k + p accepted")
	}
	if err := solve(t, without(t, ruleSignature), c); err != nil {
		t.Errorf("breaks more than the signature: %v", err)
	}
}

// Flags that the circuit derives by an inverse: a solver that claims another one must fail.
func TestFlagsHoldAgainstLyingSolver(t *testing.T) {
	flags := 0
	for _, spend := range []func(*scene) tt.Spend{(*scene).plain, (*scene).operation, (*scene).withdrawal} {
		c := violation{spend: spend}.assignment(newScene())
		flipped, accepted := circuittest.FalseFlags(func(opts ...solver.Option) error {
			return solve(t, compiled(), c, opts...)
		})
		flags += flipped
		if accepted != 0 {
			t.Errorf("%d false flags accepted", accepted)
		}
	}
	if flags == 0 {
		t.Error("no flag was derived by the hint")
	}
}

package transfer_test

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/std/math/bits"

	tt "sotto/circuits/transfer/transfertest"
)

// lie replaces the decomposition into bits that the solver makes, as a dishonest prover can.
func lie(decompose func(v *big.Int, out []*big.Int)) solver.Option {
	for _, h := range bits.GetHints() {
		if strings.HasSuffix(solver.GetHintName(h), ".nBits") {
			return solver.OverrideHint(solver.GetHintID(h), func(_ *big.Int, in, out []*big.Int) error {
				decompose(in[0], out)
				return nil
			})
		}
	}
	panic("the hint for bit decompositions has another name")
}

func setBits(v *big.Int, out []*big.Int) {
	for i := range out {
		out[i].SetUint64(uint64(v.Bit(i)))
	}
}

// A value out of range has no decomposition, but the sum of its bits comes out right when the lowest "bit" holds
// what is too much.
func TestRangesHoldAgainstLyingSolver(t *testing.T) {
	dishonest := lie(func(v *big.Int, out []*big.Int) {
		setBits(v, out)
		rest := new(big.Int).Rsh(v, uint(len(out)))
		rest.Lsh(rest, uint(len(out)))
		out[0].Add(out[0], rest)
	})
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
	dishonest := lie(func(v *big.Int, out []*big.Int) {
		if len(out) == fr.Bits {
			v = shifted(v)
		}
		setBits(v, out)
	})
	f := newForger(4242)
	f.accept = func(challenge, _ *big.Int) bool { return challenge.Cmp(room) < 0 }
	s := newScene()
	if err := solve(t, compiled(), violation{spend: byForger(f)}.assignment(s)); err != nil {
		t.Errorf("canonical challenge refused: %v", err)
	}
	f.answer = shifted
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
	honest, flipped := solver.InvZeroHint, 0
	for _, spend := range []func(*scene) tt.Spend{(*scene).plain, (*scene).operation, (*scene).withdrawal} {
		c := violation{spend: spend}.assignment(newScene())
		for call := 0; ; call++ {
			seen, used := 0, false
			option := solver.OverrideHint(solver.GetHintID(honest), func(p *big.Int, in, out []*big.Int) error {
				if err := honest(p, in, out); err != nil {
					return err
				}
				if seen == call && in[0].Sign() != 0 {
					out[0].SetUint64(0)
					used = true
				}
				seen++
				return nil
			})
			err := solve(t, compiled(), c, option, solver.WithNbTasks(1))
			if used {
				flipped++
				if err == nil {
					t.Errorf("false flag %d accepted", call)
				}
			}
			if seen <= call {
				break
			}
		}
	}
	if flipped == 0 {
		t.Error("no flag was derived by the hint")
	}
}

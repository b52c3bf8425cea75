package blob

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark/constraint/solver"

	"sotto/circuits/circuittest"
)

// division is one use of the hint for reductions: the sum, and the limbs of quotient and remainder to be answered.
type division struct {
	total          *big.Int
	quotient, rest []*big.Int
}

// answer states limbs of other integers, the highest as large as need be.
func (d division) answer(quotient, rest *big.Int) {
	for _, part := range []struct {
		limbs []*big.Int
		value *big.Int
	}{{d.quotient, quotient}, {d.rest, rest}} {
		for k := range limbCount {
			part.limbs[k].Rsh(part.value, uint(k*limbBits))
			if k < limbCount-1 {
				part.limbs[k].And(part.limbs[k], ones(limbBits))
			}
		}
	}
}

// dividing solves with every division but the chosen one honest, which lie changes afterwards; -1 chooses all.
func dividing(chosen int, lie func(division)) (opts []solver.Option, calls *int) {
	calls = new(int)
	override := solver.OverrideHint(solver.GetHintID(divide), func(p *big.Int, in, out []*big.Int) error {
		if err := divide(p, in, out); err != nil {
			return err
		}
		if chosen == -1 || *calls == chosen {
			quotient, rest := join(out[:limbCount]), join(out[limbCount:])
			total := new(big.Int).Mul(quotient, order)
			lie(division{total.Add(total, rest), out[:limbCount], out[limbCount:]})
		}
		*calls++
		return nil
	})
	return []solver.Option{override, solver.WithNbTasks(1)}, calls
}

func lieSystem(t *testing.T) (system, point) {
	s := compile(t, newSample(5, 248, 120))
	words := []*big.Int{below(fieldOrder), below(fieldOrder), add(fieldOrder, -1), big.NewInt(0), below(highBit), below(power(248)), below(power(120))}
	return s, honest(below(power(248)), words...)
}

func TestDivisionsAreConstrained(t *testing.T) {
	s, p := lieSystem(t)
	opts, calls := dividing(-1, func(division) {})
	s.accepts("honest", p, opts...)
	divisions := *calls
	if want := 2 + 3; divisions != want {
		t.Fatalf("%d divisions of 7 words, want %d", divisions, want)
	}
	binary := power(limbCount * limbBits)
	product := new(big.Int).Mul(fieldOrder, binary)
	inverse := new(big.Int).ModInverse(order, binary)
	lies := map[string]func(division){
		"quotient + 1":              func(d division) { d.quotient[0].Add(d.quotient[0], big.NewInt(1)) },
		"quotient - 1":              func(d division) { d.quotient[0].Sub(d.quotient[0], big.NewInt(1)) },
		"remainder + 1":             func(d division) { d.rest[0].Add(d.rest[0], big.NewInt(1)) },
		"remainder - 1":             func(d division) { d.rest[0].Sub(d.rest[0], big.NewInt(1)) },
		"quotient + 2^88":           func(d division) { d.quotient[1].Add(d.quotient[1], big.NewInt(1)) },
		"remainder + 2^176":         func(d division) { d.rest[2].Add(d.rest[2], big.NewInt(1)) },
		"quotient + 1 and the rest": func(d division) { d.shift(1) },
		"all in the remainder":      func(d division) { d.answer(big.NewInt(-1), new(big.Int).Add(d.total, order)) },
		"right modulo p alone": func(d division) {
			quotient := below(power(250))
			rest := new(big.Int).Mul(quotient, order)
			rest.Sub(d.total, rest).Mod(rest, fieldOrder)
			d.answer(quotient, rest)
		},
		"right modulo 2^264 alone": func(d division) {
			for {
				rest := below(power(restBits))
				quotient := new(big.Int).Sub(d.total, rest)
				quotient.Mul(quotient, inverse).Mod(quotient, binary)
				// The narrowest quotient is that of a power: 248 bits.
				if quotient.BitLen() <= 248 && quotient.Cmp(join(d.quotient)) != 0 {
					d.answer(quotient, rest)
					return
				}
			}
		},
		"right modulo both, too large": func(d division) {
			total := new(big.Int).Add(d.total, product)
			quotient, rest := total.DivMod(total, order, new(big.Int))
			d.answer(quotient, rest)
		},
		"remainder's limbs not by 2^88": func(d division) {
			d.rest[0].Add(d.rest[0], power(limbBits))
			d.rest[1].Sub(d.rest[1], big.NewInt(1))
		},
		"quotient's limbs not by 2^88": func(d division) {
			d.quotient[1].Add(d.quotient[1], power(limbBits))
			d.quotient[2].Sub(d.quotient[2], big.NewInt(1))
		},
	}
	for name, lie := range lies {
		for call := range divisions {
			name := fmt.Sprintf("%s in division %d", name, call)
			opts, _ := dividing(call, lie)
			s.refuses(name, p, opts...)
			opts, _ = dividing(call, lie)
			s.refuses(name+" and false bits", p, append(opts, circuittest.LieAboutRanges())...)
		}
	}
	for call := range divisions {
		for limb := range 2 * limbCount {
			for _, value := range []*big.Int{new(big.Int), below(power(79)), below(fieldOrder)} {
				opts, _ := dividing(call, func(d division) {
					limbs := append(append([]*big.Int{}, d.quotient...), d.rest...)
					if limbs[limb].Cmp(value) == 0 {
						value = big.NewInt(1)
					}
					limbs[limb].Set(value)
				})
				s.refuses(fmt.Sprintf("limb %d of division %d", limb, call), p, opts...)
			}
		}
	}
}

// shift moves multiples of n from the remainder to the quotient.
func (d division) shift(multiples int64) {
	moved := new(big.Int).Mul(order, big.NewInt(multiples))
	d.answer(add(join(d.quotient), multiples), moved.Sub(join(d.rest), moved))
}

// A remainder need not be below n on the way. At the end it is y_data, which the precompile refuses from n on.
func TestRemaindersBelowTwoToThe255(t *testing.T) {
	s := compile(t, newSample(2))
	room := new(big.Int).Sub(power(restBits), order)
	largest := add(room, -1)
	for _, c := range []struct {
		rest   *big.Int
		wanted bool
	}{{big.NewInt(5), true}, {largest, true}, {room, false}} {
		z := below(power(248))
		w, v := fieldOrder, new(big.Int)
		for w.Cmp(fieldOrder) >= 0 {
			v = below(fieldOrder)
			w = new(big.Int).Mul(v, z)
			w.Sub(c.rest, w).Mod(w, order)
		}
		p := honest(z, w, v)
		p.y.Add(p.y, order)
		last := 1
		opts, _ := dividing(last, func(d division) {
			d.answer(add(join(d.quotient), -1), new(big.Int).Add(join(d.rest), order))
		})
		if err := s.solve(p, opts...); (err == nil) != c.wanted {
			t.Errorf("remainder n + %v: %v", c.rest, err)
		}
	}
}

// The integer of a field word is the canonical one, whatever the solver claims about its highest bit.
func TestFieldWordsAreCanonical(t *testing.T) {
	s := compile(t, newSample(1))
	claim := func(high *big.Int) solver.Option {
		return solver.OverrideHint(solver.GetHintID(isHigh), func(_ *big.Int, _, out []*big.Int) error {
			out[0].Set(high)
			return nil
		})
	}
	z := big.NewInt(3)
	for _, c := range []struct {
		name   string
		word   *big.Int
		high   int64
		wanted bool
	}{
		{"small, low", big.NewInt(9), 0, true},
		{"small, high", big.NewInt(9), 1, false},
		{"below the overlap, high", add(highBit, -1), 1, false},
		{"first of the overlap, high", highBit, 1, true},
		{"last of the overlap, low", add(power(253), -1), 0, true},
		{"behind the overlap, low", power(253), 0, false},
		{"largest, high", add(fieldOrder, -1), 1, true},
		{"largest, low", add(fieldOrder, -1), 0, false},
		{"small, twice", big.NewInt(9), 2, false},
		{"small, minus once", big.NewInt(9), -1, false},
	} {
		if err := s.solve(honest(z, c.word), claim(big.NewInt(c.high))); (err == nil) != c.wanted {
			t.Errorf("%s: %v", c.name, err)
		}
	}

	// w + p = highBit + (w + 2^253): the limbs of another representative need a bit that is not 0 or 1.
	w := big.NewInt(12345)
	lie := honest(z, new(big.Int).Add(w, fieldOrder))
	lie.words = []*big.Int{w}
	opts := []solver.Option{claim(big.NewInt(1)), circuittest.Lie(func(v *big.Int, out []*big.Int) {
		circuittest.SetBits(v, out)
		if len(out) == 253 {
			out[252].Add(out[252], new(big.Int).Mul(big.NewInt(2), new(big.Int).Rsh(v, 253)))
		}
	})}
	s.refuses("w + p", lie, opts...)
}

// A flipped bit of any decomposition is refused.
func TestBitsAreConstrained(t *testing.T) {
	s, p := lieSystem(t)
	flip := func(chosen, bit int) (opts []solver.Option, widths *[]int) {
		widths = new([]int)
		opts = []solver.Option{solver.WithNbTasks(1), circuittest.Lie(func(v *big.Int, out []*big.Int) {
			circuittest.SetBits(v, out)
			if len(*widths) == chosen {
				out[bit].Xor(out[bit], big.NewInt(1))
			}
			*widths = append(*widths, len(out))
		})}
		return opts, widths
	}
	opts, all := flip(-1, 0)
	s.accepts("honest", p, opts...)
	if len(*all) < 50 {
		t.Fatalf("%d decompositions", len(*all))
	}
	for call, width := range *all {
		for _, bit := range []int{0, random.IntN(width), width - 1} {
			opts, _ := flip(call, bit)
			s.refuses(fmt.Sprintf("bit %d of decomposition %d", bit, call), p, opts...)
		}
	}
}

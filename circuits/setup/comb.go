package setup

import (
	"runtime"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/msm"
)

// comb multiplies one base by many scalars. A scalar is written in signed digits of window bits; table[w][d-1] is
// d * 2^(window*w) times the base, for d up to 2^(window-1), so that a product is one addition per digit.
type comb[P msm.Point] struct {
	window   int
	table    [][]P
	newAdder func() msm.Adder[P]
}

// digitCount leaves one bit more than a scalar has, for the carry of the last signed digit.
func digitCount(window int) int { return (fr.Bits + window) / window }

// newComb makes the table from the bases of all windows, bases[w] being 2^(window*w) times the base.
func newComb[P msm.Point](bases []P, window int, newAdder func() msm.Adder[P]) *comb[P] {
	c := &comb[P]{window: window, table: make([][]P, len(bases)), newAdder: newAdder}
	for w := range c.table {
		c.table[w] = make([]P, 1<<(window-1))
	}
	adder := newAdder()
	sums := make([]P, len(bases))
	for d := range 1 << (window - 1) {
		for w := range bases {
			adder.Add(&sums[w], &bases[w], false)
		}
		adder.Flush()
		for w := range bases {
			c.table[w][d] = sums[w]
		}
	}
	return c
}

// scalarsPerBlock are multiplied window by window, so that one window's part of the table stays in the cache.
const scalarsPerBlock = 16 * msm.Capacity

// multiply returns the base times each scalar, computed on all cores.
func (c *comb[P]) multiply(scalars []fr.Element) []P {
	out := make([]P, len(scalars))
	starts := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			adder := c.newAdder()
			digits := make([]int32, scalarsPerBlock*len(c.table))
			for start := range starts {
				end := min(start+scalarsPerBlock, len(scalars))
				c.multiplyBlock(out[start:end], scalars[start:end], digits, adder)
			}
		})
	}
	for start := 0; start < len(scalars); start += scalarsPerBlock {
		starts <- start
	}
	close(starts)
	wg.Wait()
	return out
}

func (c *comb[P]) multiplyBlock(out []P, scalars []fr.Element, digits []int32, adder msm.Adder[P]) {
	windows := len(c.table)
	for i := range scalars {
		signedDigits(&scalars[i], c.window, digits[i*windows:(i+1)*windows])
	}
	for w := range windows {
		for i := range out {
			switch d := digits[i*windows+w]; {
			case d > 0:
				adder.Add(&out[i], &c.table[w][d-1], false)
			case d < 0:
				adder.Add(&out[i], &c.table[w][-d-1], true)
			}
			if adder.Len() == msm.Capacity {
				adder.Flush()
			}
		}
		adder.Flush()
	}
}

// signedDigits writes s in base 2^window with digits in (-2^(window-1), 2^(window-1)].
func signedDigits(s *fr.Element, window int, out []int32) {
	words := s.Bits()
	carry := int32(0)
	for w := range out {
		position := w * window
		word, offset := position/64, position%64
		var v uint64
		if word < len(words) {
			v = words[word] >> offset
			if offset+window > 64 && word+1 < len(words) {
				v |= words[word+1] << (64 - offset)
			}
		}
		d := int32(v&(1<<window-1)) + carry
		carry = 0
		if d > 1<<(window-1) {
			d -= 1 << window
			carry = 1
		}
		out[w] = d
	}
}

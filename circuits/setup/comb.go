package setup

import (
	"runtime"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// field is the arithmetic of a coordinate field, Fp for G1 and its quadratic extension for G2.
type field[T any] interface {
	*T
	Add(a, b *T) *T
	Sub(a, b *T) *T
	Mul(a, b *T) *T
	Square(a *T) *T
	Double(a *T) *T
	Neg(a *T) *T
	Inverse(a *T) *T
	IsZero() bool
	SetOne() *T
}

// affine is a point of a curve y^2 = x^3 + b; (0, 0) stands for the point at infinity, as in gnark-crypto.
type affine[T any] struct{ X, Y T }

// comb multiplies one base by many scalars. A scalar is written in signed digits of window bits; table[w][d-1] is
// d * 2^(window*w) times the base, for d up to 2^(window-1), so that a product is one addition per digit.
type comb[T any, P field[T]] struct {
	window int
	table  [][]affine[T]
}

// digitCount leaves one bit more than a scalar has, for the carry of the last signed digit.
func digitCount(window int) int { return (fr.Bits + window) / window }

// newComb makes the table from the bases of all windows, bases[w] being 2^(window*w) times the base.
func newComb[T any, P field[T]](bases []affine[T], window int) *comb[T, P] {
	c := &comb[T, P]{window: window, table: make([][]affine[T], len(bases))}
	for w := range c.table {
		c.table[w] = make([]affine[T], 1<<(window-1))
	}
	adder := newAdder[T, P](len(bases))
	sums := make([]affine[T], len(bases))
	for d := range 1 << (window - 1) {
		for w := range bases {
			adder.queue(&sums[w], &bases[w], false)
		}
		adder.flush()
		for w := range bases {
			c.table[w][d] = sums[w]
		}
	}
	return c
}

// scalarsPerBatch shares one field inversion, while a batch still fits the cache.
const scalarsPerBatch = 512

// multiply returns the base times each scalar, computed on all cores.
func (c *comb[T, P]) multiply(scalars []fr.Element) []affine[T] {
	out := make([]affine[T], len(scalars))
	starts := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			adder := newAdder[T, P](scalarsPerBatch)
			digits := make([]int32, scalarsPerBatch*len(c.table))
			for start := range starts {
				end := min(start+scalarsPerBatch, len(scalars))
				c.multiplyBatch(out[start:end], scalars[start:end], digits, adder)
			}
		})
	}
	for start := 0; start < len(scalars); start += scalarsPerBatch {
		starts <- start
	}
	close(starts)
	wg.Wait()
	return out
}

func (c *comb[T, P]) multiplyBatch(out []affine[T], scalars []fr.Element, digits []int32, adder *adder[T, P]) {
	windows := len(c.table)
	for i := range scalars {
		signedDigits(&scalars[i], c.window, digits[i*windows:(i+1)*windows])
	}
	for w := range windows {
		for i := range out {
			switch d := digits[i*windows+w]; {
			case d > 0:
				adder.queue(&out[i], &c.table[w][d-1], false)
			case d < 0:
				adder.queue(&out[i], &c.table[w][-d-1], true)
			}
		}
		adder.flush()
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

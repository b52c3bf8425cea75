package msm

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// multiples returns k * generator for k from 0, infinity first.
func multiples(n int) ([]bn254.G1Affine, []bn254.G2Affine) {
	_, _, generator1, generator2 := bn254.Generators()
	g1, g2 := make([]bn254.G1Affine, n), make([]bn254.G2Affine, n)
	for i := 1; i < n; i++ {
		g1[i].Add(&g1[i-1], &generator1)
		g2[i].Add(&g2[i-1], &generator2)
	}
	return g1, g2
}

func random(n int) []fr.Element {
	out := make([]fr.Element, n)
	for i := range out {
		out[i].MustSetRandom()
	}
	return out
}

func constant(n int, value int64) []fr.Element {
	out := make([]fr.Element, n)
	for i := range out {
		out[i].SetInt64(value)
	}
	return out
}

func TestAdderHandlesAllCases(t *testing.T) {
	g1, g2 := multiples(4)
	var minus1 bn254.G1Affine
	var minus2 bn254.G2Affine
	minus1.Neg(&g1[1])
	minus2.Neg(&g2[1])
	before1 := []bn254.G1Affine{g1[0], g1[1], g1[2], g1[3], minus1}
	before2 := []bn254.G2Affine{g2[0], g2[1], g2[2], g2[3], minus2}
	for _, negate := range []bool{false, true} {
		for p := range 2 { // infinity and the generator
			targets1, targets2 := append([]bn254.G1Affine(nil), before1...), append([]bn254.G2Affine(nil), before2...)
			adder1, adder2 := NewAdderG1(), NewAdderG2()
			adder1.Flush() // nothing
			for i := range targets1 {
				point1, point2 := g1[p], g2[p]
				adder1.Add(&targets1[i], &point1, negate)
				adder2.Add(&targets2[i], &point2, negate)
				point1, point2 = g1[3], g2[3] // the adder keeps none
			}
			adder1.Flush()
			adder2.Flush()
			for i := range targets1 {
				var want1 bn254.G1Affine
				var want2 bn254.G2Affine
				if negate {
					want1.Sub(&before1[i], &g1[p])
					want2.Sub(&before2[i], &g2[p])
				} else {
					want1.Add(&before1[i], &g1[p])
					want2.Add(&before2[i], &g2[p])
				}
				if targets1[i] != want1 || targets2[i] != want2 {
					t.Errorf("case %d, point %d, negate %v differs", i, p, negate)
				}
			}
			if adder1.Len() != 0 || adder2.Len() != 0 {
				t.Error("additions are left")
			}
		}
	}
}

// Digits times their places give the scalar, and every digit has a bucket.
func TestDigits(t *testing.T) {
	last := new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
	scalars := random(20)
	scalars = append(scalars, constant(1, 0)[0], constant(1, 1)[0], constant(1, -1)[0])
	for i := range fr.Bits {
		var power, below fr.Element
		v := new(big.Int).Lsh(big.NewInt(1), uint(i))
		power.SetBigInt(v)
		below.SetBigInt(v.Sub(v, big.NewInt(1)))
		scalars = append(scalars, power, below)
	}
	if got := scalars[22].BigInt(new(big.Int)); got.Cmp(last) != 0 {
		t.Fatal("the largest scalar is not among the cases")
	}
	for places := bestPlaces(1 << 30); places <= bestPlaces(0); places++ {
		recoded := recode(scalars, places)
		for i := range scalars {
			sum := new(big.Int)
			for place := range places {
				bits := width(place, places)
				digits := newReader(place, places)
				d := digits.read(&recoded[i])
				if half := int32(1) << (bits - 1); bits < 2 || bits > maxWidth || d < -half || d > half {
					t.Fatalf("digit %d of %d bits", d, bits)
				}
				term := big.NewInt(int64(d))
				sum.Add(sum, term.Lsh(term, uint(start(place, places))))
			}
			if sum.Cmp(scalars[i].BigInt(new(big.Int))) != 0 {
				t.Fatalf("%d places: %s becomes %s", places, scalars[i].String(), sum)
			}
		}
	}
}

func TestSumsAgainstGnarkCrypto(t *testing.T) {
	const most = 3000
	g1, g2 := multiples(most)
	same1, same2 := make([]bn254.G1Affine, most), make([]bn254.G2Affine, most)
	for i := range same1 {
		same1[i], same2[i] = g1[7], g2[7]
		if i%3 == 0 {
			same1[i].Neg(&same1[i])
			same2[i].Neg(&same2[i])
		}
	}
	bits := constant(most, 1)
	mixed := random(most)
	for i := range mixed {
		switch i % 5 {
		case 0:
			mixed[i].SetZero()
		case 1:
			mixed[i].SetOne()
		case 2:
			mixed[i].SetInt64(-1)
		}
	}
	for i := 0; i < most; i += 2 {
		bits[i].SetZero()
	}
	for name, scalars := range map[string][]fr.Element{
		"random": random(most), "mixed": mixed, "bits": bits, "zeros": constant(most, 0), "ones": constant(most, 1),
		"largest": constant(most, -1), "equal": constant(most, 123456789),
	} {
		for _, n := range []int{0, 1, 2, 3, 50, most} {
			for which, points := range []struct {
				g1 []bn254.G1Affine
				g2 []bn254.G2Affine
			}{{g1, g2}, {same1, same2}} {
				check(t, fmt.Sprintf("%d %s, points %d", n, name, which), points.g1[:n], points.g2[:n], scalars[:n])
			}
		}
	}
}

// check computes a sum in both groups, whole and as two terms, all at once.
func check(t *testing.T, name string, g1 []bn254.G1Affine, g2 []bn254.G2Affine, scalars []fr.Element) {
	t.Helper()
	half := len(scalars) / 2
	whole1 := NewG1(Term[bn254.G1Affine]{Points: g1, Scalars: scalars})
	whole2 := NewG2(Term[bn254.G2Affine]{Points: g2, Scalars: scalars})
	split1 := NewG1(Term[bn254.G1Affine]{Points: g1[half:], Scalars: scalars[half:]},
		Term[bn254.G1Affine]{Points: g1[:half], Scalars: scalars[:half]})
	Run(whole2, split1, whole1)

	var want1 bn254.G1Jac
	var want2 bn254.G2Jac
	if _, err := want1.MultiExp(g1, scalars, ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	if _, err := want2.MultiExp(g2, scalars, ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	got1, other1, got2 := whole1.Result(), split1.Result(), whole2.Result()
	if !got1.Equal(&want1) || !other1.Equal(&want1) || !got2.Equal(&want2) {
		t.Errorf("%s: sums differ", name)
	}
}

// Points of few digits meet in their buckets all the time, whatever the width.
func TestCrowdedBuckets(t *testing.T) {
	g1, _ := multiples(4 * Capacity)
	for _, digits := range [][]int32{{1}, {-1}, {1, -1}, {3, 3, -2}, {1, 2, 3, 4, -4, 0}} {
		b := newBuckets(NewAdderG1())
		for range 2 { // used twice
			b.reset(4)
			var want bn254.G1Jac
			for i := range g1 {
				d := digits[i%len(digits)]
				b.put(&g1[i], d)
				var term bn254.G1Affine
				term.ScalarMultiplication(&g1[i], big.NewInt(int64(d)))
				want.AddMixed(&term)
			}
			b.settle()
			if got := weightedSum[bn254.G1Jac](b); !got.Equal(&want) {
				t.Errorf("digits %v: sums differ", digits)
			}
		}
	}
}

func TestLengthsMustAgree(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a scalar too few")
		}
	}()
	g1, _ := multiples(3)
	NewG1(Term[bn254.G1Affine]{Points: g1, Scalars: random(2)})
}

func BenchmarkG1(b *testing.B) {
	const n = 1 << 15
	g1, _ := multiples(n)
	scalars := random(n)
	b.Run("here", func(b *testing.B) {
		for b.Loop() {
			Run(NewG1(Term[bn254.G1Affine]{Points: g1, Scalars: scalars}))
		}
	})
	b.Run("gnark-crypto", func(b *testing.B) {
		for b.Loop() {
			var sum bn254.G1Jac
			if _, err := sum.MultiExp(g1, scalars, ecc.MultiExpConfig{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package setup

import (
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Wider windows save additions until the tables outgrow the cache (2.9 MB and 3.1 MB here).
const (
	windowG1 = 12
	windowG2 = 11
)

var combG1 = sync.OnceValue(func() *comb[fp.Element, *fp.Element] {
	base, _, _, _ := bn254.Generators()
	bases := make([]affine[fp.Element], digitCount(windowG1))
	for w := range bases {
		var p bn254.G1Affine
		bases[w] = affine[fp.Element](*p.FromJacobian(&base))
		for range windowG1 {
			base.DoubleAssign()
		}
	}
	return newComb[fp.Element, *fp.Element](bases, windowG1)
})

var combG2 = sync.OnceValue(func() *comb[bn254.E2, *bn254.E2] {
	_, base, _, _ := bn254.Generators()
	bases := make([]affine[bn254.E2], digitCount(windowG2))
	for w := range bases {
		var p bn254.G2Affine
		bases[w] = affine[bn254.E2](*p.FromJacobian(&base))
		for range windowG2 {
			base.DoubleAssign()
		}
	}
	return newComb[bn254.E2, *bn254.E2](bases, windowG2)
})

// multiplyG1 returns the generator of G1 times each scalar.
func multiplyG1(scalars []fr.Element) []bn254.G1Affine {
	points := combG1().multiply(scalars)
	out := make([]bn254.G1Affine, len(points))
	for i, p := range points {
		out[i] = bn254.G1Affine(p)
	}
	return out
}

// multiplyG2 returns the generator of G2 times each scalar.
func multiplyG2(scalars []fr.Element) []bn254.G2Affine {
	points := combG2().multiply(scalars)
	out := make([]bn254.G2Affine, len(points))
	for i, p := range points {
		out[i] = bn254.G2Affine(p)
	}
	return out
}

package setup

import (
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/msm"
)

// Wider windows save additions until one window's part of the table (0.25 MB for G1, 0.5 MB for G2) outgrows the cache.
const (
	windowG1 = 13
	windowG2 = 13
)

var combG1 = sync.OnceValue(func() *comb[bn254.G1Affine] {
	base, _, _, _ := bn254.Generators()
	bases := make([]bn254.G1Affine, digitCount(windowG1))
	for w := range bases {
		bases[w].FromJacobian(&base)
		for range windowG1 {
			base.DoubleAssign()
		}
	}
	return newComb(bases, windowG1, msm.NewAdderG1)
})

var combG2 = sync.OnceValue(func() *comb[bn254.G2Affine] {
	_, base, _, _ := bn254.Generators()
	bases := make([]bn254.G2Affine, digitCount(windowG2))
	for w := range bases {
		bases[w].FromJacobian(&base)
		for range windowG2 {
			base.DoubleAssign()
		}
	}
	return newComb(bases, windowG2, msm.NewAdderG2)
})

// multiplyG1 returns the generator of G1 times each scalar.
func multiplyG1(scalars []fr.Element) []bn254.G1Affine { return combG1().multiply(scalars) }

// multiplyG2 returns the generator of G2 times each scalar.
func multiplyG2(scalars []fr.Element) []bn254.G2Affine { return combG2().multiply(scalars) }

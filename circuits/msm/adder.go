// Package msm adds many points of BN254's groups at once: sums of scalar multiples over the bases of a proving key, and
// the batches of affine additions below them, which share one field inversion (Montgomery's trick).
//
// It is not in constant time: on a machine that others share, its running time may tell them how many scalars are 0.
package msm

import "github.com/consensys/gnark-crypto/ecc/bn254"

// Point is an affine point of G1 or of the twist; (0, 0) stands for infinity.
type Point interface {
	bn254.G1Affine | bn254.G2Affine
}

// Adder collects additions and carries them out together, in 5 multiplications and a square each. The two groups
// have one implementation each, since operations reached through type parameters can not be inlined and cost a sixth more.
type Adder[P Point] interface {
	// Add schedules target += point, or -= if negate, and returns true; or it does so at once, if either is infinity or
	// the sum is, and returns false. The point may change afterwards. A target of a scheduled addition must neither
	// change nor be an argument again before Flush. Not more than Capacity additions may be scheduled.
	Add(target, point *P, negate bool) bool
	// Set makes target point, or its opposite if negate.
	Set(target, point *P, negate bool)
	// Len is the number of scheduled additions.
	Len() int
	// Flush carries out what is scheduled.
	Flush()
}

// Capacity is the largest number of additions that an Adder holds.
const Capacity = 256

// Package gadget holds the building blocks of the circuits: the hash, 4-ary Merkle paths, the comparison on the
// ring of an indexed tree, range checks and EdDSA verification.
//
// Every gadget constrains all that it needs of its witness, unless its comment names what the caller must
// constrain. None uses a Pedersen commitment: range checks are plain bit decompositions, and scalar
// multiplications are written out, so that each circuit has exactly the proof and verifying key that the
// contracts expect.
package gadget

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/permutation/poseidon2"

	"sotto/circuits/hash"
)

// Permute applies the permutation of package hash: 264 constraints.
func Permute(api frontend.API, state [hash.Width]frontend.Variable) [hash.Width]frontend.Variable {
	p, err := poseidon2.NewPoseidon2FromParameters(api, hash.Width, hash.FullRounds, hash.PartialRounds)
	if err != nil {
		panic(err) // the circuit is compiled for another field than BN254's scalar field
	}
	if err := p.Permutation(state[:]); err != nil {
		panic(err)
	}
	return state
}

// Compress is [hash.Compress].
func Compress(api frontend.API, x [4]frontend.Variable) frontend.Variable {
	return api.Add(Permute(api, x)[0], x[0])
}

// Sum is [hash.Sum].
func Sum(api frontend.API, tag hash.Tag, xs ...frontend.Variable) frontend.Variable {
	return SumCap(api, hash.Capacity(tag, len(xs)), xs...)
}

// SumCap is [hash.Sum] with the initial capacity element given, for a tag that is selected by the witness. The
// caller constrains capacity to be one of the values of [hash.Capacity] for len(xs) elements: a free capacity
// breaks the separation of tags.
func SumCap(api frontend.API, capacity frontend.Variable, xs ...frontend.Variable) frontend.Variable {
	if len(xs) == 0 {
		panic("gadget: hash of no elements")
	}
	state := [hash.Width]frontend.Variable{0, 0, 0, capacity}
	for start := 0; start < len(xs); start += hash.Rate {
		for i, x := range xs[start:min(start+hash.Rate, len(xs))] {
			state[i] = api.Add(state[i], x)
		}
		state = Permute(api, state)
	}
	return state[0]
}

// SelectCapacity returns the capacity of ifOne when bit is 1 and of ifZero when bit is 0, for n elements. The
// caller constrains bit to be boolean.
func SelectCapacity(api frontend.API, bit frontend.Variable, ifOne, ifZero hash.Tag, n int) frontend.Variable {
	one, zero := hash.Capacity(ifOne, n), hash.Capacity(ifZero, n)
	var difference fr.Element
	difference.Sub(&one, &zero)
	return api.Add(api.Mul(bit, difference), zero)
}

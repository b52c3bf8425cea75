// Package hash implements the protocol's only algebraic hash over the scalar field of BN254.
//
// The permutation is Poseidon2 (eprint 2023/323) of width 4 with s-box x^5, 8 full and 56 partial rounds. Round
// constants and the diagonal of the internal matrix are the ones that the paper's authors published
// (HorizenLabs/poseidon2, poseidon2_rust_params.sage: BN254, t = 4, 128-bit security), taken from gnark-crypto's
// ecc/bn254/fr/poseidon2, whose native permutation and gnark's in-circuit one read the same table. The tests
// regenerate the round constants with the Grain LFSR of the paper and compare a permutation with a second
// implementation written from the paper.
//
// Two functions are built on it, and no other way of hashing field elements is used:
//   - [Compress], the node of a 4-ary Merkle tree, P(x)[0] + x[0]. It has no tag: trees have fixed depths, and each
//     leaf is 0 or a tagged hash.
//   - [Sum], a sponge of rate 3 whose capacity begins as tag * 2^64 + number of elements, so that no two uses
//     and no two lengths share a state.
package hash

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
)

// Parameters of the permutation and of the sponge over it.
const (
	Width         = 4
	FullRounds    = 8
	PartialRounds = 56
	Rate          = 3
)

var permutation = poseidon2.NewPermutation(Width, FullRounds, PartialRounds)

// Permute applies the Poseidon2 permutation to state in place.
func Permute(state *[Width]fr.Element) {
	if err := permutation.Permutation(state[:]); err != nil {
		panic(err) // only a state of another width is refused, which the type excludes
	}
}

// Compress hashes four children to their parent: P(x)[0] + x[0]. Without the feed-forward the permutation could be
// inverted to find children for any parent.
func Compress(x [4]fr.Element) fr.Element {
	first := x[0]
	Permute(&x)
	return *first.Add(&first, &x[0])
}

// Capacity returns the initial capacity element of [Sum] for a tag and a number of elements: tag * 2^64 + n.
func Capacity(tag Tag, n int) fr.Element {
	v := new(big.Int).SetUint64(uint64(tag))
	v.Lsh(v, 64).Add(v, big.NewInt(int64(n)))
	var e fr.Element
	e.SetBigInt(v)
	return e
}

// Sum hashes one or more field elements under a tag. Blocks of three are added into the rate, the last one padded
// with zeros, and each is followed by a permutation; the digest is the first element of the state. Sum panics
// without elements: an empty input is a mistake of the caller.
func Sum(tag Tag, xs ...fr.Element) fr.Element {
	if len(xs) == 0 {
		panic("hash: Sum of no elements")
	}
	var state [Width]fr.Element
	state[Rate] = Capacity(tag, len(xs))
	for start := 0; start < len(xs); start += Rate {
		for i, x := range xs[start:min(start+Rate, len(xs))] {
			state[i].Add(&state[i], &x)
		}
		Permute(&state)
	}
	return state[0]
}

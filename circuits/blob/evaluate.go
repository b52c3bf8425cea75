package blob

import (
	"github.com/consensys/gnark/frontend"
)

// Evaluate returns the 255 bits of an integer that is sum words[i] z^i modulo n. It need not be below n: the verifier
// of the public inputs refuses one that is not.
//
// Powers of z up to a block's length are reduced one by one. Each block of words then is one sum of products with
// them, to which the value of the blocks above it comes with the highest power: one reduction a block.
func Evaluate(api frontend.API, words []Number, z Number) []frontend.Variable {
	length := blockLength(len(words))
	powers := []Number{one, z}
	for len(powers) <= length {
		s := newSum()
		s.add(api, powers[len(powers)-1], z)
		next, _ := s.reduce(api)
		powers = append(powers, next)
	}
	var value Number
	var bits []frontend.Variable
	blocks := (len(words) + length - 1) / length
	for b := blocks - 1; b >= 0; b-- {
		s := newSum()
		if b < blocks-1 {
			s.add(api, value, powers[length])
		}
		for i, word := range words[b*length : min((b+1)*length, len(words))] {
			s.add(api, word, powers[i])
		}
		value, bits = s.reduce(api)
	}
	return bits
}

// blockLength returns the length of blocks with the fewest reductions: length - 1 for powers, one for each block.
func blockLength(words int) int {
	best, fewest := 1, words
	for length := 1; length <= words; length++ {
		if reductions := length - 1 + (words+length-1)/length; reductions < fewest {
			best, fewest = length, reductions
		}
	}
	return best
}

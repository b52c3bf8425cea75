package hash

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// MaxDepth is the greatest height of a 4-ary tree for which the roots of empty subtrees are tabulated.
const MaxDepth = 32

var zeros = func() (z [MaxDepth + 1]fr.Element) {
	for k := range MaxDepth {
		z[k+1] = Compress([4]fr.Element{z[k], z[k], z[k], z[k]})
	}
	return z
}()

// Zero returns the root of the 4-ary tree of the given height all of whose leaves are 0. Height 0 is a leaf. Zero
// panics when height is not in [0, MaxDepth].
func Zero(height int) fr.Element {
	if height < 0 || height > MaxDepth {
		panic(fmt.Sprintf("hash: height %d outside 0..%d", height, MaxDepth))
	}
	return zeros[height]
}

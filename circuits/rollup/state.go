package rollup

import (
	"math/bits"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
	"sotto/circuits/tree"
)

const anchorAgeBits = 2 * tree.RootDepth

func anchorHash(api frontend.API, epochID, noteRoot, accountRoot frontend.Variable) frontend.Variable {
	return gadget.Sum(api, hash.ANCHOR, epochID, noteRoot, accountRoot)
}

// openAnchors opens every slot in the old root tree, at an index not below the oldest epoch allowed. Unused slots
// repeat a used one.
func (c *Circuit) openAnchors(api frontend.API) {
	for k := range c.Anchors {
		a := &c.Anchors[k]
		api.AssertIsEqual(gadget.Root(api, a.Anchor, a.Path), c.Old.RootRoot)
		gadget.AssertRange(api, api.Sub(a.Path.Index(api), c.Header.Oldest), anchorAgeBits)
	}
}

// fill writes leaves as one subtree at the first aligned place at or behind size and returns root and size behind
// it. The place must have been an empty subtree.
func (p *Place) fill(api frontend.API, root, size frontend.Variable, leaves []frontend.Variable) (newRoot, newSize frontend.Variable) {
	start := api.Mul(p.Index, len(leaves))
	if len(leaves) == 1 {
		api.AssertIsEqual(start, size)
	} else {
		gadget.AssertRange(api, api.Sub(start, size), bits.Len(uint(len(leaves)))-1)
	}
	newRoot = gadget.Append(api, root, gadget.Fold(api, leaves), height(len(leaves)), p.Index, p.Levels)
	return newRoot, api.Add(start, len(leaves))
}

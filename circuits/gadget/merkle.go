package gadget

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
)

// Children are the four children of a node on a path, as the tree holds them.
type Children [4]frontend.Variable

// Path leads from a leaf of a 4-ary tree to its root.
type Path struct {
	// Levels holds the children of each node on the path, from the leaf's parent up.
	Levels []Children
	// Bits is the leaf's index in base 2, two bits a level, least significant first. Root and Update constrain
	// them to be boolean.
	Bits []frontend.Variable
}

// NewPath returns a path of the given depth to declare a circuit with.
func NewPath(depth int) Path {
	return Path{Levels: make([]Children, depth), Bits: make([]frontend.Variable, 2*depth)}
}

// Index returns the index of the leaf that the path leads to. It is meaningful once Root or Update constrained the
// bits.
func (p Path) Index(api frontend.API) frontend.Variable {
	index := frontend.Variable(0)
	for i, b := range p.Bits {
		index = api.Add(index, api.Mul(b, uint64(1)<<i))
	}
	return index
}

func (p Path) check(api frontend.API) {
	if len(p.Bits) != 2*len(p.Levels) {
		panic(fmt.Sprintf("gadget: path of %d levels has %d position bits", len(p.Levels), len(p.Bits)))
	}
	for _, b := range p.Bits {
		api.AssertIsBoolean(b)
	}
}

// Root returns the root of the tree that holds leaf where the path says: 270 constraints a level.
func Root(api frontend.API, leaf frontend.Variable, path Path) frontend.Variable {
	path.check(api)
	node := leaf
	for k, children := range path.Levels {
		assertChild(api, node, children, path.Bits[2*k], path.Bits[2*k+1])
		node = Compress(api, children)
	}
	return node
}

// Update returns the roots before and after the leaf at the path changes from old to new: 537 constraints a level.
// The caller ties oldRoot to the tree.
func Update(api frontend.API, old, new frontend.Variable, path Path) (oldRoot, newRoot frontend.Variable) {
	path.check(api)
	for k, children := range path.Levels {
		b0, b1 := path.Bits[2*k], path.Bits[2*k+1]
		assertChild(api, old, children, b0, b1)
		new = Compress(api, replaceChild(api, children, api.Sub(new, old), b0, b1))
		old = Compress(api, children)
	}
	return old, new
}

// Append puts a whole subtree at an empty, aligned place of a tree and returns the new root. The tree before must
// have the given root and hold only zero leaves there. index counts subtrees of this height from the left, below
// 4^len(levels); levels are the children from the subtree's parent up to the root.
func Append(
	api frontend.API, root, subtree frontend.Variable, height int, index frontend.Variable, levels []Children,
) frontend.Variable {
	path := Path{Levels: levels, Bits: api.ToBinary(index, 2*len(levels))}
	oldRoot, newRoot := Update(api, hash.Zero(height), subtree, path)
	api.AssertIsEqual(oldRoot, root)
	return newRoot
}

// Fold returns the root of the 4-ary tree with the given leaves, whose number is a power of four.
func Fold(api frontend.API, leaves []frontend.Variable) frontend.Variable {
	nodes := leaves
	for len(nodes) > 1 {
		if len(nodes)%4 != 0 {
			panic(fmt.Sprintf("gadget: %d leaves are not a power of four", len(leaves)))
		}
		parents := make([]frontend.Variable, len(nodes)/4)
		for i := range parents {
			parents[i] = Compress(api, [4]frontend.Variable(nodes[4*i:4*i+4]))
		}
		nodes = parents
	}
	return nodes[0]
}

func assertChild(api frontend.API, node frontend.Variable, c Children, b0, b1 frontend.Variable) {
	api.AssertIsEqual(node, api.Lookup2(b0, b1, c[0], c[1], c[2], c[3]))
}

// replaceChild adds difference to the child at position b0 + 2*b1.
func replaceChild(api frontend.API, c Children, difference, b0, b1 frontend.Variable) Children {
	high := api.Mul(b1, difference)
	three := api.Mul(b0, high)
	one := api.Sub(api.Mul(b0, difference), three)
	two := api.Sub(high, three)
	zero := api.Sub(difference, one, two, three)
	return Children{api.Add(c[0], zero), api.Add(c[1], one), api.Add(c[2], two), api.Add(c[3], three)}
}

package gadget

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/hash"
)

// tree is a full 4-ary tree, levels[0] being the leaves.
type tree [][]fr.Element

func newTree(leaves []fr.Element) tree {
	t := tree{leaves}
	for len(t[len(t)-1]) > 1 {
		below := t[len(t)-1]
		level := make([]fr.Element, len(below)/4)
		for i := range level {
			level[i] = hash.Compress([4]fr.Element(below[4*i : 4*i+4]))
		}
		t = append(t, level)
	}
	return t
}

func (t tree) root() fr.Element { return t[len(t)-1][0] }

// levels returns the children on the path of node index at the given height.
func (t tree) levels(height, index int) []frontend.Variable {
	var out []frontend.Variable
	for k := height; k < len(t)-1; k++ {
		index /= 4
		out = append(out, variables(t[k][4*index:4*index+4]...)...)
	}
	return out
}

func positionBits(index, depth int) []frontend.Variable {
	out := make([]frontend.Variable, 2*depth)
	for i := range out {
		out[i] = index >> i & 1
	}
	return out
}

func readPath(in []frontend.Variable, depth int) Path {
	return Path{Levels: readLevels(in, depth), Bits: in[4*depth : 6*depth]}
}

func readLevels(in []frontend.Variable, n int) []Children {
	levels := make([]Children, n)
	for k := range levels {
		levels[k] = Children(in[4*k : 4*k+4])
	}
	return levels
}

func testLeaves(n int) []fr.Element {
	leaves := make([]fr.Element, n)
	for i := range leaves {
		leaves[i] = element(int64(100 + 7*i))
	}
	return leaves
}

// ratio returns (a - b) / (c - b): the "bit" at which a line through b and c takes the value a.
func ratio(a, b, c fr.Element) fr.Element {
	a.Sub(&a, &b)
	c.Sub(&c, &b)
	return *a.Div(&a, &c)
}

const testDepth = 3

func TestRoot(t *testing.T) {
	// leaf, root, index, path
	c := compile(t, 3+6*testDepth, func(api frontend.API, in []frontend.Variable) {
		path := readPath(in[3:], testDepth)
		api.AssertIsEqual(Root(api, in[0], path), in[1])
		api.AssertIsEqual(path.Index(api), in[2])
	})
	c.costs(270*testDepth + 2)
	tr := newTree(testLeaves(64))
	witness := func(index int) []frontend.Variable {
		in := []frontend.Variable{tr[0][index], tr.root(), index}
		return append(append(in, tr.levels(0, index)...), positionBits(index, testDepth)...)
	}
	for index := range tr[0] {
		c.accepts("leaf of the tree", witness(index))
	}
	in := witness(37) // digits 1, 1, 2
	c.refuses("another leaf", with(in, 0, 5))
	c.refuses("another index", with(in, 2, 36))
	c.refuses("another root", with(in, 1, 5))
	for level := range testDepth {
		for child := range 4 {
			c.refuses("another child", with(in, 3+4*level+child, 5))
		}
	}
	for bit := range 2 * testDepth {
		c.refuses("another position", with(in, 3+4*testDepth+bit, 1-in[3+4*testDepth+bit].(int)))
	}
	// A leaf that is not in the tree, between two children on a line: only the bit not being boolean gives it away.
	forged := with(with(in, 0, element(5)), 3+4*testDepth, ratio(element(5), tr[0][36], tr[0][37]))
	forged[3+4*testDepth+1] = 0
	c.refuses("first bit not boolean", forged)
	forged = with(with(in, 0, element(5)), 3+4*testDepth, 0)
	forged[3+4*testDepth+1] = ratio(element(5), tr[0][36], tr[0][38])
	c.refuses("second bit not boolean", forged)
}

func TestUpdate(t *testing.T) {
	// old, new, old root, new root, path
	c := compile(t, 4+6*testDepth, func(api frontend.API, in []frontend.Variable) {
		oldRoot, newRoot := Update(api, in[0], in[1], readPath(in[4:], testDepth))
		api.AssertIsEqual(oldRoot, in[2])
		api.AssertIsEqual(newRoot, in[3])
	})
	c.costs(537*testDepth + 2)
	leaves := testLeaves(64)
	before := newTree(leaves)
	witness := func(index int) []frontend.Variable {
		changed := append([]fr.Element(nil), leaves...)
		changed[index] = element(-9)
		in := []frontend.Variable{leaves[index], changed[index], before.root(), newTree(changed).root()}
		return append(append(in, before.levels(0, index)...), positionBits(index, testDepth)...)
	}
	for index := range leaves {
		c.accepts("update", witness(index))
	}
	in := witness(45)
	for i := range 4 + 4*testDepth {
		c.refuses("another value", with(in, i, 5))
	}
	for bit := range 2 * testDepth {
		i := 4 + 4*testDepth + bit
		c.refuses("another position", with(in, i, 1-in[i].(int)))
	}
	// A leaf that is not in the tree, moved by the same difference: the roots stay right.
	moved := element(-9)
	moved.Sub(&moved, &leaves[45])
	absent := element(5)
	moved.Add(&moved, &absent)
	c.refuses("absent leaf", with(with(in, 0, absent), 1, moved))
}

func TestUpdateNeedsBooleanPositions(t *testing.T) {
	c := compile(t, 2+6, func(api frontend.API, in []frontend.Variable) {
		Update(api, in[0], in[1], readPath(in[2:], 1))
	})
	children := testLeaves(4)
	in := append([]frontend.Variable{children[1], 9}, variables(children...)...)
	in = append(in, 1, 0)
	c.accepts("update", in)
	absent := element(5)
	c.refuses("first bit not boolean", with(with(in, 0, absent), 6, ratio(absent, children[0], children[1])))
	c.refuses("second bit not boolean",
		with(with(with(in, 0, absent), 6, 0), 7, ratio(absent, children[0], children[2])))
}

func TestAppend(t *testing.T) {
	const height, above = 1, 2
	// root before, subtree, index, root after, levels
	c := compile(t, 4+4*above, func(api frontend.API, in []frontend.Variable) {
		root := Append(api, in[0], in[1], height, in[2], readLevels(in[4:], above))
		api.AssertIsEqual(root, in[3])
	})
	leaves := make([]fr.Element, 64)
	copy(leaves, testLeaves(20))
	before := newTree(leaves)
	witness := func(index int) []frontend.Variable {
		after := append([]fr.Element(nil), leaves...)
		for i := range 4 {
			after[4*index+i] = element(int64(1000 + i))
		}
		tr := newTree(after)
		in := []frontend.Variable{before.root(), tr[height][index], index, tr.root()}
		return append(in, before.levels(height, index)...)
	}
	for index := 5; index < 16; index++ {
		c.accepts("empty place", witness(index))
	}
	for index := range 5 {
		c.refuses("place that is taken", witness(index))
	}
	in := witness(9)
	for i := range in {
		c.refuses("another value", with(in, i, 5))
	}
	c.refuses("index beyond the tree", with(in, 2, 9+16))
	c.refuses("bits of another index", in, lie(func(_ *big.Int, out []*big.Int) { setBits(big.NewInt(8), out) }))
}

func TestFold(t *testing.T) {
	for n := 1; n <= 64; n *= 4 {
		c := compile(t, n+1, func(api frontend.API, in []frontend.Variable) {
			api.AssertIsEqual(Fold(api, in[:n]), in[n])
		})
		leaves := testLeaves(n)
		in := append(variables(leaves...), newTree(leaves).root())
		c.accepts("root", in)
		c.refuses("another leaf", with(in, n-1, 1))
	}
}

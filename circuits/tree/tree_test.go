package tree

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

func element(v uint64) (e fr.Element) { return *e.SetUint64(v) }

// naiveRoot hashes all leaves of a tree, level by level.
func naiveRoot(leaves []fr.Element) fr.Element {
	for len(leaves) > 1 {
		parents := make([]fr.Element, len(leaves)/4)
		for i := range parents {
			parents[i] = hash.Compress([4]fr.Element(leaves[4*i : 4*i+4]))
		}
		leaves = parents
	}
	return leaves[0]
}

func TestEmptyTree(t *testing.T) {
	for _, depth := range []int{1, 3, NoteDepth} {
		tree := New(depth)
		if tree.Root() != hash.Zero(depth) || tree.Size() != 0 || tree.Depth() != depth {
			t.Errorf("depth %d: wrong empty tree", depth)
		}
	}
}

func TestTreeAgainstNaiveRoot(t *testing.T) {
	const depth, places = 4, 256
	random := rand.New(rand.NewPCG(1, 2))
	tree, leaves := New(depth), make([]fr.Element, places)
	for range 200 {
		index, value := random.Uint64N(places), element(random.Uint64N(3)) // 0 empties a place again
		leaves[index] = value
		if err := tree.Set(index, value); err != nil {
			t.Fatal(err)
		}
		root := naiveRoot(leaves)
		if tree.Root() != root {
			t.Fatal("root differs from the naive one")
		}
		index = random.Uint64N(places)
		path, err := tree.Path(index)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := RootOf(leaves[index], index, path); !ok || got != root {
			t.Fatalf("path of %d leads to another root", index)
		}
		if leaf, err := tree.Leaf(index); err != nil || leaf != leaves[index] {
			t.Fatalf("leaf %d differs", index)
		}
	}
	for index := range uint64(places) {
		if err := tree.Set(index, fr.Element{}); err != nil {
			t.Fatal(err)
		}
	}
	for k, level := range tree.levels {
		if len(level) != 0 {
			t.Errorf("an empty tree holds %d nodes of height %d", len(level), k)
		}
	}
}

func TestAppendAlignsSubtrees(t *testing.T) {
	const depth, places = 4, 256
	tree, leaves := New(depth), make([]fr.Element, places)
	steps := []struct {
		width  int
		number uint64
	}{{1, 0}, {1, 1}, {16, 1}, {4, 8}, {1, 36}, {4, 10}, {64, 1}, {64, 2}, {16, 12}}
	for i, step := range steps {
		added := make([]fr.Element, step.width)
		for k := range added {
			added[k] = element(uint64(1000*i + k + 1))
		}
		height, err := tree.height(step.width)
		if err != nil {
			t.Fatal(err)
		}
		before, err := tree.SubtreePath(height, step.number)
		if err != nil {
			t.Fatal(err)
		}
		if root, ok := RootOf(hash.Zero(height), step.number, before); !ok || root != tree.Root() {
			t.Fatalf("step %d: place is not empty before", i)
		}
		number, err := tree.Append(added)
		if err != nil || number != step.number {
			t.Fatalf("step %d: number %d, %v, want %d", i, number, err, step.number)
		}
		first := int(number) * step.width
		copy(leaves[first:], added)
		if tree.Root() != naiveRoot(leaves) {
			t.Fatalf("step %d: root differs from the naive one", i)
		}
		if tree.Size() != uint64(first+step.width) {
			t.Fatalf("step %d: size %d", i, tree.Size())
		}
		if root, ok := RootOf(naiveRoot(added), number, before); ok || root == tree.Root() {
			t.Fatalf("step %d: the old path holds the new subtree", i)
		}
	}
	if _, err := tree.Append(make([]fr.Element, 64)); !errors.Is(err, ErrFull) {
		t.Errorf("full for 64: %v", err)
	}
	if _, err := tree.Append(make([]fr.Element, 16)); err != nil {
		t.Errorf("place for 16: %v", err)
	}
}

func TestTreeRefusals(t *testing.T) {
	tree := New(2)
	refused := func(name string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	refused("set", tree.Set(16, element(1)), ErrIndex)
	_, err := tree.Leaf(16)
	refused("leaf", err, ErrIndex)
	_, err = tree.Path(16)
	refused("path", err, ErrIndex)
	_, err = tree.SubtreePath(1, 4)
	refused("subtree path", err, ErrIndex)
	_, err = tree.SubtreePath(3, 0)
	refused("height 3", err, ErrSubtree)
	for _, n := range []int{0, 2, 3, 5, 8, 64} {
		_, err = tree.Append(make([]fr.Element, n))
		refused("append", err, ErrSubtree)
	}
	if err := tree.Set(1, element(1)); err != nil {
		t.Fatal(err)
	}
	root := tree.Root()
	_, err = tree.Append(make([]fr.Element, 4))
	refused("append over a leaf", err, ErrOccupied)
	if tree.Root() != root || tree.Size() != 0 {
		t.Error("a refused operation changed the tree")
	}
}

func TestRootOfRefusesForeignPaths(t *testing.T) {
	tree := New(3)
	if err := tree.Set(9, element(9)); err != nil {
		t.Fatal(err)
	}
	path, err := tree.Path(9)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		leaf  fr.Element
		index uint64
		path  []Children
	}{
		"another leaf":     {element(8), 9, path},
		"another index":    {element(9), 8, path},
		"index too large":  {element(9), 9 + 64, path},
		"level missing":    {element(9), 9, path[1:]},
		"levels exchanged": {element(9), 9, []Children{path[0], path[2], path[1]}},
	} {
		if root, ok := RootOf(try.leaf, try.index, try.path); ok && root == tree.Root() {
			t.Errorf("%s: accepted", name)
		}
	}
}

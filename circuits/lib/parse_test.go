package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/babyjub"
	"sotto/circuits/catalog"
	"sotto/circuits/note"
	"sotto/circuits/tree"
)

// update is what the C function does between its pointers.
func update(depth int, positions, leaves, paths []byte) ([]byte, error) {
	u, err := parseTreeUpdate(depth, positions, leaves, paths)
	if err != nil {
		return nil, err
	}
	return u.run(), nil
}

func TestTreeUpdateEndsInTheTreesRoot(t *testing.T) {
	const depth = 5
	native := tree.New(depth)
	for i := range uint64(9) {
		if err := native.Set(i*37, fr.NewElement(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	changes := []uint64{0, 1, 2, 37, 512, 1023}
	var positions, leaves, paths []byte
	for _, index := range changes {
		path, err := native.Path(index)
		if err != nil {
			t.Fatal(err)
		}
		positions = binary.BigEndian.AppendUint64(positions, index)
		leaves = append(leaves, encode([]fr.Element{fr.NewElement(index + 1000)})...)
		for _, children := range path {
			paths = append(paths, encode(children[:])...)
		}
	}
	nodes, err := update(depth, positions, leaves, paths)
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range changes {
		if err := native.Set(index, fr.NewElement(index+1000)); err != nil {
			t.Fatal(err)
		}
	}
	root := native.Root()
	want := root.Bytes()
	last := nodes[len(nodes)-1-indexSize-fr.Bytes:]
	if last[0] != depth || [fr.Bytes]byte(last[1+indexSize:]) != want {
		t.Fatalf("last node %x, want root %x", last, want)
	}
}

func FuzzTreeUpdate(f *testing.F) {
	f.Add(1, make([]byte, 8), make([]byte, 32), make([]byte, 128))
	f.Add(2, make([]byte, 16), make([]byte, 64), make([]byte, 512))
	f.Fuzz(func(t *testing.T, depth int, positions, leaves, paths []byte) {
		n := len(positions) / indexSize
		// The exported function has checked these before.
		if depth < 1 || depth > maxTreeDepth || n == 0 || len(positions)%indexSize != 0 ||
			len(leaves) != n*fr.Bytes || len(paths) != n*depth*childrenSize {
			t.Skip()
		}
		nodes, err := update(depth, positions, leaves, paths)
		if err != nil && !errors.Is(err, errMalformed) {
			t.Fatal(err)
		}
		if err == nil && len(nodes)%(1+indexSize+fr.Bytes) != 0 {
			t.Fatalf("%d bytes of nodes", len(nodes))
		}
	})
}

func FuzzSplitRows(f *testing.F) {
	f.Add(make([]byte, 96), []byte{1, 0, 0, 0, 2, 0, 0, 0})
	f.Add(make([]byte, 32), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{1}, []byte{})
	f.Fuzz(func(t *testing.T, raw, counts []byte) {
		rows, err := splitRows(raw, counts)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Fatal(err)
			}
			return
		}
		total := 0
		for _, row := range rows {
			if len(row) == 0 {
				t.Fatal("empty row")
			}
			total += len(row)
		}
		if total*fr.Bytes != len(raw) {
			t.Fatalf("%d elements of %d bytes", total, len(raw))
		}
	})
}

// The numbers are those of sotto.h: callers in other languages are compiled against them.
func TestStatusNamesTheCause(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errNotFound, 1},
		{malformed("x"), 2},
		{note.ErrLength, 2},
		{babyjub.ErrCoordinate, 2},
		{babyjub.ErrScalar, 2},
		{note.ErrLowOrder, 3},
		{babyjub.ErrIdentity, 3},
		{babyjub.ErrNotOnCurve, 3},
		{babyjub.ErrNotInSubgroup, 3},
		{fmt.Errorf("around: %w", catalog.ErrWitness), 4},
		{fmt.Errorf("around: %w", catalog.ErrKeys), 5},
		{errors.New("anything else"), 6},
	} {
		if got := int(statusOf(c.err)); got != c.want {
			t.Errorf("%v has status %d, not %d", c.err, got, c.want)
		}
	}
}

func TestPanicIsAStatus(t *testing.T) {
	if got := int(guard(nil, func() error { panic("on purpose") })); got != 6 {
		t.Fatalf("status %d", got)
	}
}

package main

/*
#include "sotto.h"
*/
import "C"

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

const (
	indexSize    = 8
	childrenSize = hash.Width * fr.Bytes
	maxTreeDepth = 31 // indices of leaves fit 64 bits
)

// Computes the nodes that change when leaves of a 4-ary tree are replaced. indices holds the leaves' positions (8 bytes each,
// big endian, all different), leaves their new values, and paths for each of them, from leaf to root, the four children of
// the node at that level before the update. nodes receives (height (1 byte) || number (8) || node (32)) for each
// changed inner node, by height and number; the last is the root. Paths are trusted to belong to one tree; two that
// contradict each other are refused.
//
//export sotto_tree_update
func sotto_tree_update(depth C.uint32_t, indices *C.uint8_t, indicesSize C.size_t, leaves *C.uint8_t,
	leavesSize C.size_t, paths *C.uint8_t, pathsSize C.size_t, nodes *C.sotto_buffer, message *C.sotto_buffer) C.int32_t {
	return guard(message, func() error {
		if depth < 1 || depth > maxTreeDepth {
			return malformed("depth %d is not in 1..%d", uint32(depth), maxTreeDepth)
		}
		positions, err := view(indices, indicesSize)
		if err != nil {
			return err
		}
		n := len(positions) / indexSize
		if n == 0 || len(positions)%indexSize != 0 {
			return malformed("indices have %d bytes", len(positions))
		}
		rawLeaves, err := viewExactly("leaves", leaves, leavesSize, n*fr.Bytes)
		if err != nil {
			return err
		}
		rawPaths, err := viewExactly("paths", paths, pathsSize, n*int(depth)*childrenSize)
		if err != nil {
			return err
		}
		u, err := parseTreeUpdate(int(depth), positions, rawLeaves, rawPaths)
		if err != nil {
			return err
		}
		give(nodes, u.run())
		return nil
	})
}

type treeUpdate struct {
	depth int
	// levels[k] holds, by the parent's number, the children of height k of every parent that changes.
	levels  []map[uint64]*[hash.Width]fr.Element
	changed map[uint64]fr.Element
}

func parseTreeUpdate(depth int, positions, rawLeaves, rawPaths []byte) (*treeUpdate, error) {
	leaves, err := elements(rawLeaves)
	if err != nil {
		return nil, err
	}
	children, err := elements(rawPaths)
	if err != nil {
		return nil, err
	}
	u := &treeUpdate{
		depth:   depth,
		levels:  make([]map[uint64]*[hash.Width]fr.Element, depth),
		changed: make(map[uint64]fr.Element, len(leaves)),
	}
	for k := range u.levels {
		u.levels[k] = make(map[uint64]*[hash.Width]fr.Element, len(leaves))
	}
	for i, leaf := range leaves {
		index := binary.BigEndian.Uint64(positions[i*indexSize:])
		if index >= 1<<(2*depth) {
			return nil, malformed("index %d lies outside the tree", index)
		}
		if _, twice := u.changed[index]; twice {
			return nil, malformed("index %d occurs twice", index)
		}
		u.changed[index] = leaf
		for k := range depth {
			index /= hash.Width
			at := (i*depth + k) * hash.Width
			own := [hash.Width]fr.Element(children[at:])
			if other, known := u.levels[k][index]; !known {
				u.levels[k][index] = &own
			} else if *other != own {
				return nil, malformed("paths contradict each other at height %d, node %d", k+1, index)
			}
		}
	}
	return u, nil
}

func (u *treeUpdate) run() []byte {
	var out []byte
	for k, level := range u.levels {
		for index, node := range u.changed {
			level[index/hash.Width][index%hash.Width] = node
		}
		parents := slices.Sorted(maps.Keys(level))
		batch := make([][hash.Width]fr.Element, len(parents))
		for i, parent := range parents {
			batch[i] = *level[parent]
		}
		u.changed = make(map[uint64]fr.Element, len(parents))
		for i, node := range hash.CompressBatch(batch) {
			u.changed[parents[i]] = node
			out = append(out, byte(k+1))
			out = binary.BigEndian.AppendUint64(out, parents[i])
			b := node.Bytes()
			out = append(out, b[:]...)
		}
	}
	return out
}

package rollup

import (
	"slices"

	"sotto/circuits/gadget"
)

// Numbers of words that the layout of an epoch's words fixes.
const (
	FeeSlots       = 4
	ExtensionWords = 12
)

// Header holds the words of the epoch that belong to no lane.
type Header[T any] struct {
	OldState, NewState, OwnAnchor                      T
	Domain, EpochID, Oldest, Now, QueueStart, QueueEnd T
	FeeAssets, FeeTotals                               [FeeSlots]T
	Reserved                                           T
}

// Trees holds roots and sizes of the four trees.
type Trees[T any] = gadget.Trees[T]

// LaneWords holds the words of a lane.
type LaneWords[T any] struct {
	Kind, Link                          T
	PublicValue, PublicAsset, Recipient T
	Anchor                              T
	Named, Nullifiers                   [2]T
	Commitments                         [3]T
	Operation                           T
	Fee, FeeAsset, Expiry               T
	Ext                                 [ExtensionWords]T
}

// Preimage is the content of an operation: the key set hash of id changes from Previous, 0 if id is absent, to Next.
type Preimage[T any] struct{ ID, Previous, Next T }

// ByteWords returns the header's byte words in their order.
func (h *Header[T]) ByteWords() []T {
	words := []T{h.Domain, h.EpochID, h.Oldest, h.Now, h.QueueStart, h.QueueEnd}
	words = append(words, h.FeeAssets[:]...)
	words = append(words, h.FeeTotals[:]...)
	return append(words, h.Reserved)
}

// Words holds the four parts of an epoch's words, in the order of docs/spec/05-epoch.md.
type Words[T any] struct{ L1Field, L1Byte, DataField, DataByte []T }

// WordsOf returns the words of an epoch.
func WordsOf[T any](h *Header[T], lanes []*LaneWords[T], operations []*Preimage[T]) (w Words[T]) {
	w.L1Field = []T{h.OldState, h.NewState, h.OwnAnchor}
	w.L1Byte = h.ByteWords()
	for _, l := range lanes {
		w.L1Field = append(w.L1Field, l.Link)
		w.L1Byte = append(w.L1Byte, l.Kind, l.PublicValue, l.PublicAsset, l.Recipient)
		w.DataField = append(w.DataField, l.Anchor, l.Named[0], l.Named[1], l.Nullifiers[0], l.Nullifiers[1],
			l.Commitments[0], l.Commitments[1], l.Commitments[2], l.Operation)
		w.DataByte = append(w.DataByte, l.Fee, l.FeeAsset, l.Expiry)
		w.DataByte = append(w.DataByte, l.Ext[:]...)
	}
	for _, o := range operations {
		w.DataField = append(w.DataField, o.ID, o.Next)
	}
	return w
}

// All returns the words one part after the other.
func (w *Words[T]) All() []T { return slices.Concat(w.L1Field, w.L1Byte, w.DataField, w.DataByte) }

// L1 returns the words that are in calldata in both data modes.
func (w *Words[T]) L1() []T { return slices.Concat(w.L1Field, w.L1Byte) }

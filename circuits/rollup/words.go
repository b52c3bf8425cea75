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

// Words returns all words of an epoch in the order of docs/spec/05-epoch.md: L1 field, L1 byte, data field and data
// byte words. The first two together are the L1 words.
func Words[T any](h *Header[T], lanes []*LaneWords[T], operations []*Preimage[T]) []T {
	l1Field := []T{h.OldState, h.NewState, h.OwnAnchor}
	l1Byte := h.ByteWords()
	var dataField, dataByte []T
	for _, l := range lanes {
		l1Field = append(l1Field, l.Link)
		l1Byte = append(l1Byte, l.Kind, l.PublicValue, l.PublicAsset, l.Recipient)
		dataField = append(dataField, l.Anchor, l.Named[0], l.Named[1], l.Nullifiers[0], l.Nullifiers[1],
			l.Commitments[0], l.Commitments[1], l.Commitments[2], l.Operation)
		dataByte = append(dataByte, l.Fee, l.FeeAsset, l.Expiry)
		dataByte = append(dataByte, l.Ext[:]...)
	}
	for _, o := range operations {
		dataField = append(dataField, o.ID, o.Next)
	}
	return slices.Concat(l1Field, l1Byte, dataField, dataByte)
}

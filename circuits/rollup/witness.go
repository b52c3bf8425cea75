package rollup

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
	"sotto/circuits/tree"
	"sotto/circuits/witness"
)

// NoPending marks an insertion or operation whose opened leaf is in the tree.
const NoPending = tree.NotPending

// None marks that a lane uses no fee slot, no anchor slot, or that neither nullifier is claimed to be in the tree.
const None = -1

// Witness is the content of a rollup witness file (docs/spec/07-witness.md).
type Witness struct {
	C, Z, Y, M fr.Element
	// YData holds the limbs of y_data, the lower first, if the data words are in a blob. Otherwise it is nil.
	YData      *[2]fr.Element
	Header     Header[fr.Element]
	Old        Trees[fr.Element]
	Anchors    [AnchorSlots]WitnessAnchor
	Lanes      []WitnessLane
	Operations []WitnessOperation
	Subtrees   WitnessSubtrees
}

// Opening is a place in a tree: the index of a leaf or subtree, and the children of each node above it as they were
// before any update, from its parent to the root.
type Opening struct {
	Index uint64
	Path  []tree.Children
}

// WitnessAnchor opens an anchor in the old root tree.
type WitnessAnchor struct {
	Anchor fr.Element
	Opening
}

// WitnessLane holds a lane's words and its choices.
type WitnessLane struct {
	LaneWords[fr.Element]
	FeeSlot, AnchorSlot, Member int
	Insertions                  [2]WitnessInsertion
}

// WitnessInsertion opens the low leaf of a nullifier. Pending is the number 2*lane + i of the earlier insertion of
// this batch whose leaf it is, or NoPending.
type WitnessInsertion struct {
	Low, Next fr.Element
	Pending   int
	Opening
}

// WitnessOperation is a change of the account tree and the leaf it opens. Pending is the number of the earlier
// operation whose leaf it is, or NoPending.
type WitnessOperation struct {
	Preimage[fr.Element]
	Low, LowNext, LowSet fr.Element
	Pending              int
	Opening
}

// WitnessSubtrees holds the places that the epoch's leaves are written to.
type WitnessSubtrees struct{ Note, Nullifier, Account, Root Opening }

// Public returns the public inputs of the proof, in the order of the circuit.
func (w *Witness) Public() []fr.Element {
	limbs := w.dataLimbs()
	return []fr.Element{w.C, w.Z, w.Y, limbs[0], limbs[1], w.M}
}

func (w *Witness) dataLimbs() (limbs [2]fr.Element) {
	if w.YData != nil {
		limbs = *w.YData
	}
	return limbs
}

// Words returns the epoch's words.
func (w *Witness) Words() Words[fr.Element] {
	lanes := make([]*LaneWords[fr.Element], len(w.Lanes))
	for l := range w.Lanes {
		lanes[l] = &w.Lanes[l].LaneWords
	}
	operations := make([]*Preimage[fr.Element], len(w.Operations))
	for a := range w.Operations {
		operations[a] = &w.Operations[a].Preimage
	}
	return WordsOf(&w.Header, lanes, operations)
}

// Inserts says whether the lane inserts its nullifiers.
func (l *WitnessLane) Inserts() bool {
	return l.isKind(KindTransfer) || l.isKind(KindForced) || l.isKind(KindAccount)
}

func (l *WitnessLane) isKind(kind uint64) bool { return l.Kind == fr.NewElement(kind) }

// ErrShape says that a part of a witness has a length or number that the circuit has no place for.
type ErrShape struct{ Part string }

func (e *ErrShape) Error() string {
	return fmt.Sprintf("rollup: witness: %s does not fit the circuit", e.Part)
}

// Assignment returns the assignment of the circuit for this many lanes. It says nothing about validity: a false
// statement has an assignment too, which satisfies no constraint system. It returns ErrLanes or *ErrShape.
func (w *Witness) Assignment() (*Circuit, error) {
	if !Supported(len(w.Lanes)) {
		return nil, ErrLanes(len(w.Lanes))
	}
	if len(w.Operations) != len(w.Lanes)/4 {
		return nil, &ErrShape{"operations"}
	}
	c := newCircuit(len(w.Lanes))
	c.C, c.Z, c.Y, c.M = w.C, w.Z, w.Y, w.M
	limbs := w.dataLimbs()
	c.YDataLow, c.YDataHigh = limbs[0], limbs[1]
	c.Header = variablesOfHeader(&w.Header)
	c.Old = witness.VariablesOfTrees(&w.Old)
	for k := range w.Anchors {
		c.Anchors[k].Anchor = w.Anchors[k].Anchor
		if err := w.Anchors[k].assign(&c.Anchors[k].Path, fmt.Sprintf("anchors[%d]", k)); err != nil {
			return nil, err
		}
	}
	for l := range w.Lanes {
		if err := w.assignLane(&c.Lanes[l], l); err != nil {
			return nil, err
		}
	}
	accounts := 0
	for l := range w.Lanes {
		if w.Lanes[l].isKind(KindAccount) {
			accounts++
		}
	}
	for a := range w.Operations {
		if err := w.Operations[a].assign(&c.Operations[a], a, a < accounts); err != nil {
			return nil, err
		}
	}
	for _, s := range []struct {
		name string
		from *Opening
		to   *Place
	}{
		{"note", &w.Subtrees.Note, &c.Subtrees.Note},
		{"nullifier", &w.Subtrees.Nullifier, &c.Subtrees.Nullifier},
		{"account", &w.Subtrees.Account, &c.Subtrees.Account},
		{"root", &w.Subtrees.Root, &c.Subtrees.Root},
	} {
		s.to.Index = s.from.Index
		if err := s.from.assignLevels(s.to.Levels, "subtrees."+s.name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (w *Witness) assignLane(to *Lane, l int) error {
	lane := &w.Lanes[l]
	part := fmt.Sprintf("lane[%d]", l)
	to.LaneWords = variablesOfLane(&lane.LaneWords)
	for k := range to.KindBits {
		to.KindBits[k] = boolean(lane.isKind(uint64(k + 1)))
	}
	if !oneHot(to.FeeSlot[:], lane.FeeSlot) {
		return &ErrShape{part + ".fee_slot"}
	}
	if !oneHot(to.Member[:], lane.Member) {
		return &ErrShape{part + ".member"}
	}
	if lane.AnchorSlot < None || lane.AnchorSlot >= AnchorSlots {
		return &ErrShape{part + ".anchor_slot"}
	}
	for i := range to.Insertions {
		used := lane.Inserts() || lane.isKind(KindSkipped) && lane.Member == i
		if err := lane.Insertions[i].assign(&to.Insertions[i], fmt.Sprintf("%s.insertions[%d]", part, i), used); err != nil {
			return err
		}
	}
	return nil
}

func (op *WitnessInsertion) assign(to *Insertion, part string, used bool) error {
	to.Low, to.Next = op.Low, op.Next
	if !oneHot(to.Hot, op.Pending) {
		return &ErrShape{part + ".pending"}
	}
	if used && op.Pending == NoPending {
		return op.Opening.assign(&to.Path, part)
	}
	return alone(hash.Sum(hash.NULLIFIER_LEAF, op.Low, op.Next), tree.NullifierDepth).assign(&to.Path, part)
}

func (op *WitnessOperation) assign(to *Operation, a int, used bool) error {
	part := fmt.Sprintf("operations[%d]", a)
	to.Preimage = Preimage[frontend.Variable]{op.ID, op.Previous, op.Next}
	to.Low, to.LowNext, to.LowSet = op.Low, op.LowNext, op.LowSet
	if !oneHot(to.Hot, op.Pending) {
		return &ErrShape{part + ".pending"}
	}
	if used && op.Pending == NoPending {
		return op.Opening.assign(&to.Path, part)
	}
	return alone(hash.Sum(hash.ACCOUNT_LEAF, op.Low, op.LowNext, op.LowSet), tree.AccountDepth).assign(&to.Path, part)
}

// alone returns the opening of the first leaf of a tree that holds nothing else. The circuit recomputes the root of
// every path, also of one that it then disregards, so a leaf without a path needs a consistent one.
func alone(leaf fr.Element, depth int) *Opening {
	o := &Opening{Path: make([]tree.Children, depth)}
	for k := range o.Path {
		o.Path[k][0] = leaf
		leaf = hash.Compress(o.Path[k])
	}
	return o
}

func (o *Opening) assign(to *gadget.Path, part string) error {
	if o.Index>>len(to.Bits) != 0 {
		return &ErrShape{part + ".index"}
	}
	for b := range to.Bits {
		to.Bits[b] = o.Index >> b & 1
	}
	return o.assignLevels(to.Levels, part)
}

func (o *Opening) assignLevels(to []gadget.Children, part string) error {
	if len(o.Path) != len(to) {
		return &ErrShape{part + ".path"}
	}
	for k := range to {
		for i := range to[k] {
			to[k][i] = o.Path[k][i]
		}
	}
	return nil
}

// oneHot fills to with the one-hot form of choice, all 0 for None; it reports whether choice is possible.
func oneHot(to []frontend.Variable, choice int) bool {
	for i := range to {
		to[i] = boolean(i == choice)
	}
	return choice >= None && choice < len(to)
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func variablesOfHeader(h *Header[fr.Element]) (v Header[frontend.Variable]) {
	v.OldState, v.NewState, v.OwnAnchor = h.OldState, h.NewState, h.OwnAnchor
	v.Domain, v.EpochID, v.Oldest, v.Now = h.Domain, h.EpochID, h.Oldest, h.Now
	v.QueueStart, v.QueueEnd, v.Reserved = h.QueueStart, h.QueueEnd, h.Reserved
	for s := range v.FeeAssets {
		v.FeeAssets[s], v.FeeTotals[s] = h.FeeAssets[s], h.FeeTotals[s]
	}
	return v
}

func variablesOfLane(l *LaneWords[fr.Element]) (v LaneWords[frontend.Variable]) {
	v.Kind, v.Link, v.PublicValue, v.PublicAsset, v.Recipient = l.Kind, l.Link, l.PublicValue, l.PublicAsset, l.Recipient
	v.Anchor, v.Operation, v.Fee, v.FeeAsset, v.Expiry = l.Anchor, l.Operation, l.Fee, l.FeeAsset, l.Expiry
	for i := range v.Named {
		v.Named[i], v.Nullifiers[i] = l.Named[i], l.Nullifiers[i]
	}
	for i := range v.Commitments {
		v.Commitments[i] = l.Commitments[i]
	}
	for i := range v.Ext {
		v.Ext[i] = l.Ext[i]
	}
	return v
}

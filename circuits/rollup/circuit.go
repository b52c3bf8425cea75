// Package rollup is the circuit that proves one epoch: N lanes take the state from its old to its new hash
// (docs/spec/05-epoch.md, statement of the rollup circuit).
//
// [New] declares the circuit for compilation, [Assign] turns a witness file (docs/spec/07-witness.md) into an
// assignment and its public inputs. One definition serves N = 4 and N = 16. [NewBlob] and [AssignBlob] are the same for
// epochs whose data words are in a blob (docs/spec/14-blobs.md), which differ in how these are bound alone.
//
// The circuit judges state and the words of the epoch. What the contract judges (docs/spec/06-l1.md) is not
// repeated here: ranges of words that are bytes on L1, the queue's items, the fee assets, the parent's clock. Nor
// does it verify client proofs: a lane's fields are bound to its proof by h alone, so a proof of this circuit means
// nothing without the client proofs of the lanes of kinds 1 and 5 and the queue's check of those of 2, 3 and 4.
package rollup

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/tree"
)

// AnchorSlots is the number of anchors that the lanes of an epoch may use.
const AnchorSlots = 4

// Circuit is the statement for one number of lanes. Its public inputs are the first six fields, in this order.
type Circuit struct {
	C         frontend.Variable `gnark:",public"`
	Z         frontend.Variable `gnark:",public"`
	Y         frontend.Variable `gnark:",public"`
	YDataLow  frontend.Variable `gnark:",public"`
	YDataHigh frontend.Variable `gnark:",public"`
	M         frontend.Variable `gnark:",public"`

	Header     Header[frontend.Variable]
	Old        Trees[frontend.Variable]
	Anchors    [AnchorSlots]Anchor
	Lanes      []Lane
	Operations []Operation
	Subtrees   Subtrees
}

// Anchor opens a leaf of the old root tree.
type Anchor struct {
	Anchor frontend.Variable
	Path   gadget.Path
}

// Lane holds a lane's words and what proves them.
type Lane struct {
	LaneWords[frontend.Variable]

	// KindBits is the one-hot form of kinds 1..5; all are 0 for kind 0.
	KindBits [5]frontend.Variable
	// FeeSlot is the one-hot choice of a fee slot, all 0 for none.
	FeeSlot [FeeSlots]frontend.Variable
	// Member marks the nullifier of a skipped lane that is in the tree.
	Member     [2]frontend.Variable
	Insertions [2]Insertion
}

// Insertion proves that a nullifier is new, or for a skipped lane that it is not.
type Insertion struct {
	Low, Next frontend.Variable
	// Hot is the one-hot choice of the earlier insertion of this batch that is the low leaf, all 0 if the low leaf
	// is in the tree.
	Hot  []frontend.Variable
	Path gadget.Path
}

// Operation is one change of the account tree and its proof. All of it is 0 in an unused slot.
type Operation struct {
	Preimage[frontend.Variable]
	Low, LowNext, LowSet frontend.Variable
	Hot                  []frontend.Variable
	Path                 gadget.Path
}

// Subtrees holds the places that the epoch's leaves are written to.
type Subtrees struct{ Note, Nullifier, Account, Root Place }

// Place is an aligned subtree. Index counts subtrees of its size from the left.
type Place struct {
	Index  frontend.Variable
	Levels []gadget.Children
}

// ErrLanes says that no circuit is defined for a number of lanes.
type ErrLanes int

func (e ErrLanes) Error() string {
	return fmt.Sprintf("rollup: no circuit for %d lanes: use 4 or 16", int(e))
}

// Supported says whether a circuit is defined for n lanes.
func Supported(n int) bool { return n == 4 || n == 16 }

// New returns the circuit for n lanes, to be compiled. It panics unless n is 4 or 16.
func New(n int) frontend.Circuit { return newCircuit(n) }

// NewBlob returns the circuit for n lanes whose data words are in a blob. It panics unless n is 4 or 16.
func NewBlob(n int) frontend.Circuit { return &BlobCircuit{Circuit: *newCircuit(n)} }

func newCircuit(n int) *Circuit {
	if !Supported(n) {
		panic(ErrLanes(n))
	}
	c := &Circuit{Lanes: make([]Lane, n), Operations: make([]Operation, n/4)}
	for k := range c.Anchors {
		c.Anchors[k].Path = gadget.NewPath(tree.RootDepth)
	}
	for l := range c.Lanes {
		for i := range c.Lanes[l].Insertions {
			c.Lanes[l].Insertions[i] = Insertion{
				Hot:  make([]frontend.Variable, 2*l+i),
				Path: gadget.NewPath(tree.NullifierDepth),
			}
		}
	}
	for a := range c.Operations {
		c.Operations[a].Hot = make([]frontend.Variable, a)
		c.Operations[a].Path = gadget.NewPath(tree.AccountDepth)
	}
	c.Subtrees.Note.Levels = make([]gadget.Children, tree.NoteDepth-height(4*n))
	c.Subtrees.Nullifier.Levels = make([]gadget.Children, tree.NullifierDepth-height(4*n))
	c.Subtrees.Account.Levels = make([]gadget.Children, tree.AccountDepth-height(n/4))
	c.Subtrees.Root.Levels = make([]gadget.Children, tree.RootDepth)
	return c
}

// height returns the levels of a 4-ary subtree with the given number of leaves, a power of four.
func height(leaves int) (h int) {
	for ; leaves > 1; leaves /= 4 {
		h++
	}
	return h
}

// Define states the epoch.
func (c *Circuit) Define(api frontend.API) error {
	digests, err := c.transition(api)
	if err != nil {
		return err
	}
	c.bindWords(api, digests)
	return nil
}

// transition states how the epoch takes the old state to the new one, and returns what stands for each lane in c.
func (c *Circuit) transition(api frontend.API) ([]frontend.Variable, error) {
	if !Supported(len(c.Lanes)) {
		return nil, ErrLanes(len(c.Lanes))
	}
	api.AssertIsEqual(c.Header.OldState, gadget.StateHash(api, c.Old))
	api.AssertIsEqual(c.Header.EpochID, c.Old.RootSize)
	api.AssertIsEqual(c.Header.Reserved, 0)
	c.openAnchors(api)

	kinds := make([]kind, len(c.Lanes))
	digests := make([]frontend.Variable, len(c.Lanes))
	queue := c.Header.QueueStart
	for l := range c.Lanes {
		kinds[l] = decodeKind(api, &c.Lanes[l])
		digests[l] = c.Lanes[l].digest(api, kinds[l], c.Header.Domain, queue)
		c.assertAnchorAndExpiry(api, l, kinds[l])
		queue = api.Add(queue, kinds[l].queued(api))
	}
	api.AssertIsEqual(c.Header.QueueEnd, queue)
	c.assertFees(api, kinds)

	next := c.Old
	notes := c.appendNotes(api, kinds)
	next.NoteRoot, next.NoteSize = c.Subtrees.Note.fill(api, c.Old.NoteRoot, c.Old.NoteSize, notes)
	nullifiers, root := c.insertNullifiers(api, kinds)
	next.NullifierRoot, next.NullifierSize = c.Subtrees.Nullifier.fill(api, root, c.Old.NullifierSize, nullifiers)
	accounts, root := c.applyOperations(api, kinds)
	next.AccountRoot, next.AccountSize = c.Subtrees.Account.fill(api, root, c.Old.AccountSize, accounts)

	own := anchorHash(api, c.Header.EpochID, next.NoteRoot, next.AccountRoot)
	api.AssertIsEqual(c.Header.OwnAnchor, own)
	next.RootRoot, next.RootSize = c.Subtrees.Root.fill(api, c.Old.RootRoot, c.Old.RootSize, []frontend.Variable{own})
	api.AssertIsEqual(c.Header.NewState, gadget.StateHash(api, next))
	return digests, nil
}

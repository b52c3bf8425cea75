package exit_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/exit"
	"sotto/circuits/hash"
	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/tree"
)

const (
	ruleState   = "1 state is the hash of the trees"
	ruleLow     = "7 low leaf lies under the nullifier root"
	ruleUnspent = "7 nullifier lies between low and next"
)

// spent leaves with a note that was spent before the freeze.
func spent(s *scene) leaving {
	l := s.absent()
	w := s.secrets(l)
	s.derive(w)
	s.spend(w.Nullifier)
	return l
}

// inventedArc claims a leaf around the nullifier that nobody inserted.
func inventedArc(w *exit.Witness) {
	w.Low.Value, w.Low.Next = add(w.Nullifier, minus(1)), add(w.Nullifier, u(1))
}

func openIndexed(w *exit.Witness, t *tree.Indexed, nullifier fr.Element) {
	index, item := t.Low(nullifier)
	w.Low = exit.Low{
		Value: item.Value, Next: item.Next, Index: index,
		Path: [tree.NullifierDepth]tree.Children(must(t.Path(index))),
	}
}

var nullifierViolations = []violation{
	{
		name: "spent note with an invented low leaf", rule: ruleLow, leaving: spent,
		sealed: func(_ *scene, w *exit.Witness) { inventedArc(w) },
	},
	{
		name: "spent note with the tree before it was spent", rule: ruleLow, leaving: spent,
		sealed: func(_ *scene, w *exit.Witness) { openIndexed(w, tree.NewNullifiers(), w.Nullifier) },
	},
	{
		name: "spent note with an empty leaf", rule: ruleLow, leaving: spent,
		sealed: func(s *scene, w *exit.Witness) {
			inventedArc(w)
			w.Low.Index = s.Nullifiers.Size() + 1
			copy(w.Low.Path[:], must(s.Nullifiers.Path(w.Low.Index)))
		},
	},
	{
		name: "spent note with a leaf of the account tree", rule: ruleLow, leaving: spent,
		sealed: func(s *scene, w *exit.Witness) {
			index, item := s.Accounts.Low(w.Nullifier)
			w.Low.Value, w.Low.Next, w.Low.Index = item.Value, item.Next, index
			copy(w.Low.Path[:], must(s.Accounts.Path(index)))
		},
	},
	{
		name: "spent note with an inner node as low leaf", rule: ruleLow, leaving: spent,
		sealed: func(s *scene, w *exit.Witness) {
			inventedArc(w)
			path := must(s.Nullifiers.Path(0))
			copy(w.Low.Path[:], path[1:])
			w.Low.Index = 0
		},
	},
	{
		name: "low leaf at a wrong digit", rule: ruleLow, leaving: (*scene).absent,
		sealed: func(_ *scene, w *exit.Witness) { w.Low.Index ^= 1 },
	},
	{
		// derive opens the leaf of the nullifier itself, which is on the ring.
		name: "spent note with its own leaf", rule: ruleUnspent, leaving: spent,
	},
	{
		name: "spent note with the leaf before it", rule: ruleUnspent, leaving: spent,
		sealed: func(s *scene, w *exit.Witness) {
			for index := uint64(0); ; index++ {
				if item, ok := s.Nullifiers.Item(index); ok && item.Next == w.Nullifier {
					s.openLow(w, index)
					return
				}
			}
		},
	},
	{
		name: "spent note with another arc", rule: ruleUnspent, leaving: spent,
		sealed: func(s *scene, w *exit.Witness) { s.openLow(w, otherQuarter(s, w.Nullifier)) },
	},
	{
		name: "unspent note with another arc", rule: ruleUnspent, leaving: (*scene).absent,
		sealed: func(s *scene, w *exit.Witness) { s.openLow(w, otherQuarter(s, w.Nullifier)) },
	},
}

// otherQuarter returns a genesis leaf whose arc does not hold the nullifier.
func otherQuarter(s *scene, nullifier fr.Element) uint64 {
	index, _ := s.Nullifiers.Low(nullifier)
	return (index + 1) % 4
}

var stateViolations = []violation{
	{
		name: "note of an invented tree", rule: ruleState, leaving: (*scene).absent,
		secrets: func(_ *scene, w *exit.Witness) {
			w.Value = power(100)
			invented := tt.NewWorld()
			w.Note.Index = invented.Mint(commitment(w))
			w.Note.Path = [tree.NoteDepth]tree.Children(must(invented.Notes.Path(w.Note.Index)))
		},
		fields: func(_ *scene, w *exit.Witness) { w.Trees.NoteRoot = hash.Compress(w.Note.Path[tree.NoteDepth-1]) },
	},
	{
		name: "spent note with an invented nullifier tree", rule: ruleState, leaving: spent,
		sealed: func(_ *scene, w *exit.Witness) { openIndexed(w, tree.NewNullifiers(), w.Nullifier) },
		fields: func(_ *scene, w *exit.Witness) { w.Trees.NullifierRoot = tree.NewNullifiers().Root() },
	},
	{
		name: "another's note with an invented account tree", rule: ruleState, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) {
			invented := tt.NewWorld()
			keys := tt.KeySet(s.bob.First)
			invented.Register(s.bob, keys)
			w.Account = invented.AccountOpening(s.bob.ID(), keys)
		},
		fields: func(_ *scene, w *exit.Witness) {
			w.Trees.AccountRoot = hash.Compress(w.Account.Path[tree.AccountDepth-1])
		},
	},
	{
		name: "another root tree", rule: ruleState, leaving: (*scene).absent,
		fields: func(_ *scene, w *exit.Witness) { w.Trees.RootRoot = u(5) },
	},
	{
		name: "another size", rule: ruleState, leaving: (*scene).absent,
		fields: func(_ *scene, w *exit.Witness) { w.Trees.NullifierSize = u(5) },
	},
	{
		name: "state of another version", rule: ruleState, leaving: (*scene).absent,
		fields: func(_ *scene, w *exit.Witness) { w.State = state(w, u(2), u(0)) },
	},
	{
		name: "state with public state", rule: ruleState, leaving: (*scene).absent,
		fields: func(_ *scene, w *exit.Witness) { w.State = state(w, u(1), u(5)) },
	},
}

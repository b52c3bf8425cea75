package exit_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/exit"
	"sotto/circuits/hash"
	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/tree"
)

const (
	ruleNote      = "5 note lies under the note root"
	ruleNullifier = "6 nullifier"
)

// claimed leaves with another note than the one that is in the tree.
func claimed(change func(s *scene, n *tt.Note)) func(s *scene) leaving {
	return func(s *scene) leaving {
		l := s.absent()
		other := *l.note
		change(s, &other)
		l.note = &other
		return l
	}
}

// withNullifier shows a nullifier that is not the note's.
func withNullifier(nullifier func(s *scene, w *exit.Witness) fr.Element) func(s *scene, w *exit.Witness) {
	return func(s *scene, w *exit.Witness) {
		w.Nullifier = nullifier(s, w)
		index, _ := s.Nullifiers.Low(w.Nullifier)
		s.openLow(w, index)
	}
}

var noteViolations = []violation{
	{
		name: "note that is in no tree", rule: ruleNote,
		leaving: claimed(func(_ *scene, n *tt.Note) { n.Rho = u(1 << 40) }),
	},
	{
		name: "note with another value", rule: ruleNote,
		leaving: claimed(func(_ *scene, n *tt.Note) { n.Value = u(101) }),
	},
	{
		name: "note of another asset", rule: ruleNote,
		leaving: claimed(func(_ *scene, n *tt.Note) { n.Asset = u(1) }),
	},
	{
		name: "note with other data", rule: ruleNote,
		leaving: claimed(func(_ *scene, n *tt.Note) { n.Data = u(0) }),
	},
	{
		name: "note with another r", rule: ruleNote,
		leaving: claimed(func(_ *scene, n *tt.Note) { n.R = u(0) }),
	},
	{
		name: "note of another owner", rule: ruleNote,
		leaving: func(s *scene) leaving {
			l := s.mint(s.bob)
			l.account = s.alice
			return l
		},
	},
	{
		name: "second nullifier key for one note", rule: ruleNote,
		leaving: func(s *scene) leaving {
			l := s.absent()
			l.account.NullifierKey = u(123)
			return l
		},
	},
	{
		name: "note of an application", rule: ruleNote,
		leaving: func(s *scene) leaving {
			l := s.absent()
			note := *l.note
			note.Application = u(5)
			return s.leave(s.alice, &note)
		},
	},
	{
		name: "note under another root", rule: ruleNote, leaving: (*scene).absent,
		secrets: func(_ *scene, w *exit.Witness) {
			other := tt.NewWorld()
			other.Mint(u(1))
			index := other.Mint(commitment(w))
			w.Note.Index = index
			w.Note.Path = [tree.NoteDepth]tree.Children(must(other.Notes.Path(index)))
		},
	},
	{
		name: "wrong digit beside the leaf", rule: ruleNote, leaving: (*scene).absent,
		secrets: func(_ *scene, w *exit.Witness) { w.Note.Index ^= 1 },
	},
	{
		name: "wrong digit below the root", rule: ruleNote, leaving: (*scene).absent,
		secrets: func(_ *scene, w *exit.Witness) { w.Note.Index ^= 1 << 31 },
	},
	{
		name: "leaf of a taller tree", rule: ruleNote, leaving: (*scene).absent,
		secrets: func(s *scene, w *exit.Witness) {
			node := commitment(w)
			w.Note.Index = 0
			for k := range w.Note.Path {
				w.Note.Path[k] = tree.Children{node}
				node = hash.Compress(w.Note.Path[k])
			}
			w.Note.Path[tree.NoteDepth-1][1] = s.Notes.Root()
		},
	},
	{
		name: "inner node as a leaf", rule: ruleNote, leaving: (*scene).absent,
		secrets: func(_ *scene, w *exit.Witness) {
			// The leaf's parent is hashed twice, so all that follows lies one level too low.
			path := w.Note.Path
			copy(w.Note.Path[1:], path[:])
			w.Note.Index <<= 2
		},
	},
	{
		name: "note of a void epoch", rule: ruleNote,
		leaving: func(s *scene) leaving {
			l := s.absent()
			if err := s.Notes.Set(l.index, fr.Element{}); err != nil {
				panic(err)
			}
			return l
		},
	},
	{
		name: "nullifier of a dummy", rule: ruleNullifier, leaving: (*scene).absent,
		sealed: withNullifier(func(_ *scene, w *exit.Witness) fr.Element {
			return hash.Sum(hash.NULLIFIER_DUMMY, w.NullifierKey, commitment(w))
		}),
	},
	{
		name: "nullifier by another key", rule: ruleNullifier, leaving: (*scene).absent,
		sealed: withNullifier(func(_ *scene, w *exit.Witness) fr.Element {
			return hash.Sum(hash.NULLIFIER, u(5), commitment(w))
		}),
	},
	{
		name: "nullifier of another note", rule: ruleNullifier, leaving: (*scene).absent,
		sealed: withNullifier(func(_ *scene, w *exit.Witness) fr.Element {
			other := *w
			other.Note.Rho = u(1 << 40)
			return hash.Sum(hash.NULLIFIER, w.NullifierKey, commitment(&other))
		}),
	},
	{
		name: "any nullifier", rule: ruleNullifier, leaving: (*scene).absent,
		sealed: withNullifier(func(_ *scene, w *exit.Witness) fr.Element { return add(w.Nullifier, u(1)) }),
	},
	{
		name: "spent note with any nullifier", rule: ruleNullifier, leaving: spent,
		sealed: withNullifier(func(_ *scene, w *exit.Witness) fr.Element { return add(w.Nullifier, u(1)) }),
	},
}

// Wires that must be 0 or 1 and are 2, each with a gain for who could assign it.
var booleanViolations = []violation{
	{
		name: "leaf outside the note tree by a path digit of 2", rule: booleans, leaving: (*scene).absent,
		secrets: func(s *scene, w *exit.Witness) {
			// 2 * second - first is the commitment of a note of 2^100 that nobody made.
			w.Value = power(100)
			first := u(5)
			second := add(commitment(w), first)
			second.Halve()
			s.openNote(w, s.Mint(u(0), u(0), first, second)+2)
		},
		wires: func(_ *scene, c *exit.Circuit) { c.Note.Path.Bits[0], c.Note.Path.Bits[1] = 2, 0 },
	},
	{
		name: "leaf outside the account tree by a path digit of 2", rule: booleans, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) {
			// With a digit of 2, the place between the first two leaves takes any value that is 2 * second - first. Bob's
			// leaf with his old key set is one when first is chosen for it.
			w.Account.Keys = tt.KeySet(s.bob.First)
			w.Account.Set = tt.KeySetHash(w.Account.Keys)
			leaf := hash.Sum(hash.ACCOUNT_LEAF, w.Account.Low, w.Account.Next, w.Account.Set)
			accounts := tree.New(tree.AccountDepth)
			second := u(5)
			first := add(second, second)
			first.Sub(&first, &leaf)
			if _, err := accounts.Append([]fr.Element{first, second, {}, {}}); err != nil {
				panic(err)
			}
			copy(w.Account.Path[:], must(accounts.Path(0)))
			w.Account.Index = 0
		},
		fields: func(_ *scene, w *exit.Witness) {
			w.Trees.AccountRoot = hash.Compress(w.Account.Path[tree.AccountDepth-1])
			w.State = state(w, u(1), u(0))
		},
		wires: func(_ *scene, c *exit.Circuit) { c.Account.Path.Bits[0], c.Account.Path.Bits[1] = 2, 0 },
	},
	{
		name: "leaf outside the nullifier tree by a path digit of 2", rule: booleans, leaving: spent,
		sealed: func(_ *scene, w *exit.Witness) {
			w.Low.Value, w.Low.Next = add(w.Nullifier, minus(1)), add(w.Nullifier, u(1))
			leaf := hash.Sum(hash.NULLIFIER_LEAF, w.Low.Value, w.Low.Next)
			nullifiers := tree.New(tree.NullifierDepth)
			second := u(5)
			first := add(second, second)
			first.Sub(&first, &leaf)
			if _, err := nullifiers.Append([]fr.Element{first, second, {}, {}}); err != nil {
				panic(err)
			}
			copy(w.Low.Path[:], must(nullifiers.Path(0)))
			w.Low.Index = 0
		},
		fields: func(_ *scene, w *exit.Witness) {
			w.Trees.NullifierRoot = hash.Compress(w.Low.Path[tree.NullifierDepth-1])
			w.State = state(w, u(1), u(0))
		},
		wires: func(_ *scene, c *exit.Circuit) { c.Low.Path.Bits[0], c.Low.Path.Bits[1] = 2, 0 },
	},
}

package rollup_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/rollup/rolluptest"
	"sotto/circuits/tree"
)

// Parts of the source lines that forgeries of trees violate.
const (
	lineOldState   = "api.AssertIsEqual(c.Header.OldState"
	lineNewState   = "api.AssertIsEqual(c.Header.NewState"
	lineOwnAnchor  = "api.AssertIsEqual(c.Header.OwnAnchor"
	lineEpochID    = "api.AssertIsEqual(c.Header.EpochID"
	lineReserved   = "api.AssertIsEqual(c.Header.Reserved"
	lineQueueEnd   = "api.AssertIsEqual(c.Header.QueueEnd"
	lineOpenAnchor = "gadget.Root(api, a.Anchor, a.Path)"
	lineOldest     = "anchorAgeBits)"
	linePlaceOne   = "api.AssertIsEqual(start, size)"
	linePlace      = "gadget.AssertRange(api, api.Sub(start, size)"
	lineAppend     = "gadget.Append("

	lineHot       = "api.Sub(p.enabled, hot[j])"
	lineHotLow    = "api.Sub(low, p.value)"
	lineHotNext   = "api.Sub(next, p.next)"
	lineHotSet    = "api.Sub(set, p.set)"
	lineInTree    = "api.AssertIsBoolean(inTree)"
	lineChild     = "gadget.Update("
	lineBefore    = "api.Sub(before, root)"
	lineArc       = "gadget.AssertArc(api, op.Low, x, op.Next, on)"
	lineMember    = "api.Sub(op.Low, x)"
	lineMemberBit = "api.AssertIsBoolean(member)"
	lineMemberSum = "api.Add(lane.Member[0], lane.Member[1])"

	lineTaken    = "api.AssertIsEqual(taken, kinds[l].account)"
	linePreimage = "api.Sub(preimage, words[a])"
	lineNewZero  = "assertZeroIf(api, on, api.IsZero(op.Next))"
	lineUnusedID = "api.Sub(1, on), op.ID)"
	lineUnused   = "api.Sub(1, on), op.Next)"
	lineOpArc    = "gadget.AssertArc(api, op.Low, op.ID"
	lineOpLow    = "api.Sub(op.Low, op.ID)"
	lineOpSet    = "api.Sub(op.LowSet, op.Previous)"
)

func headerForgeries() []forgery {
	version := func(header func(*rollup.Witness) *fr.Element, trees func(*rollup.Witness) rollup.Trees[fr.Element]) func(*scene) {
		return sealed(func(s *scene) {
			t := trees(s.w)
			*header(s.w) = hash.Sum(hash.STATE, element(2), t.NoteRoot, t.NoteSize, t.NullifierRoot, t.NullifierSize,
				t.RootRoot, t.RootSize, t.AccountRoot, t.AccountSize, fr.Element{})
		})
	}
	return []forgery{
		{"old state", mixed, sealed(func(s *scene) { bump(&s.w.Header.OldState) }), []string{lineOldState}},
		{"old state of another version", mixed, version(
			func(w *rollup.Witness) *fr.Element { return &w.Header.OldState },
			func(w *rollup.Witness) rollup.Trees[fr.Element] { return w.Old },
		), []string{lineOldState}},
		{"new state", mixed, sealed(func(s *scene) { bump(&s.w.Header.NewState) }), []string{lineNewState}},
		{"new state is the old one", mixed, sealed(func(s *scene) { s.w.Header.NewState = s.w.Header.OldState }), []string{lineNewState}},
		{"epoch id", mixed, settled(func(s *scene) { bump(&s.w.Header.EpochID) }), []string{lineEpochID}},
		{"own anchor", mixed, sealed(func(s *scene) { bump(&s.w.Header.OwnAnchor) }), []string{lineOwnAnchor}},
		{"own anchor of the old roots", mixed, sealed(func(s *scene) {
			s.w.Header.OwnAnchor = rolluptest.AnchorHash(s.w.Header.EpochID, s.w.Old.NoteRoot, s.w.Old.AccountRoot)
		}), []string{lineOwnAnchor}},
		{"reserved", mixed, sealed(func(s *scene) { s.w.Header.Reserved = element(1) }), []string{lineReserved}},
		{"queue end high", mixed, sealed(func(s *scene) { bump(&s.w.Header.QueueEnd) }), []string{lineQueueEnd}},
		{"queue end ignores the skipped lane", mixed, sealed(func(s *scene) {
			s.w.Header.QueueEnd = plus(s.w.Header.QueueEnd, -1)
		}), []string{lineQueueEnd}},
	}
}

// newStateForgeries claim a new state that differs in one of its parts.
func newStateForgeries() (out []forgery) {
	for name, part := range map[string]func(*rollup.Trees[fr.Element]) *fr.Element{
		"note root":      func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.NoteRoot },
		"note size":      func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.NoteSize },
		"nullifier root": func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.NullifierRoot },
		"nullifier size": func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.NullifierSize },
		"root root":      func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.RootRoot },
		"root size":      func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.RootSize },
		"account root":   func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.AccountRoot },
		"account size":   func(t *rollup.Trees[fr.Element]) *fr.Element { return &t.AccountSize },
	} {
		out = append(out,
			forgery{"new " + name, mixed, sealed(func(s *scene) {
				t := s.g.State()
				bump(part(&t))
				s.w.Header.NewState = rolluptest.StateHash(&t)
			}), []string{lineNewState}},
			forgery{"new " + name + " stays old", mixed, sealed(func(s *scene) {
				t := s.g.State()
				*part(&t) = *part(&s.w.Old)
				s.w.Header.NewState = rolluptest.StateHash(&t)
			}), []string{lineNewState}},
			forgery{"old " + name, mixed, sealed(func(s *scene) {
				t := s.w.Old
				bump(part(&t))
				s.w.Header.OldState = rolluptest.StateHash(&t)
			}), []string{lineOldState}})
	}
	return append(out, forgery{"commitments of a skipped lane appended", mixed, func(s *scene) {
		// What Settle does for any lane but a skipped one.
		kind := s.w.Lanes[3].Kind
		s.w.Lanes[3].Kind = element(rollup.KindForced)
		valid := *s.w
		rolluptest.Settle(s.w)
		state := s.w.Header.NewState
		*s.w = valid
		s.w.Lanes[3].Kind = kind
		rolluptest.Settle(s.w)
		s.w.Header.NewState = state
		rolluptest.Seal(s.w)
	}, []string{lineNewState}})
}

func anchorForgeries() []forgery {
	return []forgery{
		{"lane's anchor in no slot", chain, settled(func(s *scene) { bump(&s.w.Lanes[2].Anchor) }), []string{lineAnchor}},
		{"account lane's anchor in no slot", mixed, settled(func(s *scene) { s.w.Lanes[2].Anchor = s.g.Anchors[0] }), []string{lineAnchor}},
		{"forced lane's anchor in no slot", sparse, settled(func(s *scene) { bump(&s.w.Lanes[1].Anchor) }), nil},
		{"skipped lane's anchor in no slot", mixed, settled(func(s *scene) { bump(&s.w.Lanes[3].Anchor) }), nil},
		{"anchor that is no leaf", chain, settled(func(s *scene) {
			bump(&s.w.Anchors[3].Anchor)
			s.w.Lanes[0].Anchor = s.w.Anchors[3].Anchor
		}), []string{lineOpenAnchor}},
		{"anchor at another index", chain, settled(func(s *scene) { s.w.Anchors[0].Index = 2 }), []string{lineOpenAnchor}},
		{"anchor in another tree", chain, settled(func(s *scene) { bump(&s.w.Anchors[1].Path[7][3]) }), []string{lineOpenAnchor}},
		{"own anchor in the new root tree", chain, settled(func(s *scene) {
			path, err := s.g.Roots.Path(2)
			if err != nil {
				panic(err)
			}
			s.w.Anchors[0] = rollup.WitnessAnchor{Anchor: s.g.Anchors[2], Opening: rollup.Opening{Index: 2, Path: path}}
		}), []string{lineOpenAnchor}},
		{"anchor older than the oldest", chain, settled(func(s *scene) { s.w.Header.Oldest = element(2) }), []string{lineOldest}},
		{"anchor as old as the oldest", chain, settled(func(s *scene) { s.w.Header.Oldest = element(1) }), nil},
		{"older anchor in an unused slot", chain, settled(func(s *scene) {
			// Both leaves have one parent, so one path.
			path := s.w.Anchors[0].Path
			s.w.Anchors[3] = rollup.WitnessAnchor{Anchor: s.g.Anchors[0], Opening: rollup.Opening{Path: path}}
		}), []string{lineOldest}},
	}
}

func placeForgeries() []forgery {
	// The place beside it has the same path, while both have one parent.
	move := func(at func(*rollup.Witness) *rollup.Opening, by int) func(*scene) {
		return settled(func(s *scene) { at(s.w).Index += uint64(by) })
	}
	note := func(w *rollup.Witness) *rollup.Opening { return &w.Subtrees.Note }
	nullifier := func(w *rollup.Witness) *rollup.Opening { return &w.Subtrees.Nullifier }
	account := func(w *rollup.Witness) *rollup.Opening { return &w.Subtrees.Account }
	root := func(w *rollup.Witness) *rollup.Opening { return &w.Subtrees.Root }
	full := func(index uint64, size uint64) func(*scene) {
		return settled(func(s *scene) {
			s.w.Old.NoteSize.SetUint64(size)
			s.w.Subtrees.Note.Index = index
		})
	}
	const subtrees = 1 << (2 * (tree.NoteDepth - 2))
	return []forgery{
		{"note place skipped", chain, move(note, 1), []string{linePlace}},
		{"nullifier place skipped", chain, move(nullifier, 1), []string{linePlace}},
		{"account place skipped", chain, move(account, 1), []string{linePlaceOne}},
		{"root place skipped", chain, move(root, 1), []string{linePlaceOne}},
		{"note place used", chain, move(note, -1), []string{linePlace, lineAppend, lineOwnAnchor, lineNewState}},
		{"nullifier place used", chain, move(nullifier, -1), []string{linePlace, lineAppend, lineNewState}},
		{"account place left empty by the last epoch", chain, move(account, -1), []string{linePlaceOne}},
		{"root place used", chain, move(root, -1), []string{linePlaceOne, lineAppend, lineNewState}},
		{"note place in another tree", chain, settled(func(s *scene) { bump(&s.w.Subtrees.Note.Path[13][3]) }), []string{lineAppend}},
		{"nullifier place in another tree", chain, settled(func(s *scene) { bump(&s.w.Subtrees.Nullifier.Path[13][3]) }), []string{lineAppend}},
		{"account place in another tree", chain, settled(func(s *scene) { bump(&s.w.Subtrees.Account.Path[13][3]) }), []string{lineAppend}},
		{"root place in another tree", chain, settled(func(s *scene) { bump(&s.w.Subtrees.Root.Path[12][3]) }), []string{lineAppend}},
		{"last place", first, full(subtrees-1, 16*(subtrees-1)), nil},
		{"last place rounded", first, full(subtrees-1, 16*(subtrees-1)-15), nil},
		{"size within the last place", first, full(subtrees, 16*(subtrees-1)+1), []string{lineAppend}},
		{"full", first, full(subtrees, 16*subtrees), []string{lineAppend}},
		{"full, first place", first, full(0, 16*subtrees), []string{linePlace}},
	}
}

// first is the epoch after genesis, whose note tree is empty.
func first() *scene {
	g := rolluptest.Genesis()
	return &scene{g: g, w: g.Epoch(0, g.NoOp(), g.Transfer(), g.NoOp(), g.NoOp())}
}

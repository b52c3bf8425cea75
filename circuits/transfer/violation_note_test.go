package transfer_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/tree"
)

const (
	ruleInputRange  = "6 range of an input's value"
	ruleMember      = "6 real, not chained: note lies under the note root"
	ruleChained     = "6 real, chained: note is the named commitment"
	ruleDummyValue  = "6 dummy has no value"
	ruleDummyNamed  = "6 dummy names nothing"
	ruleNullifier   = "6 nullifier"
	ruleDifferent   = "7 nullifiers differ"
	ruleOutputRange = "8 range of an output's value"
	ruleCommitment  = "8 commitment of an output"
)

// replaceNullifier changes a nullifier and what follows from it.
func replaceNullifier(w *transfer.Witness, i int, nullifier fr.Element) {
	w.Tx.Nullifiers[i] = nullifier
	for j := range w.Tx.Commitments {
		w.Tx.Commitments[j] = tt.OutputCommitment(w, j)
	}
}

// replaceRho makes output 1 with another rho.
func replaceRho(w *transfer.Witness, rho fr.Element) {
	out := w.Outputs[1]
	w.Tx.Commitments[1] = tt.Commitment(out.Partial, out.Asset, out.Value, rho)
}

var noteViolations = []violation{
	{
		name: "input of 2^120", rule: ruleInputRange,
		spend: func(s *scene) tt.Spend {
			half := power(119)
			return amounts(s, power(120), u(3), half, half, u(0))
		},
	},
	{
		name: "input of -1", rule: ruleInputRange,
		spend: func(s *scene) tt.Spend { return amounts(s, u(100), minus(1), u(70), u(26), u(0)) },
	},
	{
		name: "note of one asset opened as 2^120 of the asset below", rule: ruleInputRange,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, u(0), u(3), power(119), power(119), u(0))
			n := note(s.alice, u(token+1), u(0))
			spend.Inputs[0] = tt.Source{Note: n, Index: s.Mint(n.Commitment())}
			same := *n
			same.Asset, same.Value = u(token), power(120)
			spend.Inputs[0].Note = &same
			return spend
		},
	},
	{
		name: "note that is in no tree", rule: ruleMember, spend: (*scene).plain,
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[0].Rho = u(1 << 40) },
	},
	{
		name: "note with another value", rule: ruleMember,
		spend:   func(s *scene) tt.Spend { return amounts(s, u(100), u(20), u(71), u(47), u(0)) },
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[0].Value = u(101) },
	},
	{
		name: "note under another root", rule: ruleMember, spend: (*scene).plain,
		secrets: func(s *scene, w *transfer.Witness) {
			other := tt.NewWorld()
			index := other.Mint(tt.InputCommitment(w, 0))
			path, _ := other.Notes.Path(index)
			w.Inputs[0].Index, w.Inputs[0].Path = index, [transfer.NoteDepth]tree.Children(path)
		},
	},
	{
		name: "note of another owner", rule: ruleMember,
		spend: func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Inputs[0] = s.mint(s.carol, u(token), u(100))
			return spend
		},
	},
	{
		name: "second nullifier key for one note", rule: ruleMember,
		spend: func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Account.NullifierKey = u(123)
			return spend
		},
	},
	{
		name: "note of an application", rule: ruleMember,
		spend: func(s *scene) tt.Spend {
			spend := s.plain()
			n := note(s.alice, u(token), u(100))
			n.Application = u(5)
			spend.Inputs[0] = tt.Source{Note: n, Index: s.Mint(n.Commitment())}
			return spend
		},
	},
	{
		name: "note of a third asset", rule: ruleMember,
		spend: func(s *scene) tt.Spend {
			spend := s.twoAssets()
			n := note(s.bob, u(77), u(100))
			spend.Inputs[0] = tt.Source{Note: n, Index: s.Mint(n.Commitment())}
			claimed := *n
			claimed.Asset = u(token)
			spend.Inputs[0].Note = &claimed
			return spend
		},
	},
	{
		name: "wrong digit beside the leaf", rule: ruleMember, spend: (*scene).plain,
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[0].Index ^= 1 },
	},
	{
		name: "wrong digit below the root", rule: ruleMember, spend: (*scene).plain,
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[1].Index ^= 1 << 31 },
	},
	{
		name: "leaf of a taller tree", rule: ruleMember, spend: (*scene).plain,
		secrets: func(s *scene, w *transfer.Witness) {
			node := tt.InputCommitment(w, 0)
			w.Inputs[0].Index = 0
			for k := range w.Inputs[0].Path {
				w.Inputs[0].Path[k] = tree.Children{node}
				node = hash.Compress(w.Inputs[0].Path[k])
			}
			w.Inputs[0].Path[transfer.NoteDepth-1][1] = s.Notes.Root()
		},
	},
	{
		name: "inner node as a leaf", rule: ruleMember, spend: (*scene).plain,
		secrets: func(s *scene, w *transfer.Witness) {
			// The leaf's parent is hashed twice, so all that follows lies one level too low.
			path := w.Inputs[0].Path
			copy(w.Inputs[0].Path[1:], path[:])
			w.Inputs[0].Index <<= 2
		},
	},
	{
		name: "chained input that is not the named commitment", rule: ruleChained,
		spend: func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Inputs[0].Chained = true
			return spend
		},
		secrets: func(_ *scene, w *transfer.Witness) { w.Tx.Named[0] = u(5) },
	},
	{
		name: "named commitment with more value", rule: ruleChained,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, u(100), u(20), u(71), u(47), u(0))
			spend.Inputs[0].Chained = true
			return spend
		},
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[0].Value = u(101) },
	},
	{
		name: "dummy with a value", rule: ruleDummyValue,
		spend:   func(s *scene) tt.Spend { return amounts(s, u(100), u(20), u(70), u(47), u(0)) },
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[1].Real = false },
	},
	{
		name: "dummy that names a commitment", rule: ruleDummyNamed, spend: (*scene).withDummy,
		secrets: func(_ *scene, w *transfer.Witness) { w.Tx.Named[1] = u(5) },
	},
	{
		name: "real note with a dummy's nullifier", rule: ruleNullifier, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceNullifier(w, 0, hash.Sum(hash.NULLIFIER_DUMMY, w.NullifierKey, tt.InputCommitment(w, 0)))
		},
	},
	{
		name: "real note with a dummy's nullifier of a random", rule: ruleNullifier, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceNullifier(w, 0, hash.Sum(hash.NULLIFIER_DUMMY, w.NullifierKey, u(5)))
		},
	},
	{
		name: "dummy with the nullifier of a note", rule: ruleNullifier, spend: (*scene).withDummy,
		fields: func(s *scene, w *transfer.Witness) {
			replaceNullifier(w, 1, hash.Sum(hash.NULLIFIER, w.NullifierKey, u(5)))
		},
	},
	{
		name: "nullifier by another key", rule: ruleNullifier, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceNullifier(w, 0, hash.Sum(hash.NULLIFIER, u(5), tt.InputCommitment(w, 0)))
		},
	},
	{
		name: "one note twice", rule: ruleDifferent,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, u(100), u(100), u(70), u(127), u(0))
			spend.Inputs[1] = spend.Inputs[0]
			return spend
		},
	},
	{
		name: "one note in the tree and chained", rule: ruleDifferent,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, u(100), u(100), u(70), u(127), u(0))
			spend.Inputs[1] = spend.Inputs[0]
			spend.Inputs[1].Chained = true
			return spend
		},
	},
	{
		name: "two dummies with one random", rule: ruleDifferent,
		spend:   func(s *scene) tt.Spend { return tt.Spend{Account: s.alice} },
		secrets: func(_ *scene, w *transfer.Witness) { w.Inputs[1].Random = w.Inputs[0].Random },
	},
	{
		name: "output of -1", rule: ruleOutputRange,
		spend: func(s *scene) tt.Spend { return amounts(s, u(100), u(20), u(118), u(0), minus(1)) },
	},
	{
		name: "output of 2^120", rule: ruleOutputRange,
		spend: func(s *scene) tt.Spend {
			return amounts(s, power(119), add(power(119), u(3)), power(120), u(0), u(0))
		},
	},
	{
		name: "rho of another output", rule: ruleCommitment, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceRho(w, hash.Sum(hash.RHO, w.Tx.Nullifiers[0], u(0)))
		},
	},
	{
		name: "rho of an output that does not exist", rule: ruleCommitment, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceRho(w, hash.Sum(hash.RHO, w.Tx.Nullifiers[0], u(3)))
		},
	},
	{
		name: "rho of the second nullifier", rule: ruleCommitment, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceRho(w, hash.Sum(hash.RHO, w.Tx.Nullifiers[1], u(1)))
		},
	},
	{
		name: "rho of a deposit", rule: ruleCommitment, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			replaceRho(w, hash.Sum(hash.RHO_DEPOSIT, w.Tx.Nullifiers[0], u(1)))
		},
	},
	{
		name: "commitment to more value", rule: ruleCommitment, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			more := *w
			more.Outputs[0].Value = u(71)
			w.Tx.Commitments[0] = tt.OutputCommitment(&more, 0)
		},
	},
	{
		name: "commitment to a third asset", rule: ruleCommitment, spend: (*scene).twoAssets,
		fields: func(_ *scene, w *transfer.Witness) {
			other := *w
			other.Outputs[2].Asset = u(77)
			w.Tx.Commitments[2] = tt.OutputCommitment(&other, 2)
		},
	},
}

// Wires that must be 0 or 1 and are 2, each with a gain for who could assign it.
var booleanViolations = []violation{
	{
		name: "leaf outside the tree by a path digit of 2", rule: booleans, spend: (*scene).plain,
		secrets: func(s *scene, w *transfer.Witness) {
			// 2 * second - first is the commitment of a note of 2^100 that nobody made.
			w.Inputs[0].Value, w.Outputs[0].Value = power(100), add(power(100), minus(30))
			first := u(5)
			second := add(tt.InputCommitment(w, 0), first)
			second.Halve()
			index := s.Mint(u(0), u(0), first, second) + 2
			w.NoteRoot = s.Notes.Root()
			path, _ := s.Notes.Path(index)
			w.Inputs[0].Index, w.Inputs[0].Path = index, [transfer.NoteDepth]tree.Children(path)
			path, _ = s.Notes.Path(w.Inputs[1].Index)
			w.Inputs[1].Path = [transfer.NoteDepth]tree.Children(path)
		},
		wires: func(_ *scene, c *transfer.Circuit) { c.SetInputDigit(0, 0, 2, 0) },
	},
	{
		name: "note twice itself by a real of 2", rule: booleans,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, u(100), u(0), u(70), u(27), u(0))
			n := spend.Inputs[1].Note
			double := n.Commitment()
			spend.Inputs[1].Index = s.Mint(*double.Double(&double))
			return spend
		},
		fields: func(_ *scene, w *transfer.Witness) {
			// The selection of tag and preimage extends to 2 * note - dummy: tag 2 * 7 - 8.
			preimage := tt.InputCommitment(w, 1)
			preimage.Double(&preimage).Sub(&preimage, &w.Inputs[1].Random)
			w.Tx.Nullifiers[1] = hash.Sum(2*hash.NULLIFIER-hash.NULLIFIER_DUMMY, w.NullifierKey, preimage)
		},
		wires: func(_ *scene, c *transfer.Circuit) { c.SetReal(1, 2) },
	},
	{
		name: "worthless asset spent as fee asset by a bucket of 2", rule: booleans,
		spend: func(s *scene) tt.Spend {
			// Asset 2 * token - eth counts twice in the fee bucket: 10 of it and 10 ETH become 20 token.
			worthless := u(2*token - eth)
			return tt.Spend{
				Account: s.alice, Asset: u(eth), FeeAsset: u(token),
				Inputs:  [2]tt.Source{s.mint(s.alice, worthless, u(10)), s.mint(s.alice, u(eth), u(10))},
				Outputs: [3]tt.Payment{pay(s.alice, u(token), u(20)), pay(s.alice, u(eth), u(0)), pay(s.alice, u(eth), u(0))},
			}
		},
		wires: func(_ *scene, c *transfer.Circuit) { c.SetInputBucket(0, 2) },
	},
	{
		name: "fee asset turned into hidden asset by an output's bucket of 2", rule: booleans,
		spend: func(s *scene) tt.Spend {
			worthless := u(2*token - eth)
			return tt.Spend{
				Account: s.alice, Asset: u(eth), FeeAsset: u(token),
				Inputs: [2]tt.Source{s.mint(s.alice, u(token), u(20)), s.mint(s.alice, u(eth), u(0))},
				Outputs: [3]tt.Payment{
					pay(s.alice, worthless, u(10)), pay(s.alice, u(eth), u(10)), pay(s.alice, u(eth), u(0)),
				},
			}
		},
		wires: func(_ *scene, c *transfer.Circuit) { c.SetOutputBucket(0, 2) },
	},
}

package transfer_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/tree"
)

const (
	ruleAccountLeaf = "4 account leaf lies under the account root"
	ruleKeySet      = "4 present: keys are the leaf's"
	ruleKey         = "4 present: signing key is one of the keys"
	ruleArc         = "4 absent: id lies between low and next"
	ruleFirstKey    = "4 absent: signing key is the first key"
	ruleSignature   = "5 signature of h by the signing key"
)

// byForger is a plain transfer of an account whose first key is the forger's.
func byForger(f tt.Forger) func(s *scene) tt.Spend {
	return func(s *scene) tt.Spend {
		spend := s.plain()
		spend.Account.First = f
		spend.Inputs = [2]tt.Source{
			s.mint(spend.Account, u(token), u(100)), s.mint(spend.Account, u(token), u(20)),
		}
		return spend
	}
}

// before opens the leaf whose next value is the id of a registered account.
func before(s *scene, id fr.Element) transfer.Account {
	for index := uint64(0); ; index++ {
		if item, ok := s.Accounts.Item(index); ok && item.Next == id {
			return s.AccountLeaf(index, [transfer.Keys]fr.Element{})
		}
	}
}

// otherArc opens a genesis leaf whose arc does not hold the id.
func otherArc(s *scene, w *transfer.Witness) transfer.Account {
	index, _ := s.Accounts.Low(tt.ID(w))
	for other := range uint64(4) {
		if other != index {
			return s.AccountLeaf(other, [transfer.Keys]fr.Element{})
		}
	}
	panic("unreachable")
}

func revoked(s *scene) tt.Spend {
	spend := s.twoAssets()
	spend.Signer = s.bob.First
	return spend
}

var accountViolations = []violation{
	{
		name: "leaf of an invented tree", rule: ruleAccountLeaf, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) {
			invented := tt.NewWorld()
			keys := tt.KeySet(s.bob.First)
			invented.Register(s.bob, keys)
			w.Account = invented.AccountOpening(s.bob.ID(), keys)
		},
	},
	{
		name: "root of an invented tree", rule: ruleAnchor, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) {
			invented := tt.NewWorld()
			keys := tt.KeySet(s.bob.First)
			invented.Register(s.bob, keys)
			w.Account, w.AccountRoot = invented.AccountOpening(s.bob.ID(), keys), invented.Accounts.Root()
		},
		fields: func(s *scene, w *transfer.Witness) {
			w.Tx.Anchor = hash.Sum(hash.ANCHOR, w.EpochID, w.NoteRoot, s.Accounts.Root())
		},
	},
	{
		name: "leaf with another key set", rule: ruleAccountLeaf, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) {
			w.Account.Keys = tt.KeySet(s.bob.First)
			w.Account.Set = tt.KeySetHash(w.Account.Keys)
		},
	},
	{
		name: "wrong digit in the account path", rule: ruleAccountLeaf, spend: (*scene).plain,
		secrets: func(_ *scene, w *transfer.Witness) { w.Account.Index ^= 1 << 20 },
	},
	{
		name: "account path of another leaf", rule: ruleAccountLeaf, spend: (*scene).plain,
		secrets: func(_ *scene, w *transfer.Witness) { w.Account.Index ^= 1 },
	},
	{
		name: "leaf of a taller account tree", rule: ruleAccountLeaf, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) {
			// The true root is a leaf of the path's last level, so the path is one level too long.
			keys := tt.KeySet(s.bob.First)
			leaf := hash.Sum(hash.ACCOUNT_LEAF, w.Account.Low, w.Account.Next, tt.KeySetHash(keys))
			w.Account.Keys, w.Account.Set, w.Account.Index = keys, tt.KeySetHash(keys), 0
			for k := range w.Account.Path {
				w.Account.Path[k] = tree.Children{leaf}
				leaf = hash.Compress(w.Account.Path[k])
			}
			w.Account.Path[transfer.AccountDepth-1][1] = s.Accounts.Root()
		},
	},
	{
		name: "keys that are not in the leaf", rule: ruleKeySet, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) { w.Account.Keys = tt.KeySet(s.bob.First) },
	},
	{
		name: "key added to a set", rule: ruleKeySet, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) { w.Account.Keys = tt.KeySet(s.bobKey, s.bob.First) },
	},
	{name: "first key after another one was registered", rule: ruleKey, spend: revoked},
	{
		name: "stranger's key for a registered account", rule: ruleKey,
		spend: func(s *scene) tt.Spend {
			spend := s.twoAssets()
			spend.Signer = tt.NewKey(0xee)
			return spend
		},
	},
	{
		name: "registered account shown as absent by the leaf before it", rule: ruleArc, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) { w.Account = before(s, s.bob.ID()) },
	},
	{
		name: "registered account shown as absent by another arc", rule: ruleArc, spend: revoked,
		secrets: func(s *scene, w *transfer.Witness) { w.Account = otherArc(s, w) },
	},
	{
		name: "absent account shown by another arc", rule: ruleArc, spend: (*scene).plain,
		secrets: func(s *scene, w *transfer.Witness) { w.Account = otherArc(s, w) },
	},
	{
		name: "stranger's key for an absent account", rule: ruleFirstKey,
		spend: func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Signer = tt.NewKey(0xee)
			return spend
		},
	},
	{
		name: "signing key with another x only", rule: ruleFirstKey,
		spend: func(s *scene) tt.Spend {
			spend := byForger(tt.NewForger(777))(s)
			spend.Signer = tt.Mirrored(tt.NewForger(777), true)
			return spend
		},
	},
	{
		name: "signing key with another y only", rule: ruleFirstKey,
		spend: func(s *scene) tt.Spend {
			spend := byForger(tt.NewForger(777))(s)
			spend.Signer = tt.Mirrored(tt.NewForger(777), false)
			return spend
		},
	},
	{
		name: "signature by another key", rule: ruleSignature, spend: (*scene).plain,
		signed: func(s *scene, w *transfer.Witness) { w.Signature = s.carol.First.Sign(w.Tx.ID()) },
	},
	{
		name: "signature of another h", rule: ruleSignature, spend: (*scene).plain,
		signed: func(s *scene, w *transfer.Witness) { w.Signature = s.alice.First.Sign(u(5)) },
	},
	{
		name: "no signature", rule: ruleSignature, spend: (*scene).plain,
		signed: func(_ *scene, w *transfer.Witness) {
			w.Signature = transfer.Signature{R: transfer.Point{Y: u(1)}}
		},
	},
	{name: "S + l", rule: ruleSignature, spend: byForger(tt.WithLargerS())},
	{name: "key of order two", rule: ruleSignature, spend: byForger(tt.OfOrderTwo())},
}

package exit_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/exit"
	"sotto/circuits/hash"
	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/witness"
)

const (
	ruleAccountLeaf = "3 account leaf lies under the account root"
	ruleKeySet      = "3 present: keys are the leaf's"
	ruleKey         = "3 present: signing key is one of the keys"
	ruleAbsent      = "3 absent: id lies between low and next"
	ruleFirstKey    = "3 absent: signing key is the first key"
	ruleSignature   = "4 signature of the message by the signing key"
)

// byForger leaves with a note of an account whose first key is the forger's.
func byForger(f tt.Forger) func(s *scene) leaving {
	return func(s *scene) leaving {
		account := s.alice
		account.First = f
		return s.mint(account)
	}
}

// revoked leaves with a note of bob, signed by the first key that he gave up.
func revoked(s *scene) leaving {
	l := s.present()
	l.signer = s.bob.First
	return l
}

// before opens the leaf whose next value is the id of a registered account.
func before(s *scene, id fr.Element) witness.Account {
	for index := uint64(0); ; index++ {
		if item, ok := s.Accounts.Item(index); ok && item.Next == id {
			return s.AccountLeaf(index, [4]fr.Element{})
		}
	}
}

// otherArc opens a genesis leaf whose arc does not hold the id.
func otherArc(s *scene, id fr.Element) witness.Account {
	index, _ := s.Accounts.Low(id)
	for other := range uint64(4) {
		if other != index {
			return s.AccountLeaf(other, [4]fr.Element{})
		}
	}
	panic("unreachable")
}

// signedOver signs another request than the one that is made.
func signedOver(change func(r *exit.Request)) func(s *scene, w *exit.Witness) {
	return func(s *scene, w *exit.Witness) {
		other := w.Request
		change(&other)
		w.Signature = s.alice.First.Sign(other.Message())
	}
}

// signedHash signs a hash of the request's fields that is not the message.
func signedHash(tag hash.Tag, fields func(w *exit.Witness) []fr.Element) func(s *scene, w *exit.Witness) {
	return func(s *scene, w *exit.Witness) {
		w.Signature = s.alice.First.Sign(hash.Sum(tag, fields(w)...))
	}
}

var accountViolations = []violation{
	{
		name: "leaf of an invented tree", rule: ruleAccountLeaf, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) {
			invented := tt.NewWorld()
			keys := tt.KeySet(s.bob.First)
			invented.Register(s.bob, keys)
			w.Account = invented.AccountOpening(s.bob.ID(), keys)
		},
	},
	{
		name: "leaf of the nullifier tree", rule: ruleAccountLeaf, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) {
			// (low, next) of another ring: an arc that holds the id says nothing about accounts.
			index, item := s.Nullifiers.Low(s.bob.ID())
			w.Account.Low, w.Account.Next, w.Account.Set = item.Value, item.Next, u(0)
			path := must(s.Nullifiers.Path(index))
			copy(w.Account.Path[:], path)
			w.Account.Index = index
		},
	},
	{
		name: "another leaf's place", rule: ruleAccountLeaf, leaving: (*scene).present,
		secrets: func(_ *scene, w *exit.Witness) { w.Account.Index ^= 1 },
	},
	{
		name: "keys that are not the leaf's", rule: ruleKeySet, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) { w.Account.Keys = tt.KeySet(s.bob.First) },
	},
	{
		name: "revoked first key", rule: ruleKey, leaving: revoked,
	},
	{
		name: "stranger's key for a registered account", rule: ruleKey,
		leaving: func(s *scene) leaving {
			l := s.present()
			l.signer = tt.NewKey(0xee)
			return l
		},
	},
	{
		name: "registered account shown as absent by the leaf before it", rule: ruleAbsent, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) { w.Account = before(s, s.bob.ID()) },
	},
	{
		name: "registered account shown as absent by another arc", rule: ruleAbsent, leaving: revoked,
		secrets: func(s *scene, w *exit.Witness) { w.Account = otherArc(s, s.bob.ID()) },
	},
	{
		name: "absent account shown by another arc", rule: ruleAbsent, leaving: (*scene).absent,
		secrets: func(s *scene, w *exit.Witness) { w.Account = otherArc(s, s.alice.ID()) },
	},
	{
		name: "stranger's key for an absent account", rule: ruleFirstKey,
		leaving: func(s *scene) leaving {
			l := s.absent()
			l.signer = tt.NewKey(0xee)
			return l
		},
	},
	{
		name: "signing key with another x only", rule: ruleFirstKey,
		leaving: func(s *scene) leaving {
			l := byForger(tt.NewForger(777))(s)
			l.signer = tt.Mirrored(tt.NewForger(777), true)
			return l
		},
	},
	{
		name: "signing key with another y only", rule: ruleFirstKey,
		leaving: func(s *scene) leaving {
			l := byForger(tt.NewForger(777))(s)
			l.signer = tt.Mirrored(tt.NewForger(777), false)
			return l
		},
	},
	{
		name: "signature by another key", rule: ruleSignature, leaving: (*scene).absent,
		signed: func(s *scene, w *exit.Witness) { w.Signature = s.bobKey.Sign(w.Message()) },
	},
	{
		name: "signature for another recipient", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedOver(func(r *exit.Request) { r.Recipient = add(r.Recipient, u(1)) }),
	},
	{
		name: "signature for another executor", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedOver(func(r *exit.Request) { r.Executor = add(r.Executor, u(1)) }),
	},
	{
		name: "signature for another fee", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedOver(func(r *exit.Request) { r.Fee = u(0) }),
	},
	{
		name: "signature for another note", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedOver(func(r *exit.Request) { r.Nullifier = add(r.Nullifier, u(1)) }),
	},
	{
		name: "signature for another deployment", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedOver(func(r *exit.Request) { r.Domain = add(r.Domain, u(1)) }),
	},
	{
		name: "signature with recipient and executor exchanged", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedOver(func(r *exit.Request) { r.Recipient, r.Executor = r.Executor, r.Recipient }),
	},
	{
		name: "signature of a transaction's hash", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedHash(hash.TRANSACTION, func(w *exit.Witness) []fr.Element {
			return []fr.Element{w.Domain, w.Nullifier, w.Recipient, w.Executor, w.Fee}
		}),
	},
	{
		name: "signature of a message with a zero behind it", rule: ruleSignature, leaving: (*scene).absent,
		signed: signedHash(hash.EXIT, func(w *exit.Witness) []fr.Element {
			return []fr.Element{w.Domain, w.Nullifier, w.Recipient, w.Executor, w.Fee, u(0)}
		}),
	},
	{
		name: "no signature", rule: ruleSignature, leaving: (*scene).absent,
		signed: func(_ *scene, w *exit.Witness) { w.Signature = witness.Signature{R: witness.Point{Y: u(1)}} },
	},
	{name: "S + l", rule: ruleSignature, leaving: byForger(tt.WithLargerS())},
	{name: "key of order two", rule: ruleSignature, leaving: byForger(tt.OfOrderTwo())},
}

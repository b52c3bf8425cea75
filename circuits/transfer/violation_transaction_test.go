package transfer_test

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
)

const (
	ruleH         = "1 h is the hash of the fields"
	ruleKind      = "1 kind is known"
	ruleAnchor    = "3 anchor is the hash of the roots"
	ruleHidden    = "9 range of the hidden asset"
	ruleFeeAsset  = "9 range of the fee asset"
	ruleFee       = "9 range of the fee"
	rulePublic    = "9 range of the public value"
	ruleSum       = "10 sum over all notes"
	ruleBucket    = "10 sum over the fee bucket"
	rulePubAsset  = "11 public asset"
	ruleRecipient = "11 recipient exactly with a public value"
	ruleAddress   = "11 range of the recipient"
	ruleOperation = "12 operation exactly in an account transaction"
)

// kind gives a transaction a kind, and the operation that the circuit computes for it: a fraction of the hash that
// is 0 for kinds 1 and 3 and the hash itself for kind 5.
func kind(k uint64) func(*scene, *transfer.Witness) {
	return func(_ *scene, w *transfer.Witness) {
		w.Tx.Kind = u(k)
		one, three, eight := u(k), u(k), u(8)
		one.Sub(&one, new(fr.Element).SetOne())
		three = add(three, minus(3))
		operation := hash.Sum(hash.OPERATION, tt.ID(w), w.Operation.Previous, w.Operation.Next)
		operation.Mul(&operation, &one).Mul(&operation, &three).Div(&operation, &eight)
		w.Tx.Operation = operation
	}
}

// amounts sets the values of the inputs and outputs of a plain transfer to keep the sum.
func amounts(s *scene, in0, in1, out0, out1, out2 fr.Element) tt.Spend {
	spend := s.plain()
	spend.Inputs = [2]tt.Source{s.mint(s.alice, u(token), in0), s.mint(s.alice, u(token), in1)}
	for j, v := range []fr.Element{out0, out1, out2} {
		spend.Outputs[j].Value = v
	}
	return spend
}

var transactionViolations = []violation{
	{
		name: "h of another domain", rule: ruleH, spend: (*scene).plain,
		wires: func(_ *scene, c *transfer.Circuit) { c.Tx.Domain = u(0xd1) },
	},
	{
		name: "h of a longer life", rule: ruleH, spend: (*scene).plain,
		wires: func(_ *scene, c *transfer.Circuit) { c.Tx.Expiry = u(1001) },
	},
	{
		name: "h of other ciphertexts", rule: ruleH, spend: (*scene).plain,
		wires: func(_ *scene, c *transfer.Circuit) { c.Tx.ExtensionsHash = u(0xe1) },
	},
	{
		name: "h of another recipient", rule: ruleH, spend: (*scene).withdrawal,
		wires: func(_ *scene, c *transfer.Circuit) { c.Tx.Recipient = u(6) },
	},
	{name: "kind 0", rule: ruleKind, spend: (*scene).plain, fields: kind(0)},
	{name: "kind 2", rule: ruleKind, spend: (*scene).plain, fields: kind(2)},
	{name: "kind 4", rule: ruleKind, spend: (*scene).plain, fields: kind(4)},
	{name: "kind 6", rule: ruleKind, spend: (*scene).plain, fields: kind(6)},
	{name: "kind 2 of a registered account", rule: ruleKind, spend: (*scene).operation, fields: kind(2)},
	{
		name: "anchor of nothing", rule: ruleAnchor, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Anchor = u(0) },
	},
	{
		name: "anchor of another epoch", rule: ruleAnchor, spend: (*scene).plain,
		signed: func(_ *scene, w *transfer.Witness) { w.EpochID = u(8) },
	},
	{
		name: "hidden asset 2^64", rule: ruleHidden,
		spend: func(s *scene) tt.Spend {
			asset := power(64)
			return tt.Spend{
				Account: s.alice, Asset: asset, Inputs: [2]tt.Source{s.mint(s.alice, asset, u(5))},
				Outputs: [3]tt.Payment{pay(s.carol, asset, u(5))},
			}
		},
	},
	{
		name: "hidden asset -1", rule: ruleHidden,
		spend: func(s *scene) tt.Spend { return tt.Spend{Account: s.alice, Asset: minus(1)} },
	},
	{
		name: "fee asset 2^64", rule: ruleFeeAsset,
		spend: func(s *scene) tt.Spend {
			return tt.Spend{
				Account: s.alice, Asset: u(token), FeeAsset: power(64), Fee: u(5),
				Inputs:  [2]tt.Source{s.mint(s.alice, u(token), u(7)), s.mint(s.alice, power(64), u(5))},
				Outputs: [3]tt.Payment{pay(s.carol, u(token), u(7)), pay(s.alice, u(token), u(0)), pay(s.alice, u(token), u(0))},
			}
		},
	},
	{
		name: "fee -1", rule: ruleFee,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, u(100), u(20), u(70), u(51), u(0))
			spend.Fee = minus(1)
			return spend
		},
	},
	{
		name: "fee 2^120", rule: ruleFee,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, add(power(120), minus(1)), u(20), u(0), u(19), u(0))
			spend.Fee = power(120)
			return spend
		},
	},
	{
		name: "public value -1", rule: rulePublic,
		spend: func(s *scene) tt.Spend {
			spend := s.withdrawal()
			spend.Outputs[1].Value = u(98)
			spend.PublicValue = minus(1)
			return spend
		},
	},
	{
		name: "public value 2^120", rule: rulePublic,
		spend: func(s *scene) tt.Spend {
			spend := amounts(s, add(power(120), minus(1)), u(20), u(0), u(16), u(0))
			spend.PublicValue, spend.Recipient = power(120), u(5)
			return spend
		},
	},
	{
		name: "one more out than in", rule: ruleSum,
		spend: func(s *scene) tt.Spend { return amounts(s, u(100), u(20), u(70), u(48), u(0)) },
	},
	{
		name: "one less out than in", rule: ruleSum,
		spend: func(s *scene) tt.Spend { return amounts(s, u(100), u(20), u(70), u(46), u(0)) },
	},
	{
		name: "fee not paid", rule: ruleSum,
		spend: func(s *scene) tt.Spend { return amounts(s, u(100), u(20), u(70), u(50), u(0)) },
	},
	{
		name: "withdrawal not paid", rule: ruleSum,
		spend: func(s *scene) tt.Spend {
			spend := s.withdrawal()
			spend.Outputs[1].Value = u(97)
			return spend
		},
	},
	{
		name: "hidden asset turned into fee asset", rule: ruleBucket,
		spend: func(s *scene) tt.Spend {
			spend := s.twoAssets()
			spend.Outputs[1].Value, spend.Outputs[2].Value = u(29), u(18)
			return spend
		},
	},
	{
		name: "fee paid in the hidden asset", rule: ruleBucket,
		spend: func(s *scene) tt.Spend {
			spend := s.twoAssets()
			spend.Outputs[1].Value, spend.Outputs[2].Value = u(27), u(20)
			return spend
		},
	},
	{
		name: "withdrawal paid in the fee asset", rule: ruleBucket,
		spend: func(s *scene) tt.Spend {
			spend := s.twoAssets()
			spend.PublicValue, spend.Recipient = u(17), u(5)
			spend.Outputs[2].Value = u(0)
			return spend
		},
	},
	{
		name: "public asset is the fee asset", rule: rulePubAsset,
		spend: func(s *scene) tt.Spend {
			spend := s.twoAssets()
			spend.PublicValue, spend.Recipient = u(30), u(5)
			spend.Outputs[1].Value = u(0)
			return spend
		},
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.PublicAsset = u(eth) },
	},
	{
		name: "public asset without value", rule: rulePubAsset, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.PublicAsset = u(token) },
	},
	{
		name: "public value without asset", rule: rulePubAsset, spend: (*scene).withdrawal,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.PublicAsset = u(0) },
	},
	{
		name: "recipient 0", rule: ruleRecipient, spend: (*scene).withdrawal,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Recipient = u(0) },
	},
	{
		name: "recipient without value", rule: ruleRecipient, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Recipient = u(5) },
	},
	{
		name: "recipient 2^160", rule: ruleAddress, spend: (*scene).withdrawal,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Recipient = power(160) },
	},
	{
		name: "recipient -1", rule: ruleAddress, spend: (*scene).withdrawal,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Recipient = minus(1) },
	},
	{
		name: "operation in a transfer", rule: ruleOperation, spend: (*scene).plain,
		fields: func(_ *scene, w *transfer.Witness) {
			w.Tx.Operation = hash.Sum(hash.OPERATION, tt.ID(w), w.Operation.Previous, w.Operation.Next)
		},
	},
	{
		name: "operation in a forced transaction", rule: ruleOperation,
		spend: func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Kind = transfer.KindForced
			return spend
		},
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Operation = u(1) },
	},
	{
		name: "account transaction without operation", rule: ruleOperation, spend: (*scene).operation,
		fields: func(_ *scene, w *transfer.Witness) { w.Tx.Operation = u(0) },
	},
	{
		name: "operation of another account", rule: ruleOperation, spend: (*scene).operation,
		fields: func(s *scene, w *transfer.Witness) {
			w.Tx.Operation = hash.Sum(hash.OPERATION, s.alice.ID(), w.Operation.Previous, w.Operation.Next)
		},
	},
}

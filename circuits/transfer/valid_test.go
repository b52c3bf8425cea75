package transfer_test

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
)

func TestValidWitnesses(t *testing.T) {
	maxValue := add(power(120), minus(1))
	maxAsset := add(power(64), minus(1))
	maxRecipient := add(power(160), minus(1))
	cases := map[string]func(s *scene) tt.Spend{
		"two inputs":          (*scene).plain,
		"fee in other asset":  (*scene).twoAssets,
		"dummy second":        (*scene).withDummy,
		"withdrawal":          (*scene).withdrawal,
		"replace the key set": (*scene).operation,
		"dummy first": func(s *scene) tt.Spend {
			spend := s.withDummy()
			spend.Inputs[0], spend.Inputs[1] = spend.Inputs[1], spend.Inputs[0]
			return spend
		},
		"two dummies": func(s *scene) tt.Spend {
			return tt.Spend{Account: s.alice}
		},
		"chained": func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Inputs[0].Chained = true
			return spend
		},
		"both chained": func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Inputs[0].Chained, spend.Inputs[1].Chained = true, true
			return spend
		},
		"chained note that is in no tree": func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Inputs[1] = tt.Source{Note: note(s.alice, u(token), u(20)), Chained: true}
			return spend
		},
		"register": func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Kind = transfer.KindAccount
			spend.NewKeySet = tt.KeySetHash(tt.KeySet(s.bobKey))
			return spend
		},
		"forced withdrawal": func(s *scene) tt.Spend {
			spend := s.withdrawal()
			spend.Kind = transfer.KindForced
			spend.Fee, spend.FeeAsset = fr.Element{}, fr.Element{}
			spend.PublicValue = u(43)
			spend.Outputs[2].Asset = fr.Element{}
			return spend
		},
		"to oneself": func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Outputs[0] = pay(s.alice, u(token), u(70))
			return spend
		},
		"no fee": func(s *scene) tt.Spend {
			spend := s.plain()
			spend.Fee, spend.FeeAsset = fr.Element{}, fr.Element{}
			spend.Outputs[1].Value = u(50)
			return spend
		},
		"fourth key of a set": func(s *scene) tt.Spend {
			keys := tt.KeySet(tt.NewKey(1), tt.NewKey(2), tt.NewKey(3), tt.NewKey(4))
			s.Register(s.carol, keys)
			spend := s.plain()
			spend.Account, spend.Signer, spend.Keys = s.carol, tt.NewKey(4), keys
			spend.Inputs = [2]tt.Source{s.mint(s.carol, u(token), u(100)), s.mint(s.carol, u(token), u(20))}
			return spend
		},
		"greatest values": func(s *scene) tt.Spend {
			return tt.Spend{
				Account: s.alice, Asset: maxAsset, Fee: maxValue, FeeAsset: maxAsset, PublicValue: add(maxValue, minus(1)),
				Recipient: maxRecipient,
				Inputs:    [2]tt.Source{s.mint(s.alice, maxAsset, maxValue), s.mint(s.alice, maxAsset, maxValue)},
				Outputs: [3]tt.Payment{
					pay(s.alice, maxAsset, u(0)), pay(s.alice, maxAsset, u(1)), pay(s.alice, maxAsset, u(0)),
				},
			}
		},
		"greatest output": func(s *scene) tt.Spend {
			return tt.Spend{
				Account: s.alice, Asset: u(eth), Inputs: [2]tt.Source{s.mint(s.alice, u(eth), maxValue)},
				Outputs: [3]tt.Payment{pay(s.carol, u(eth), maxValue)},
			}
		},
	}
	for name, spend := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			accepted(t, s.Witness(spend(s)))
		})
	}
}

// The path of a chained input or a dummy is any list of the right shape.
func TestUnusedPathIsNotRead(t *testing.T) {
	s := newScene()
	spend := s.plain()
	spend.Inputs[0].Chained = true
	spend.Inputs[1] = tt.Source{}
	spend.Outputs[1].Value = u(27)
	w := s.Witness(spend)
	for i := range w.Inputs {
		w.Inputs[i].Index = 77
		w.Inputs[i].Path[3] = transfer.Children{u(1), u(2), u(3), u(4)}
	}
	accepted(t, w)
}

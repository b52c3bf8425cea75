package exit_test

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/tree"
)

func TestValidWitnesses(t *testing.T) {
	maxValue := add(power(120), minus(1))
	maxAsset := add(power(64), minus(1))
	maxAddress := add(power(160), minus(1))
	edge := func(change func(n *tt.Note)) func(s *scene) leaving {
		return func(s *scene) leaving {
			note := &tt.Note{
				Owner: s.alice.Owner(), Data: u(0), R: u(0x4e), Asset: u(token), Value: u(100), Rho: u(1),
			}
			change(note)
			return s.leave(s.alice, note)
		}
	}
	cases := map[string]func(s *scene) leaving{
		"absent account":  (*scene).absent,
		"present account": (*scene).present,
		"second of four keys": func(s *scene) leaving {
			account, keys := tt.NewAccount(0xc1), tt.KeySet(tt.NewKey(1), tt.NewKey(2), tt.NewKey(3), tt.NewKey(4))
			s.Register(account, keys)
			l := s.mint(account)
			l.signer, l.keys = tt.NewKey(2), keys
			return l
		},
		"last of four keys": func(s *scene) leaving {
			account, keys := tt.NewAccount(0xc1), tt.KeySet(tt.NewKey(1), tt.NewKey(2), tt.NewKey(3), tt.NewKey(4))
			s.Register(account, keys)
			l := s.mint(account)
			l.signer, l.keys = tt.NewKey(4), keys
			return l
		},
		"first key in the key set": func(s *scene) leaving {
			account := tt.NewAccount(0xc1)
			s.Register(account, tt.KeySet(account.First))
			l := s.mint(account)
			l.keys = tt.KeySet(account.First)
			return l
		},
		"value 0":       edge(func(n *tt.Note) { n.Value = u(0) }),
		"value 1":       edge(func(n *tt.Note) { n.Value = u(1) }),
		"largest value": edge(func(n *tt.Note) { n.Value = maxValue }),
		"asset 0":       edge(func(n *tt.Note) { n.Asset = u(0) }),
		"largest asset": edge(func(n *tt.Note) { n.Asset, n.Value = maxAsset, maxValue }),
		"data, r and rho 0": edge(func(n *tt.Note) {
			n.Data, n.R, n.Rho = u(0), u(0), u(0)
		}),
		"data, r and rho p - 1": edge(func(n *tt.Note) { n.Data, n.R, n.Rho = minus(1), minus(1), minus(1) }),
		"no executor": func(s *scene) leaving {
			l := s.absent()
			l.executor, l.fee = u(0), u(0)
			return l
		},
		"largest words": func(s *scene) leaving {
			l := s.present()
			l.domain, l.recipient, l.executor, l.fee = add(power(248), minus(1)), maxAddress, maxAddress, maxValue
			return l
		},
		"smallest words": func(s *scene) leaving {
			l := s.present()
			l.domain, l.recipient, l.executor, l.fee = u(0), u(0), u(0), u(0)
			return l
		},
		"nothing was ever spent": func(s *scene) leaving {
			s.Nullifiers = tree.NewNullifiers()
			return s.absent()
		},
		"low leaf is a spent nullifier": func(s *scene) leaving {
			l := s.absent()
			w := s.secrets(l)
			s.derive(w)
			s.spend(add(w.Nullifier, minus(1)))
			s.spend(add(w.Nullifier, u(1)))
			return l
		},
		"last leaf of the note tree": func(s *scene) leaving {
			l := s.absent()
			l.index = 1<<(2*tree.NoteDepth) - 1
			if err := s.Notes.Set(l.index, l.note.Commitment()); err != nil {
				t.Fatal(err)
			}
			return l
		},
	}
	for name, l := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			accepted(t, s.witness(l(s)))
		})
	}
}

// What the account signs fixes the note by its nullifier, and not the state: it stays good while others spend.
func TestSignatureOutlivesTheState(t *testing.T) {
	s := newScene()
	l := s.absent()
	before := s.witness(l)
	s.spend(u(12345))
	s.mint(s.bob)
	after := s.witness(l)
	after.Signature = before.Signature
	if before.State == after.State {
		t.Fatal("state did not change")
	}
	accepted(t, after)
}

// The sizes and the root tree enter the state only.
func TestStateBindsEveryTree(t *testing.T) {
	s := newScene()
	w := s.witness(s.absent())
	for name, part := range map[string]*fr.Element{
		"note root": &w.Trees.NoteRoot, "note size": &w.Trees.NoteSize, "nullifier root": &w.Trees.NullifierRoot,
		"nullifier size": &w.Trees.NullifierSize, "root root": &w.Trees.RootRoot, "root size": &w.Trees.RootSize,
		"account root": &w.Trees.AccountRoot, "account size": &w.Trees.AccountSize, "state": &w.State,
	} {
		honest := *part
		*part = add(honest, u(1))
		if solve(t, compiled(), w.Circuit()) == nil {
			t.Errorf("another %s accepted", name)
		}
		*part = honest
	}
}

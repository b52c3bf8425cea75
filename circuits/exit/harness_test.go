package exit_test

import (
	"encoding/json"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/logger"
	"github.com/rs/zerolog"

	"sotto/circuits/circuittest"
	"sotto/circuits/exit"
	"sotto/circuits/hash"
	tt "sotto/circuits/transfer/transfertest"
	"sotto/circuits/tree"
)

func init() { logger.Set(zerolog.Nop()) }

var compiled = sync.OnceValue(func() constraint.ConstraintSystem { return circuittest.Compile(exit.New()) })

func solve(t testing.TB, cs constraint.ConstraintSystem, c *exit.Circuit, opts ...solver.Option) error {
	t.Helper()
	w, err := frontend.NewWitness(c, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return cs.IsSolved(w, opts...)
}

// accepted checks that the circuit accepts a witness that went through a witness file.
func accepted(t *testing.T, w *exit.Witness) {
	t.Helper()
	file, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	assignment, public, err := exit.Assign(file)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(public, w.Public()) || len(public) != exit.PublicInputs {
		t.Error("public inputs of the file differ from those of the witness")
	}
	if err := solve(t, compiled(), assignment.(*exit.Circuit)); err != nil {
		t.Errorf("valid witness refused: %v", err)
	}
}

func u(v uint64) fr.Element { return tt.Uint(v) }

// minus returns -v modulo p.
func minus(v uint64) fr.Element {
	e := u(v)
	return *e.Neg(&e)
}

func power(exponent uint) (e fr.Element) {
	return *e.SetBigInt(new(big.Int).Lsh(big.NewInt(1), exponent))
}

func add(a, b fr.Element) fr.Element { return *a.Add(&a, &b) }

const token = 9

// scene is a frozen state in which alice, unregistered, and bob, registered with key 0xb2, own notes, and some
// nullifiers are spent.
type scene struct {
	*tt.World
	Nullifiers *tree.Indexed
	alice, bob tt.Account
	bobKey     tt.Key
}

func newScene() *scene {
	s := &scene{
		World: tt.NewWorld(), Nullifiers: tree.NewNullifiers(),
		alice: tt.NewAccount(0xa1), bob: tt.NewAccount(0xb1), bobKey: tt.NewKey(0xb2),
	}
	s.Register(s.bob, tt.KeySet(s.bobKey))
	for n := range uint64(6) {
		s.spend(hash.Sum(hash.NULLIFIER, u(0x5e), u(n)))
	}
	return s
}

// spend inserts a nullifier.
func (s *scene) spend(nullifier fr.Element) {
	batch := must(s.Nullifiers.Begin(1))
	must(batch.Insert(0, nullifier, fr.Element{}))
	if _, _, err := batch.Finish(); err != nil {
		panic(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// leaving describes an exit. Fields left zero have the value 0.
type leaving struct {
	account tt.Account
	signer  tt.Signer // nil means the first key of the account
	keys    [4]fr.Element
	note    *tt.Note
	index   uint64

	domain, recipient, executor, fee fr.Element
}

// mint puts a note of 100 token into the tree and lets its owner leave with it.
func (s *scene) mint(account tt.Account) leaving {
	note := &tt.Note{
		Owner: account.Owner(), Data: u(0xda), R: u(0x4e), Asset: u(token), Value: u(100), Rho: u(s.Notes.Size()),
	}
	return s.leave(account, note)
}

// leave puts a note into the tree and lets an account leave with it.
func (s *scene) leave(account tt.Account, note *tt.Note) leaving {
	return leaving{
		account: account, note: note, index: s.Mint(note.Commitment()),
		domain: u(0xd0), recipient: add(power(159), u(5)), executor: u(0xe4), fee: u(3),
	}
}

// absent leaves with a note of an account that has no leaf.
func (s *scene) absent() leaving { return s.mint(s.alice) }

// present leaves with a note of an account that has one.
func (s *scene) present() leaving {
	l := s.mint(s.bob)
	l.signer, l.keys = s.bobKey, tt.KeySet(s.bobKey)
	return l
}

// secrets returns the witness of an exit without the values that derive, open and sign fill in.
func (s *scene) secrets(l leaving) *exit.Witness {
	n := l.note
	w := &exit.Witness{
		NullifierKey: l.account.NullifierKey, FirstKey: l.account.First.Point(),
		Account: s.AccountOpening(l.account.ID(), l.keys),
		Note:    exit.Note{Data: n.Data, R: n.R, Rho: n.Rho},
	}
	w.Domain, w.Asset, w.Value = l.domain, n.Asset, n.Value
	w.Recipient, w.Executor, w.Fee = l.recipient, l.executor, l.fee
	s.openNote(w, l.index)
	return w
}

func (s *scene) openNote(w *exit.Witness, index uint64) {
	w.Note.Index = index
	w.Note.Path = [tree.NoteDepth]tree.Children(must(s.Notes.Path(index)))
}

// openLow opens a leaf of the nullifier tree.
func (s *scene) openLow(w *exit.Witness, index uint64) {
	item, ok := s.Nullifiers.Item(index)
	if !ok {
		panic("empty nullifier leaf")
	}
	w.Low = exit.Low{
		Value: item.Value, Next: item.Next, Index: index,
		Path: [tree.NullifierDepth]tree.Children(must(s.Nullifiers.Path(index))),
	}
}

// derive fills in the nullifier and opens its low leaf.
func (s *scene) derive(w *exit.Witness) {
	w.Nullifier = hash.Sum(hash.NULLIFIER, w.NullifierKey, commitment(w))
	index, _ := s.Nullifiers.Low(w.Nullifier)
	s.openLow(w, index)
}

// seal fills in trees and state.
func (s *scene) seal(w *exit.Witness) {
	w.Trees.NoteRoot, w.Trees.NoteSize = s.Notes.Root(), u(s.Notes.Size())
	w.Trees.NullifierRoot, w.Trees.NullifierSize = s.Nullifiers.Root(), u(s.Nullifiers.Size())
	w.Trees.RootRoot, w.Trees.RootSize = u(0x700), u(7)
	w.Trees.AccountRoot, w.Trees.AccountSize = s.Accounts.Root(), u(s.Accounts.Size())
	w.State = state(w, u(1), u(0))
}

func state(w *exit.Witness, version, public fr.Element) fr.Element {
	t := &w.Trees
	return hash.Sum(hash.STATE, version, t.NoteRoot, t.NoteSize, t.NullifierRoot, t.NullifierSize, t.RootRoot,
		t.RootSize, t.AccountRoot, t.AccountSize, public)
}

func sign(w *exit.Witness, signer tt.Signer) {
	w.SigningKey = signer.Point()
	w.Signature = signer.Sign(w.Message())
}

func (s *scene) witness(l leaving) *exit.Witness { return violation{}.apply(s, l) }

// id returns the account id that a witness leaves from.
func id(w *exit.Witness) fr.Element {
	viewKeyHash := hash.Sum(hash.NULLIFIER_KEY, w.NullifierKey)
	return hash.Sum(hash.ACCOUNT_ID, w.FirstKey.X, w.FirstKey.Y, viewKeyHash)
}

// commitment returns the note's commitment from the secrets of a witness.
func commitment(w *exit.Witness) fr.Element {
	return tt.Note{
		Owner: hash.Sum(hash.OWNER, id(w)), Data: w.Note.Data, R: w.Note.R, Asset: w.Asset, Value: w.Value,
		Rho: w.Note.Rho,
	}.Commitment()
}

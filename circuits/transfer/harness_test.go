package transfer_test

import (
	"encoding/json"
	"math/big"
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
	"sotto/circuits/transfer"
	tt "sotto/circuits/transfer/transfertest"
)

func init() { logger.Set(zerolog.Nop()) }

var compiled = sync.OnceValue(func() constraint.ConstraintSystem { return circuittest.Compile(transfer.New()) })

func solve(t testing.TB, cs constraint.ConstraintSystem, c *transfer.Circuit, opts ...solver.Option) error {
	t.Helper()
	w, err := frontend.NewWitness(c, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return cs.IsSolved(w, opts...)
}

// accepted checks that the circuit accepts a witness that went through a witness file.
func accepted(t *testing.T, w *transfer.Witness) {
	t.Helper()
	file, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	assignment, h, err := transfer.Assign(file)
	if err != nil {
		t.Fatal(err)
	}
	if h != w.Tx.ID() {
		t.Error("h of the file differs from h of the transaction")
	}
	if err := solve(t, compiled(), assignment.(*transfer.Circuit)); err != nil {
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

const (
	token = 9
	eth   = 1
)

// scene is a world in which alice, unregistered, bob, registered with key 0xb2, and carol own notes.
type scene struct {
	*tt.World
	alice, bob, carol tt.Account
	bobKey            tt.Key
}

func newScene() *scene {
	s := &scene{
		World: tt.NewWorld(), alice: tt.NewAccount(0xa1), bob: tt.NewAccount(0xb1), carol: tt.NewAccount(0xc1),
		bobKey: tt.NewKey(0xb2),
	}
	s.Register(s.bob, tt.KeySet(s.bobKey))
	return s
}

var rhos uint64

// note makes a note with a rho of its own.
func note(to tt.Account, asset, value fr.Element) *tt.Note {
	rhos++
	return &tt.Note{Owner: to.Owner(), Data: u(0xda), R: u(0x4e), Asset: asset, Value: value, Rho: u(rhos)}
}

// mint puts a new note into the tree.
func (s *scene) mint(to tt.Account, asset, value fr.Element) tt.Source {
	n := note(to, asset, value)
	return tt.Source{Note: n, Index: s.Mint(n.Commitment())}
}

func pay(to tt.Account, asset, value fr.Element) tt.Payment {
	return tt.Payment{To: to.Owner(), Asset: asset, Value: value}
}

// transfers of the tests begin with this one: alice spends 100 and 20 token, pays 70 to carol, and the fee of 3.
func (s *scene) plain() tt.Spend {
	return tt.Spend{
		Account: s.alice, Asset: u(token), Fee: u(3), FeeAsset: u(token),
		Inputs:  [2]tt.Source{s.mint(s.alice, u(token), u(100)), s.mint(s.alice, u(token), u(20))},
		Outputs: [3]tt.Payment{pay(s.carol, u(token), u(70)), pay(s.alice, u(token), u(47)), pay(s.alice, u(token), u(0))},
	}
}

// twoAssets spends 100 token and 20 ETH of bob, with the fee in ETH.
func (s *scene) twoAssets() tt.Spend {
	return tt.Spend{
		Account: s.bob, Signer: s.bobKey, Keys: tt.KeySet(s.bobKey), Asset: u(token), Fee: u(3), FeeAsset: u(eth),
		Inputs:  [2]tt.Source{s.mint(s.bob, u(token), u(100)), s.mint(s.bob, u(eth), u(20))},
		Outputs: [3]tt.Payment{pay(s.carol, u(token), u(70)), pay(s.bob, u(token), u(30)), pay(s.bob, u(eth), u(17))},
	}
}

// withDummy spends one note of 100 token of alice with a dummy beside it.
func (s *scene) withDummy() tt.Spend {
	return tt.Spend{
		Account: s.alice, Asset: u(token), Fee: u(3), FeeAsset: u(token),
		Inputs:  [2]tt.Source{s.mint(s.alice, u(token), u(100))},
		Outputs: [3]tt.Payment{pay(s.carol, u(token), u(70)), pay(s.alice, u(token), u(27)), pay(s.alice, u(token), u(0))},
	}
}

// withdrawal takes 40 token to L1.
func (s *scene) withdrawal() tt.Spend {
	spend := s.withDummy()
	spend.Outputs[1].Value = u(57)
	spend.Outputs[0] = pay(s.alice, u(token), u(0))
	spend.PublicValue, spend.Recipient = u(40), add(power(159), u(5))
	return spend
}

// operation replaces the key set of bob.
func (s *scene) operation() tt.Spend {
	spend := s.twoAssets()
	spend.Kind = transfer.KindAccount
	spend.NewKeySet = tt.KeySetHash(tt.KeySet(tt.NewKey(0xb3), tt.NewKey(0xb4)))
	return spend
}

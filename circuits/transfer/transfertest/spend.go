package transfertest

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
	"sotto/circuits/transfer"
	"sotto/circuits/tree"
)

// Spend describes a transaction. Fields left zero have the value 0.
type Spend struct {
	Account Account
	// Signer signs; nil means the first key of the account.
	Signer Signer
	// Keys is the key set to show for the account, if it is registered.
	Keys        [transfer.Keys]fr.Element
	Kind        uint64 // 0 means transfer
	Asset       fr.Element
	Inputs      [transfer.Inputs]Source // a zero Source is a dummy
	Outputs     [transfer.Outputs]Payment
	PublicValue fr.Element
	Recipient   fr.Element
	Fee         fr.Element
	FeeAsset    fr.Element
	NewKeySet   fr.Element // of an account transaction
}

// Source is an input: a note at an index of the note tree, or a chained one when Chained is set.
type Source struct {
	Note    *Note
	Index   uint64
	Chained bool
}

// Payment is an output.
type Payment struct{ To, Asset, Value fr.Element }

// Witness returns the valid and signed witness of a transaction that keeps the rules, and otherwise one whose tx
// fields are what the circuit computes from its secrets.
func (w *World) Witness(s Spend) *transfer.Witness {
	out := w.Secrets(s)
	Derive(out)
	signer := s.Signer
	if signer == nil {
		signer = s.Account.First
	}
	Sign(out, signer)
	return out
}

// Secrets returns the witness of a transaction without the fields that Derive and Sign fill in.
func (w *World) Secrets(s Spend) *transfer.Witness {
	out := &transfer.Witness{
		Asset: s.Asset, NullifierKey: s.Account.NullifierKey, FirstKey: s.Account.First.Point(),
		EpochID: Uint(w.Epoch), NoteRoot: w.Notes.Root(), AccountRoot: w.Accounts.Root(),
		Account: w.AccountOpening(s.Account.ID(), s.Keys),
	}
	kind := s.Kind
	if kind == 0 {
		kind = transfer.KindTransfer
	}
	out.Tx = transfer.Tx{
		Kind: Uint(kind), Domain: Uint(0xd0), PublicValue: s.PublicValue, Recipient: s.Recipient, Fee: s.Fee,
		FeeAsset: s.FeeAsset, Expiry: Uint(1000), Hash: Uint(0xe0),
	}
	if !s.PublicValue.IsZero() {
		out.Tx.PublicAsset = s.Asset
	}
	if kind == transfer.KindAccount {
		out.Operation = transfer.Operation{Previous: out.Account.Set, Next: s.NewKeySet}
		if out.Account.Low != s.Account.ID() {
			out.Operation.Previous = fr.Element{}
		}
	}
	for i, source := range s.Inputs {
		out.Inputs[i] = w.input(source, s.Asset, uint64(i))
		if source.Chained {
			out.Tx.Named[i] = source.Note.Commitment()
		}
	}
	for j, payment := range s.Outputs {
		note := Note{Owner: payment.To, R: Uint(0xf0 + uint64(j))}
		out.Outputs[j] = transfer.Output{Asset: payment.Asset, Value: payment.Value, Partial: note.Partial()}
	}
	return out
}

func (w *World) input(source Source, asset fr.Element, i uint64) transfer.Input {
	if source.Note == nil {
		return transfer.Input{Asset: asset, Random: Uint(0xa0 + i)}
	}
	n := source.Note
	in := transfer.Input{Real: true, Asset: n.Asset, Value: n.Value, Data: n.Data, R: n.R, Rho: n.Rho}
	if !source.Chained {
		in.Index = source.Index
		in.Path = [transfer.NoteDepth]tree.Children(must(w.Notes.Path(source.Index)))
	}
	return in
}

// Derive fills in anchor, nullifiers, commitments and operation from the secrets of a witness.
func Derive(w *transfer.Witness) {
	w.Tx.Anchor = hash.Sum(hash.ANCHOR, w.EpochID, w.NoteRoot, w.AccountRoot)
	for i := range w.Inputs {
		w.Tx.Nullifiers[i] = Nullifier(w, i)
	}
	for j := range w.Outputs {
		w.Tx.Commitments[j] = OutputCommitment(w, j)
	}
	w.Tx.Operation = fr.Element{}
	if w.Tx.Kind == Uint(transfer.KindAccount) {
		w.Tx.Operation = hash.Sum(hash.OPERATION, ID(w), w.Operation.Previous, w.Operation.Next)
	}
}

// Sign fills in signing key and signature.
func Sign(w *transfer.Witness, signer Signer) {
	w.SigningKey = signer.Point()
	w.Signature = signer.Sign(w.Tx.ID())
}

// ID returns the account id that a witness spends from.
func ID(w *transfer.Witness) fr.Element {
	viewKeyHash := hash.Sum(hash.NULLIFIER_KEY, w.NullifierKey)
	return hash.Sum(hash.ACCOUNT_ID, w.FirstKey.X, w.FirstKey.Y, viewKeyHash)
}

// InputCommitment returns the commitment of an input from its secrets.
func InputCommitment(w *transfer.Witness, i int) fr.Element {
	in := &w.Inputs[i]
	owner := hash.Sum(hash.OWNER, ID(w))
	return Note{Owner: owner, Data: in.Data, R: in.R, Asset: in.Asset, Value: in.Value, Rho: in.Rho}.Commitment()
}

// Nullifier returns the nullifier of an input from its secrets.
func Nullifier(w *transfer.Witness, i int) fr.Element {
	if w.Inputs[i].Real {
		return hash.Sum(hash.NULLIFIER, w.NullifierKey, InputCommitment(w, i))
	}
	return hash.Sum(hash.NULLIFIER_DUMMY, w.NullifierKey, w.Inputs[i].Random)
}

// OutputCommitment returns the commitment of an output from its secrets and the first nullifier.
func OutputCommitment(w *transfer.Witness, j int) fr.Element {
	out := &w.Outputs[j]
	rho := hash.Sum(hash.RHO, w.Tx.Nullifiers[0], Uint(uint64(j)))
	return Commitment(out.Partial, out.Asset, out.Value, rho)
}

package rolluptest

import (
	"math/big"
	"slices"

	blsfr "github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"golang.org/x/crypto/sha3"

	"sotto/circuits/hash"
	"sotto/circuits/rollup"
	"sotto/circuits/tree"
)

// Kind returns the lane's kind as an integer, or -1 if it is none of 0..5.
func Kind(l *rollup.WitnessLane) int {
	for k := range 6 {
		if l.Kind == fr.NewElement(uint64(k)) {
			return k
		}
	}
	return -1
}

// TransactionHash returns h of the lane's words read as a transaction of its kind (docs/spec/04-transaction.md).
func TransactionHash(domain fr.Element, l *rollup.WitnessLane) fr.Element {
	kind := l.Kind
	if Kind(l) == rollup.KindSkipped {
		kind = fr.NewElement(rollup.KindForced)
	}
	return hash.Sum(hash.TRANSACTION, kind, domain, l.Anchor, l.Named[0], l.Named[1], l.Nullifiers[0],
		l.Nullifiers[1], l.Commitments[0], l.Commitments[1], l.Commitments[2], l.PublicValue, l.PublicAsset,
		l.Recipient, l.Fee, l.FeeAsset, l.Expiry, l.Operation, hash.Sum(hash.EXTENSION, l.Ext[:]...))
}

// DepositNote returns the commitment of a deposit (docs/spec/05-epoch.md).
func DepositNote(domain, index, partial, asset, value fr.Element) fr.Element {
	var content fr.Element
	content.SetBigInt(new(big.Int).Lsh(big.NewInt(1), 120))
	content.Mul(&content, &asset).Add(&content, &value)
	return hash.Sum(hash.NOTE, partial, content, hash.Sum(hash.RHO_DEPOSIT, domain, index))
}

func isTransaction(kind int) bool {
	return isDirect(kind) || kind == rollup.KindForced || kind == rollup.KindSkipped
}

func isQueued(kind int) bool {
	return kind == rollup.KindDeposit || kind == rollup.KindForced || kind == rollup.KindSkipped
}

func isDirect(kind int) bool { return kind == rollup.KindTransfer || kind == rollup.KindAccount }

// Relink sets the link of every transaction to its h.
func Relink(w *rollup.Witness) {
	for l := range w.Lanes {
		if lane := &w.Lanes[l]; isTransaction(Kind(lane)) {
			lane.Link = TransactionHash(w.Header.Domain, lane)
		}
	}
}

// Seal sets c, z, y and in blob mode y_data to what the words demand, with a z that covers all words in both modes. m
// becomes a function of z.
func Seal(w *rollup.Witness) {
	h := &w.Header
	inputs := append([]fr.Element{h.OldState, h.NewState, h.OwnAnchor}, h.ByteWords()...)
	index := h.QueueStart
	one := fr.One()
	for l := range w.Lanes {
		lane := &w.Lanes[l]
		var digest fr.Element
		switch kind := Kind(lane); {
		case isTransaction(kind):
			digest = TransactionHash(h.Domain, lane)
		case kind == rollup.KindDeposit:
			digest = hash.Sum(hash.DEPOSIT, h.Domain, index, lane.Link, lane.PublicAsset, lane.PublicValue)
		}
		if isQueued(Kind(lane)) {
			index.Add(&index, &one)
		}
		inputs = append(inputs, lane.Kind, lane.Link, digest)
	}
	w.C = hash.Sum(hash.VECTOR, inputs...)

	digest := sha3.NewLegacyKeccak256()
	domain, c := h.Domain.Bytes(), w.C.Bytes()
	digest.Write(slices.Concat(domain[:], c[:], Encode(w)))
	w.Z.SetBytes(digest.Sum(nil)[:31])
	Evaluate(w)
	w.M.Square(&w.Z)
}

// Encode returns the words as bytes: 3 + N field words, 15 + 4N byte words, 9N + N/2 field words, 15N byte words. A
// byte word that exceeds 31 bytes is cut.
func Encode(w *rollup.Witness) []byte {
	words := w.Words()
	return slices.Concat(encode(words.L1Field, 0), encode(words.L1Byte, 1), encode(words.DataField, 0),
		encode(words.DataByte, 1))
}

func encode(words []fr.Element, cut int) (out []byte) {
	for _, word := range words {
		b := word.Bytes()
		out = append(out, b[cut:]...)
	}
	return out
}

// Evaluate sets y, and y_data in blob mode, to the values of the words' polynomials at z.
func Evaluate(w *rollup.Witness) {
	words := w.Words()
	covered := words.All()
	if w.YData != nil {
		covered = words.L1()
		EvaluateData(w, Coefficients(w))
	}
	w.Y.SetZero()
	for _, word := range slices.Backward(covered) {
		w.Y.Mul(&w.Y, &w.Z).Add(&w.Y, &word)
	}
}

// EvaluateData sets y_data to the value at z of the polynomial with these coefficients, the constant one first.
func EvaluateData(w *rollup.Witness, coefficients []*big.Int) {
	order, z, y := blsfr.Modulus(), w.Z.BigInt(new(big.Int)), new(big.Int)
	for _, coefficient := range slices.Backward(coefficients) {
		y.Mul(y, z).Add(y, coefficient).Mod(y, order)
	}
	const lowBits = 128
	high := new(big.Int).Rsh(y, lowBits)
	w.YData = new([2]fr.Element)
	w.YData[0].SetBigInt(y.Sub(y, new(big.Int).Lsh(high, lowBits)))
	w.YData[1].SetBigInt(high)
}

// Coefficients returns the data words as integers.
func Coefficients(w *rollup.Witness) (out []*big.Int) {
	words := w.Words()
	for _, word := range slices.Concat(words.DataField, words.DataByte) {
		out = append(out, word.BigInt(new(big.Int)))
	}
	return out
}

// InBlob moves the data words of an epoch to a blob. z stays what it was: no test here knows a blob's hash.
func InBlob(w *rollup.Witness) *rollup.Witness {
	w.YData = new([2]fr.Element)
	Evaluate(w)
	return w
}

// StateHash returns the state hash of roots and sizes (docs/spec/02-state.md).
func StateHash(t *rollup.Trees[fr.Element]) fr.Element {
	return hash.Sum(hash.STATE, fr.One(), t.NoteRoot, t.NoteSize, t.NullifierRoot, t.NullifierSize, t.RootRoot,
		t.RootSize, t.AccountRoot, t.AccountSize, fr.Element{})
}

// AnchorHash returns the anchor of an epoch.
func AnchorHash(epochID, noteRoot, accountRoot fr.Element) fr.Element {
	return hash.Sum(hash.ANCHOR, epochID, noteRoot, accountRoot)
}

// Climb returns the root after the node at an opening became another.
func Climb(node fr.Element, at *rollup.Opening) fr.Element {
	index := at.Index
	for _, children := range at.Path {
		children[index%4] = node
		node, index = hash.Compress(children), index/4
	}
	return node
}

// Fold returns the root of a subtree of leaves, a power of four in number.
func Fold(leaves []fr.Element) fr.Element {
	for len(leaves) > 1 {
		var parents []fr.Element
		for i := 0; i < len(leaves); i += 4 {
			parents = append(parents, hash.Compress(tree.Children(leaves[i:i+4])))
		}
		leaves = parents
	}
	return leaves[0]
}

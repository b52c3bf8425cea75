package transfer

import (
	"encoding/json"
	"errors"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/strictjson"
	"sotto/circuits/witness"
)

// ErrAsset is the cause of refusing a note whose asset is neither the hidden asset nor the fee asset.
var ErrAsset = errors.New("note's asset is neither the transaction's asset nor its fee asset")

// Assign parses a witness file and returns the assignment of the circuit with its public input h. Its errors are
// those of [ParseWitness]. The statement itself is checked by proving only.
func Assign(witnessJSON []byte) (assignment frontend.Circuit, h fr.Element, err error) {
	w, err := ParseWitness(witnessJSON)
	if err != nil {
		return nil, fr.Element{}, err
	}
	return w.Circuit(), w.Tx.ID(), nil
}

// ParseWitness parses a witness file strictly. Every error is a *[strictjson.Error] with one of the causes of that
// package, or ErrAsset.
func ParseWitness(data []byte) (*Witness, error) {
	root, err := strictjson.Parse(data)
	if err != nil {
		return nil, err
	}
	w := &Witness{}
	top := root.Object("tx", "asset", "nullifier_key", "first_key", "signing_key", "signature", "epoch_id",
		"note_root", "account_root", "account", "operation", "inputs", "outputs")
	parseTx(top["tx"], &w.Tx)
	w.Asset, w.NullifierKey = top["asset"].Field(), top["nullifier_key"].Field()
	w.FirstKey, w.SigningKey = witness.ParsePoint(top["first_key"]), witness.ParsePoint(top["signing_key"])
	w.Signature = witness.ParseSignature(top["signature"])
	w.EpochID = top["epoch_id"].Field()
	w.NoteRoot, w.AccountRoot = top["note_root"].Field(), top["account_root"].Field()
	witness.ParseAccount(top["account"], &w.Account)
	operation := top["operation"].Object("previous", "next")
	w.Operation = Operation{Previous: operation["previous"].Field(), Next: operation["next"].Field()}
	for i, v := range top["inputs"].List(Inputs) {
		w.parseInput(v, &w.Inputs[i])
	}
	for j, v := range top["outputs"].List(Outputs) {
		output := v.Object("asset", "value", "partial")
		w.Outputs[j] = Output{
			Asset: w.parseAsset(output["asset"]), Value: output["value"].Field(), Partial: output["partial"].Field(),
		}
	}
	if err := root.Err(); err != nil {
		return nil, err
	}
	return w, nil
}

func parseTx(v strictjson.Value, t *Tx) {
	tx := v.Object("kind", "domain", "anchor", "named", "nullifiers", "commitments", "public_value", "public_asset",
		"recipient", "fee", "fee_asset", "expiry", "operation", "ext_hash")
	t.Kind, t.Domain, t.Anchor = tx["kind"].Field(), tx["domain"].Field(), tx["anchor"].Field()
	tx["named"].Fields(t.Named[:])
	tx["nullifiers"].Fields(t.Nullifiers[:])
	tx["commitments"].Fields(t.Commitments[:])
	t.PublicValue, t.PublicAsset = tx["public_value"].Field(), tx["public_asset"].Field()
	t.Recipient, t.Fee, t.FeeAsset = tx["recipient"].Field(), tx["fee"].Field(), tx["fee_asset"].Field()
	t.Expiry, t.Operation, t.Hash = tx["expiry"].Field(), tx["operation"].Field(), tx["ext_hash"].Field()
}

func (w *Witness) parseInput(v strictjson.Value, in *Input) {
	input := v.Object("real", "asset", "value", "data", "r", "rho", "random", "index", "path")
	in.Real = input["real"].Uint(1) == 1
	in.Asset, in.Value = w.parseAsset(input["asset"]), input["value"].Field()
	in.Data, in.R, in.Rho = input["data"].Field(), input["r"].Field(), input["rho"].Field()
	in.Random = input["random"].Field()
	in.Index = witness.ParseIndex(input["index"], NoteDepth)
	witness.ParsePath(input["path"], in.Path[:])
}

func (w *Witness) parseAsset(v strictjson.Value) fr.Element {
	asset := v.Field()
	if asset != w.Asset && asset != w.Tx.FeeAsset {
		v.Fail(ErrAsset)
	}
	return asset
}

// MarshalJSON writes the witness file that ParseWitness reads.
func (w *Witness) MarshalJSON() ([]byte, error) {
	type dict = witness.Dict
	t := &w.Tx
	inputs, outputs := make([]any, Inputs), make([]any, Outputs)
	for i := range w.Inputs {
		in := &w.Inputs[i]
		inputs[i] = dict{
			"real": bit(in.Real), "asset": witness.Hex(in.Asset), "value": witness.Hex(in.Value), "data": witness.Hex(in.Data), "r": witness.Hex(in.R),
			"rho": witness.Hex(in.Rho), "random": witness.Hex(in.Random), "index": in.Index, "path": witness.HexPath(in.Path[:]),
		}
	}
	for j, out := range w.Outputs {
		outputs[j] = dict{"asset": witness.Hex(out.Asset), "value": witness.Hex(out.Value), "partial": witness.Hex(out.Partial)}
	}
	return json.Marshal(dict{
		"tx": dict{
			"kind": witness.Hex(t.Kind), "domain": witness.Hex(t.Domain), "anchor": witness.Hex(t.Anchor), "named": witness.Hexes(t.Named[:]),
			"nullifiers": witness.Hexes(t.Nullifiers[:]), "commitments": witness.Hexes(t.Commitments[:]),
			"public_value": witness.Hex(t.PublicValue), "public_asset": witness.Hex(t.PublicAsset), "recipient": witness.Hex(t.Recipient),
			"fee": witness.Hex(t.Fee), "fee_asset": witness.Hex(t.FeeAsset), "expiry": witness.Hex(t.Expiry), "operation": witness.Hex(t.Operation),
			"ext_hash": witness.Hex(t.Hash),
		},
		"asset": witness.Hex(w.Asset), "nullifier_key": witness.Hex(w.NullifierKey),
		"first_key": w.FirstKey.Hexes(), "signing_key": w.SigningKey.Hexes(),
		"signature": w.Signature.Dict(),
		"epoch_id":  witness.Hex(w.EpochID), "note_root": witness.Hex(w.NoteRoot), "account_root": witness.Hex(w.AccountRoot),
		"account":   w.Account.Dict(),
		"operation": dict{"previous": witness.Hex(w.Operation.Previous), "next": witness.Hex(w.Operation.Next)},
		"inputs":    inputs,
		"outputs":   outputs,
	})
}

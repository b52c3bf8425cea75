package transfer

import (
	"encoding/json"
	"errors"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/strictjson"
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
	w.FirstKey, w.SigningKey = parsePoint(top["first_key"]), parsePoint(top["signing_key"])
	signature := top["signature"].Object("r", "s")
	w.Signature = Signature{R: parsePoint(signature["r"]), S: signature["s"].Field()}
	w.EpochID = top["epoch_id"].Field()
	w.NoteRoot, w.AccountRoot = top["note_root"].Field(), top["account_root"].Field()
	parseAccount(top["account"], &w.Account)
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

func parseAccount(v strictjson.Value, a *Account) {
	account := v.Object("low", "next", "set", "keys", "index", "path")
	a.Low, a.Next, a.Set = account["low"].Field(), account["next"].Field(), account["set"].Field()
	account["keys"].Fields(a.Keys[:])
	a.Index = parseIndex(account["index"], AccountDepth)
	parsePath(account["path"], a.Path[:])
}

func (w *Witness) parseInput(v strictjson.Value, in *Input) {
	input := v.Object("real", "asset", "value", "data", "r", "rho", "random", "index", "path")
	in.Real = input["real"].Uint(1) == 1
	in.Asset, in.Value = w.parseAsset(input["asset"]), input["value"].Field()
	in.Data, in.R, in.Rho = input["data"].Field(), input["r"].Field(), input["rho"].Field()
	in.Random = input["random"].Field()
	in.Index = parseIndex(input["index"], NoteDepth)
	parsePath(input["path"], in.Path[:])
}

func (w *Witness) parseAsset(v strictjson.Value) fr.Element {
	asset := v.Field()
	if asset != w.Asset && asset != w.Tx.FeeAsset {
		v.Fail(ErrAsset)
	}
	return asset
}

func parsePoint(v strictjson.Value) Point {
	var xy [2]fr.Element
	v.Fields(xy[:])
	return Point{X: xy[0], Y: xy[1]}
}

func parseIndex(v strictjson.Value, depth int) uint64 { return v.Uint(1<<(2*depth) - 1) }

func parsePath(v strictjson.Value, path []Children) {
	for k, level := range v.List(len(path)) {
		level.Fields(path[k][:])
	}
}

// MarshalJSON writes the witness file that ParseWitness reads.
func (w *Witness) MarshalJSON() ([]byte, error) {
	type dict = map[string]any
	t, a := &w.Tx, &w.Account
	inputs, outputs := make([]any, Inputs), make([]any, Outputs)
	for i := range w.Inputs {
		in := &w.Inputs[i]
		inputs[i] = dict{
			"real": bit(in.Real), "asset": hex(in.Asset), "value": hex(in.Value), "data": hex(in.Data), "r": hex(in.R),
			"rho": hex(in.Rho), "random": hex(in.Random), "index": in.Index, "path": hexPath(in.Path[:]),
		}
	}
	for j, out := range w.Outputs {
		outputs[j] = dict{"asset": hex(out.Asset), "value": hex(out.Value), "partial": hex(out.Partial)}
	}
	return json.Marshal(dict{
		"tx": dict{
			"kind": hex(t.Kind), "domain": hex(t.Domain), "anchor": hex(t.Anchor), "named": hexes(t.Named[:]),
			"nullifiers": hexes(t.Nullifiers[:]), "commitments": hexes(t.Commitments[:]),
			"public_value": hex(t.PublicValue), "public_asset": hex(t.PublicAsset), "recipient": hex(t.Recipient),
			"fee": hex(t.Fee), "fee_asset": hex(t.FeeAsset), "expiry": hex(t.Expiry), "operation": hex(t.Operation),
			"ext_hash": hex(t.Hash),
		},
		"asset": hex(w.Asset), "nullifier_key": hex(w.NullifierKey),
		"first_key": w.FirstKey.hexes(), "signing_key": w.SigningKey.hexes(),
		"signature": dict{"r": w.Signature.R.hexes(), "s": hex(w.Signature.S)},
		"epoch_id":  hex(w.EpochID), "note_root": hex(w.NoteRoot), "account_root": hex(w.AccountRoot),
		"account": dict{
			"low": hex(a.Low), "next": hex(a.Next), "set": hex(a.Set), "keys": hexes(a.Keys[:]), "index": a.Index,
			"path": hexPath(a.Path[:]),
		},
		"operation": dict{"previous": hex(w.Operation.Previous), "next": hex(w.Operation.Next)},
		"inputs":    inputs,
		"outputs":   outputs,
	})
}

func (p Point) hexes() []string { return hexes([]fr.Element{p.X, p.Y}) }

func hex(e fr.Element) string { return "0x" + e.Text(16) }

func hexes(elements []fr.Element) []string {
	out := make([]string, len(elements))
	for i, e := range elements {
		out[i] = hex(e)
	}
	return out
}

func hexPath(path []Children) [][]string {
	out := make([][]string, len(path))
	for k := range path {
		out[k] = hexes(path[k][:])
	}
	return out
}

package exit

import (
	"encoding/json"
	"errors"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/strictjson"
	"sotto/circuits/tree"
	"sotto/circuits/witness"
)

// ErrRange is the cause of refusing an integer of the request that its type on L1 cannot hold: the contract would read
// the same public input otherwise.
var ErrRange = errors.New("integer is wider than its type")

// Assign parses a witness file and returns the assignment of the circuit with its public inputs in their order. Its
// errors are those of [ParseWitness]. The statement itself is checked by proving only.
func Assign(witnessJSON []byte) (assignment frontend.Circuit, public []fr.Element, err error) {
	w, err := ParseWitness(witnessJSON)
	if err != nil {
		return nil, nil, err
	}
	return w.Circuit(), w.Public(), nil
}

// ParseWitness parses a witness file strictly. Every error is a *[strictjson.Error] with one of the causes of that
// package, or ErrRange.
func ParseWitness(data []byte) (*Witness, error) {
	root, err := strictjson.Parse(data)
	if err != nil {
		return nil, err
	}
	w := &Witness{}
	top := root.Object("request", "state", "trees", "nullifier_key", "first_key", "signing_key", "signature",
		"account", "note", "low")
	parseRequest(top["request"], &w.Request)
	w.State, w.NullifierKey = top["state"].Field(), top["nullifier_key"].Field()
	witness.ParseTrees(top["trees"], &w.Trees)
	w.FirstKey, w.SigningKey = witness.ParsePoint(top["first_key"]), witness.ParsePoint(top["signing_key"])
	w.Signature = witness.ParseSignature(top["signature"])
	witness.ParseAccount(top["account"], &w.Account)

	note := top["note"].Object("data", "r", "rho", "index", "path")
	w.Note.Data, w.Note.R, w.Note.Rho = note["data"].Field(), note["r"].Field(), note["rho"].Field()
	w.Note.Index = witness.ParseIndex(note["index"], tree.NoteDepth)
	witness.ParsePath(note["path"], w.Note.Path[:])

	low := top["low"].Object("value", "next", "index", "path")
	w.Low.Value, w.Low.Next = low["value"].Field(), low["next"].Field()
	w.Low.Index = witness.ParseIndex(low["index"], tree.NullifierDepth)
	witness.ParsePath(low["path"], w.Low.Path[:])
	if err := root.Err(); err != nil {
		return nil, err
	}
	return w, nil
}

func parseRequest(v strictjson.Value, r *Request) {
	request := v.Object("domain", "nullifier", "asset", "value", "recipient", "executor", "fee")
	r.Domain = parseInteger(request["domain"], domainBits)
	r.Nullifier = request["nullifier"].Field()
	r.Asset, r.Value = parseInteger(request["asset"], assetBits), parseInteger(request["value"], valueBits)
	r.Recipient = parseInteger(request["recipient"], addressBits)
	r.Executor, r.Fee = parseInteger(request["executor"], addressBits), parseInteger(request["fee"], valueBits)
}

func parseInteger(v strictjson.Value, bits int) fr.Element {
	e := v.Field()
	if e.BigInt(new(big.Int)).BitLen() > bits {
		v.Fail(ErrRange)
	}
	return e
}

// MarshalJSON writes the witness file that ParseWitness reads.
func (w *Witness) MarshalJSON() ([]byte, error) {
	type dict = witness.Dict
	hex := witness.Hex
	return json.Marshal(dict{
		"request": dict{
			"domain": hex(w.Domain), "nullifier": hex(w.Nullifier), "asset": hex(w.Asset), "value": hex(w.Value),
			"recipient": hex(w.Recipient), "executor": hex(w.Executor), "fee": hex(w.Fee),
		},
		"state": hex(w.State), "trees": witness.Trees(&w.Trees), "nullifier_key": hex(w.NullifierKey),
		"first_key": w.FirstKey.Hexes(), "signing_key": w.SigningKey.Hexes(), "signature": w.Signature.Dict(),
		"account": w.Account.Dict(),
		"note": dict{
			"data": hex(w.Note.Data), "r": hex(w.Note.R), "rho": hex(w.Note.Rho), "index": w.Note.Index,
			"path": witness.HexPath(w.Note.Path[:]),
		},
		"low": dict{
			"value": hex(w.Low.Value), "next": hex(w.Low.Next), "index": w.Low.Index,
			"path": witness.HexPath(w.Low.Path[:]),
		},
	})
}

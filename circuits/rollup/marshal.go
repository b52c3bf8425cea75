package rollup

import (
	"encoding/json"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/tree"
)

// MarshalJSON writes the witness file that [ParseWitness] reads.
func (w *Witness) MarshalJSON() ([]byte, error) {
	h, o := &w.Header, &w.Old
	anchors := make([]any, AnchorSlots)
	for k, a := range w.Anchors {
		anchors[k] = dict{"anchor": word(a.Anchor), "index": a.Index, "path": path(a.Path)}
	}
	lanes, operations := make([]any, len(w.Lanes)), make([]any, len(w.Operations))
	for l := range w.Lanes {
		lanes[l] = w.Lanes[l].dict()
	}
	for a, op := range w.Operations {
		operations[a] = dict{
			"id": word(op.ID), "previous": word(op.Previous), "next": word(op.Preimage.Next), "low": word(op.Low),
			"low_next": word(op.LowNext), "low_set": word(op.LowSet), "pending": op.Pending, "index": op.Index,
			"path": path(op.Path),
		}
	}
	return json.Marshal(dict{
		"lanes": len(w.Lanes), "c": word(w.C), "z": word(w.Z), "y": word(w.Y), "m": word(w.M),
		"header": dict{
			"old_state": word(h.OldState), "new_state": word(h.NewState), "own_anchor": word(h.OwnAnchor),
			"domain": word(h.Domain), "epoch_id": word(h.EpochID), "oldest": word(h.Oldest), "now": word(h.Now),
			"queue_start": word(h.QueueStart), "queue_end": word(h.QueueEnd), "fee_assets": wordList(h.FeeAssets[:]),
			"fee_totals": wordList(h.FeeTotals[:]), "reserved": word(h.Reserved),
		},
		"old": dict{
			"note_root": word(o.NoteRoot), "note_size": word(o.NoteSize), "nullifier_root": word(o.NullifierRoot),
			"nullifier_size": word(o.NullifierSize), "root_root": word(o.RootRoot), "root_size": word(o.RootSize),
			"account_root": word(o.AccountRoot), "account_size": word(o.AccountSize),
		},
		"anchors": anchors, "lane": lanes, "operations": operations,
		"subtrees": dict{
			"note": w.Subtrees.Note.dict(), "nullifier": w.Subtrees.Nullifier.dict(),
			"account": w.Subtrees.Account.dict(), "root": w.Subtrees.Root.dict(),
		},
	})
}

type dict = map[string]any

func (l *WitnessLane) dict() dict {
	insertions := make([]any, len(l.Insertions))
	for i, op := range l.Insertions {
		insertions[i] = dict{
			"low": word(op.Low), "next": word(op.Next), "pending": op.Pending, "index": op.Index, "path": path(op.Path),
		}
	}
	return dict{
		"kind": word(l.Kind), "link": word(l.Link), "public_value": word(l.PublicValue),
		"public_asset": word(l.PublicAsset), "recipient": word(l.Recipient), "anchor": word(l.Anchor),
		"named": wordList(l.Named[:]), "nullifiers": wordList(l.Nullifiers[:]), "commitments": wordList(l.Commitments[:]),
		"operation": word(l.Operation), "fee": word(l.Fee), "fee_asset": word(l.FeeAsset), "expiry": word(l.Expiry),
		"ext": wordList(l.Ext[:]), "fee_slot": l.FeeSlot, "anchor_slot": l.AnchorSlot, "member": l.Member,
		"insertions": insertions,
	}
}

func (o *Opening) dict() dict { return dict{"index": o.Index, "path": path(o.Path)} }

func word(e fr.Element) string { return "0x" + e.Text(16) }

func wordList(es []fr.Element) []string {
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = word(e)
	}
	return out
}

func path(levels []tree.Children) [][]string {
	out := make([][]string, len(levels))
	for k := range levels {
		out[k] = wordList(levels[k][:])
	}
	return out
}

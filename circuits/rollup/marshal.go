package rollup

import (
	"encoding/json"

	"sotto/circuits/witness"
)

// MarshalJSON writes the witness file that [ParseWitness] or, with y_data, [ParseBlobWitness] reads.
func (w *Witness) MarshalJSON() ([]byte, error) {
	h := &w.Header
	anchors := make([]any, AnchorSlots)
	for k, a := range w.Anchors {
		anchors[k] = dict{"anchor": witness.Hex(a.Anchor), "index": a.Index, "path": witness.HexPath(a.Path)}
	}
	lanes, operations := make([]any, len(w.Lanes)), make([]any, len(w.Operations))
	for l := range w.Lanes {
		lanes[l] = w.Lanes[l].dict()
	}
	for a, op := range w.Operations {
		operations[a] = dict{
			"id": witness.Hex(op.ID), "previous": witness.Hex(op.Previous), "next": witness.Hex(op.Preimage.Next), "low": witness.Hex(op.Low),
			"low_next": witness.Hex(op.LowNext), "low_set": witness.Hex(op.LowSet), "pending": op.Pending, "index": op.Index,
			"path": witness.HexPath(op.Path),
		}
	}
	file := dict{
		"lanes": len(w.Lanes), "c": witness.Hex(w.C), "z": witness.Hex(w.Z), "y": witness.Hex(w.Y), "m": witness.Hex(w.M),
		"header": dict{
			"old_state": witness.Hex(h.OldState), "new_state": witness.Hex(h.NewState), "own_anchor": witness.Hex(h.OwnAnchor),
			"domain": witness.Hex(h.Domain), "epoch_id": witness.Hex(h.EpochID), "oldest": witness.Hex(h.Oldest), "now": witness.Hex(h.Now),
			"queue_start": witness.Hex(h.QueueStart), "queue_end": witness.Hex(h.QueueEnd), "fee_assets": witness.Hexes(h.FeeAssets[:]),
			"fee_totals": witness.Hexes(h.FeeTotals[:]), "reserved": witness.Hex(h.Reserved),
		},
		"old":     witness.Trees(&w.Old),
		"anchors": anchors, "lane": lanes, "operations": operations,
		"subtrees": dict{
			"note": w.Subtrees.Note.dict(), "nullifier": w.Subtrees.Nullifier.dict(),
			"account": w.Subtrees.Account.dict(), "root": w.Subtrees.Root.dict(),
		},
	}
	if w.YData != nil {
		file["y_data"] = witness.Hexes(w.YData[:])
	}
	return json.Marshal(file)
}

type dict = witness.Dict

func (l *WitnessLane) dict() dict {
	insertions := make([]any, len(l.Insertions))
	for i, op := range l.Insertions {
		insertions[i] = dict{
			"low": witness.Hex(op.Low), "next": witness.Hex(op.Next), "pending": op.Pending, "index": op.Index, "path": witness.HexPath(op.Path),
		}
	}
	return dict{
		"kind": witness.Hex(l.Kind), "link": witness.Hex(l.Link), "public_value": witness.Hex(l.PublicValue),
		"public_asset": witness.Hex(l.PublicAsset), "recipient": witness.Hex(l.Recipient), "anchor": witness.Hex(l.Anchor),
		"named": witness.Hexes(l.Named[:]), "nullifiers": witness.Hexes(l.Nullifiers[:]), "commitments": witness.Hexes(l.Commitments[:]),
		"operation": witness.Hex(l.Operation), "fee": witness.Hex(l.Fee), "fee_asset": witness.Hex(l.FeeAsset), "expiry": witness.Hex(l.Expiry),
		"ext": witness.Hexes(l.Ext[:]), "fee_slot": l.FeeSlot, "anchor_slot": l.AnchorSlot, "member": l.Member,
		"insertions": insertions,
	}
}

func (o *Opening) dict() dict { return dict{"index": o.Index, "path": witness.HexPath(o.Path)} }

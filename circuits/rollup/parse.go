package rollup

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/strictjson"
	"sotto/circuits/tree"
	"sotto/circuits/witness"
)

// Assign parses a witness file for n lanes and returns the assignment of the circuit with its public inputs in their
// order. Its errors are those of [ParseWitness]. Whether the statement is true shows in solving only.
func Assign(n int, witnessJSON []byte) (assignment frontend.Circuit, public []fr.Element, err error) {
	w, err := ParseWitness(n, witnessJSON)
	if err != nil {
		return nil, nil, err
	}
	c, err := w.Assignment()
	if err != nil {
		return nil, nil, err
	}
	return c, w.Public(), nil
}

// AssignBlob is Assign for the circuit of [NewBlob]. Its errors are those of [ParseBlobWitness].
func AssignBlob(n int, witnessJSON []byte) (assignment frontend.Circuit, public []fr.Element, err error) {
	w, err := ParseBlobWitness(n, witnessJSON)
	if err != nil {
		return nil, nil, err
	}
	c, err := w.Assignment()
	if err != nil {
		return nil, nil, err
	}
	return &BlobCircuit{Circuit: *c}, w.Public(), nil
}

// ParseWitness parses a witness file for n lanes, in calldata mode, strictly. Its errors are ErrLanes, or
// *[strictjson.Error] with one of the causes of that package.
func ParseWitness(n int, data []byte) (*Witness, error) { return parse(n, data, keys) }

// ParseBlobWitness is ParseWitness for a file in blob mode, which states y_data.
func ParseBlobWitness(n int, data []byte) (*Witness, error) {
	return parse(n, data, append([]string{"y_data"}, keys...))
}

var keys = []string{"lanes", "c", "z", "y", "m", "header", "old", "anchors", "lane", "operations", "subtrees"}

func parse(n int, data []byte, keys []string) (*Witness, error) {
	if !Supported(n) {
		return nil, ErrLanes(n)
	}
	root, err := strictjson.Parse(data)
	if err != nil {
		return nil, err
	}
	w := &Witness{Lanes: make([]WitnessLane, n), Operations: make([]WitnessOperation, n/4)}
	top := root.Object(keys...)
	if lanes := top["lanes"].Uint(maxLanes); root.Err() == nil && lanes != uint64(n) {
		return nil, ErrLanes(lanes)
	}
	w.C, w.Z, w.Y, w.M = top["c"].Field(), top["z"].Field(), top["y"].Field(), top["m"].Field()
	if limbs, ok := top["y_data"]; ok {
		w.YData = new([2]fr.Element)
		limbs.Fields(w.YData[:])
	}
	parseHeader(top["header"], &w.Header)
	witness.ParseTrees(top["old"], &w.Old)
	for k, v := range top["anchors"].List(AnchorSlots) {
		slot := v.Object("anchor", "index", "path")
		w.Anchors[k] = WitnessAnchor{slot["anchor"].Field(), parseOpening(slot, tree.RootDepth)}
	}
	for l, v := range top["lane"].List(n) {
		parseLane(v, &w.Lanes[l])
	}
	for a, v := range top["operations"].List(n / 4) {
		parseOperation(v, &w.Operations[a])
	}
	subtrees := top["subtrees"].Object("note", "nullifier", "account", "root")
	w.Subtrees = WitnessSubtrees{
		Note:      parsePlace(subtrees["note"], tree.NoteDepth-height(4*n)),
		Nullifier: parsePlace(subtrees["nullifier"], tree.NullifierDepth-height(4*n)),
		Account:   parsePlace(subtrees["account"], tree.AccountDepth-height(n/4)),
		Root:      parsePlace(subtrees["root"], tree.RootDepth),
	}
	if err := root.Err(); err != nil {
		return nil, err
	}
	if err := w.parseChoices(data); err != nil {
		return nil, err
	}
	return w, nil
}

// maxLanes bounds the number of lanes that a file may state.
const maxLanes = 1 << 16

func parseHeader(v strictjson.Value, h *Header[fr.Element]) {
	f := v.Object("old_state", "new_state", "own_anchor", "domain", "epoch_id", "oldest", "now", "queue_start",
		"queue_end", "fee_assets", "fee_totals", "reserved")
	h.OldState, h.NewState, h.OwnAnchor = f["old_state"].Field(), f["new_state"].Field(), f["own_anchor"].Field()
	h.Domain, h.EpochID, h.Oldest, h.Now = f["domain"].Field(), f["epoch_id"].Field(), f["oldest"].Field(), f["now"].Field()
	h.QueueStart, h.QueueEnd, h.Reserved = f["queue_start"].Field(), f["queue_end"].Field(), f["reserved"].Field()
	f["fee_assets"].Fields(h.FeeAssets[:])
	f["fee_totals"].Fields(h.FeeTotals[:])
}

func parseLane(v strictjson.Value, l *WitnessLane) {
	f := v.Object("kind", "link", "public_value", "public_asset", "recipient", "anchor", "named", "nullifiers",
		"commitments", "operation", "fee", "fee_asset", "expiry", "ext", "fee_slot", "anchor_slot", "member", "insertions")
	l.Kind, l.Link, l.Anchor, l.Operation = f["kind"].Field(), f["link"].Field(), f["anchor"].Field(), f["operation"].Field()
	l.PublicValue, l.PublicAsset = f["public_value"].Field(), f["public_asset"].Field()
	l.Recipient = f["recipient"].Field()
	l.Fee, l.FeeAsset, l.Expiry = f["fee"].Field(), f["fee_asset"].Field(), f["expiry"].Field()
	f["named"].Fields(l.Named[:])
	f["nullifiers"].Fields(l.Nullifiers[:])
	f["commitments"].Fields(l.Commitments[:])
	f["ext"].Fields(l.Ext[:])
	for i, v := range f["insertions"].List(len(l.Insertions)) {
		f := v.Object("low", "next", "pending", "index", "path")
		l.Insertions[i] = WitnessInsertion{
			Low: f["low"].Field(), Next: f["next"].Field(), Opening: parseOpening(f, tree.NullifierDepth),
		}
	}
}

func parseOperation(v strictjson.Value, o *WitnessOperation) {
	f := v.Object("id", "previous", "next", "low", "low_next", "low_set", "pending", "index", "path")
	o.Preimage = Preimage[fr.Element]{f["id"].Field(), f["previous"].Field(), f["next"].Field()}
	o.Low, o.LowNext, o.LowSet = f["low"].Field(), f["low_next"].Field(), f["low_set"].Field()
	o.Opening = parseOpening(f, tree.AccountDepth)
}

func parsePlace(v strictjson.Value, levels int) Opening {
	return parseOpening(v.Object("index", "path"), levels)
}

func parseOpening(f map[string]strictjson.Value, levels int) Opening {
	o := Opening{Index: f["index"].Uint(1<<(2*levels) - 1), Path: make([]tree.Children, levels)}
	for k, level := range f["path"].List(levels) {
		level.Fields(o.Path[k][:])
	}
	return o
}

// parseChoices reads the choices, in which -1 stands for none. It relies on the document having been found to hold
// exactly the expected keys: encoding/json alone would take others for them.
func (w *Witness) parseChoices(data []byte) error {
	var doc struct {
		Lane []struct {
			FeeSlot    choice `json:"fee_slot"`
			AnchorSlot choice `json:"anchor_slot"`
			Member     choice `json:"member"`
			Insertions []struct {
				Pending choice `json:"pending"`
			} `json:"insertions"`
		} `json:"lane"`
		Operations []struct {
			Pending choice `json:"pending"`
		} `json:"operations"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return &strictjson.Error{Cause: strictjson.ErrSyntax}
	}
	for l := range doc.Lane {
		from, to, path := &doc.Lane[l], &w.Lanes[l], fmt.Sprintf("lane[%d]", l)
		for _, c := range []struct {
			to    *int
			from  choice
			count int
			path  string
		}{
			{&to.FeeSlot, from.FeeSlot, FeeSlots, path + ".fee_slot"},
			{&to.AnchorSlot, from.AnchorSlot, AnchorSlots, path + ".anchor_slot"},
			{&to.Member, from.Member, len(to.Insertions), path + ".member"},
			{&to.Insertions[0].Pending, from.Insertions[0].Pending, 2 * l, path + ".insertions[0].pending"},
			{&to.Insertions[1].Pending, from.Insertions[1].Pending, 2*l + 1, path + ".insertions[1].pending"},
		} {
			if err := c.from.read(c.to, c.count, c.path); err != nil {
				return err
			}
		}
	}
	for a := range doc.Operations {
		path := fmt.Sprintf("operations[%d].pending", a)
		if err := doc.Operations[a].Pending.read(&w.Operations[a].Pending, a, path); err != nil {
			return err
		}
	}
	return nil
}

// choice is a number as it is written, since encoding/json would also take a string or null for one.
type choice struct{ json.RawMessage }

// read parses a choice among count possibilities, or -1.
func (c choice) read(to *int, count int, path string) error {
	n, err := strconv.Atoi(string(c.RawMessage))
	if err != nil || n < None || n >= count || strconv.Itoa(n) != string(c.RawMessage) {
		return &strictjson.Error{Path: path, Cause: strictjson.ErrInteger}
	}
	*to = n
	return nil
}

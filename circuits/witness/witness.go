// Package witness holds the parts that the witness files of several circuits share (docs/spec/07-witness.md): their
// values, how they are read and written, and how they are assigned to a circuit.
package witness

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/strictjson"
	"sotto/circuits/tree"
)

// Children are the four children of a node on a path, left to right.
type Children = tree.Children

// Point is a point of Baby Jubjub. Only the circuit checks that it is one.
type Point struct{ X, Y fr.Element }

// Signature is an EdDSA signature. Only the circuit checks it.
type Signature struct {
	R Point
	S fr.Element
}

// Account opens the leaf of the account tree that holds the spender's id, or the one whose arc does.
type Account struct {
	Low, Next, Set fr.Element
	Keys           [gadget.Keys]fr.Element
	Index          uint64 // < 4^tree.AccountDepth
	Path           [tree.AccountDepth]Children
}

// Wires returns the assignment of a point.
func (p Point) Wires() gadget.Point { return gadget.Point{X: p.X, Y: p.Y} }

// Wires returns the assignment of a signature.
func (s Signature) Wires() gadget.Signature { return gadget.Signature{R: s.R.Wires(), S: s.S} }

// Assign assigns the opening of an account.
func (a *Account) Assign(wires *gadget.AccountLeaf) {
	wires.Low, wires.Next, wires.Set = a.Low, a.Next, a.Set
	Assign(wires.Keys[:], a.Keys[:])
	AssignPath(wires.Path, a.Path[:], a.Index)
}

// Assign assigns values one by one.
func Assign(wires []frontend.Variable, values []fr.Element) {
	for i, v := range values {
		wires[i] = v
	}
}

// AssignPath assigns the path of the leaf at an index.
func AssignPath(wires gadget.Path, levels []Children, index uint64) {
	for k := range levels {
		Assign(wires.Levels[k][:], levels[k][:])
		wires.Bits[2*k], wires.Bits[2*k+1] = index>>(2*k)&1, index>>(2*k+1)&1
	}
}

// ParsePoint reads a point.
func ParsePoint(v strictjson.Value) Point {
	var xy [2]fr.Element
	v.Fields(xy[:])
	return Point{X: xy[0], Y: xy[1]}
}

// ParseSignature reads a signature.
func ParseSignature(v strictjson.Value) Signature {
	signature := v.Object("r", "s")
	return Signature{R: ParsePoint(signature["r"]), S: signature["s"].Field()}
}

// ParseAccount reads the opening of an account.
func ParseAccount(v strictjson.Value, a *Account) {
	account := v.Object("low", "next", "set", "keys", "index", "path")
	a.Low, a.Next, a.Set = account["low"].Field(), account["next"].Field(), account["set"].Field()
	account["keys"].Fields(a.Keys[:])
	a.Index = ParseIndex(account["index"], tree.AccountDepth)
	ParsePath(account["path"], a.Path[:])
}

// ParseIndex reads the index of a leaf.
func ParseIndex(v strictjson.Value, depth int) uint64 { return v.Uint(1<<(2*depth) - 1) }

// ParsePath reads the children of each node on a path.
func ParsePath(v strictjson.Value, path []Children) {
	for k, level := range v.List(len(path)) {
		level.Fields(path[k][:])
	}
}

// ParseTrees reads roots and sizes of the four trees.
func ParseTrees(v strictjson.Value, t *gadget.Trees[fr.Element]) {
	f := v.Object("note_root", "note_size", "nullifier_root", "nullifier_size", "root_root", "root_size",
		"account_root", "account_size")
	t.NoteRoot, t.NoteSize = f["note_root"].Field(), f["note_size"].Field()
	t.NullifierRoot, t.NullifierSize = f["nullifier_root"].Field(), f["nullifier_size"].Field()
	t.RootRoot, t.RootSize = f["root_root"].Field(), f["root_size"].Field()
	t.AccountRoot, t.AccountSize = f["account_root"].Field(), f["account_size"].Field()
}

// Dict is a JSON object to write.
type Dict = map[string]any

// Trees returns what ParseTrees reads.
func Trees(t *gadget.Trees[fr.Element]) Dict {
	return Dict{
		"note_root": Hex(t.NoteRoot), "note_size": Hex(t.NoteSize), "nullifier_root": Hex(t.NullifierRoot),
		"nullifier_size": Hex(t.NullifierSize), "root_root": Hex(t.RootRoot), "root_size": Hex(t.RootSize),
		"account_root": Hex(t.AccountRoot), "account_size": Hex(t.AccountSize),
	}
}

// VariablesOfTrees returns the assignment of roots and sizes.
func VariablesOfTrees(t *gadget.Trees[fr.Element]) gadget.Trees[frontend.Variable] {
	return gadget.Trees[frontend.Variable]{
		NoteRoot: t.NoteRoot, NoteSize: t.NoteSize, NullifierRoot: t.NullifierRoot, NullifierSize: t.NullifierSize,
		RootRoot: t.RootRoot, RootSize: t.RootSize, AccountRoot: t.AccountRoot, AccountSize: t.AccountSize,
	}
}

// Dict returns what ParseAccount reads.
func (a *Account) Dict() Dict {
	return Dict{
		"low": Hex(a.Low), "next": Hex(a.Next), "set": Hex(a.Set), "keys": Hexes(a.Keys[:]), "index": a.Index,
		"path": HexPath(a.Path[:]),
	}
}

// Dict returns what ParseSignature reads.
func (s Signature) Dict() Dict { return Dict{"r": s.R.Hexes(), "s": Hex(s.S)} }

// Hexes returns what ParsePoint reads.
func (p Point) Hexes() []string { return Hexes([]fr.Element{p.X, p.Y}) }

// Hex writes a field element.
func Hex(e fr.Element) string { return "0x" + e.Text(16) }

// Hexes writes a list of field elements.
func Hexes(elements []fr.Element) []string {
	out := make([]string, len(elements))
	for i, e := range elements {
		out[i] = Hex(e)
	}
	return out
}

// HexPath returns what ParsePath reads.
func HexPath(path []Children) [][]string {
	out := make([][]string, len(path))
	for k := range path {
		out[k] = Hexes(path[k][:])
	}
	return out
}

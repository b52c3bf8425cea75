package tree

import (
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"sotto/circuits/hash"
)

func TestGenesis(t *testing.T) {
	q := fr.Modulus()
	q.Div(q, big.NewInt(4))
	for name, tree := range map[string]*Indexed{"nullifiers": NewNullifiers(), "accounts": NewAccounts()} {
		leaves := make([]fr.Element, 4)
		for i := range leaves {
			var value, next fr.Element
			value.SetBigInt(new(big.Int).Mul(q, big.NewInt(int64(i))))
			next.SetBigInt(new(big.Int).Mul(q, big.NewInt(int64((i+1)%4))))
			if name == "nullifiers" {
				leaves[i] = hash.Sum(hash.NULLIFIER_LEAF, value, next)
			} else {
				leaves[i] = hash.Sum(hash.ACCOUNT_LEAF, value, next, fr.Element{})
			}
		}
		root := hash.Compress([4]fr.Element(leaves))
		for k := 1; k < tree.Depth(); k++ {
			root = hash.Compress([4]fr.Element{root, hash.Zero(k), hash.Zero(k), hash.Zero(k)})
		}
		if tree.Root() != root {
			t.Errorf("%s: wrong genesis root", name)
		}
		if tree.Size() != 4 {
			t.Errorf("%s: size %d", name, tree.Size())
		}
	}
}

// between is the circuit's comparison: both distances below 2^252.
func between(low, x, next fr.Element) bool {
	one := element(1)
	var left, right fr.Element
	left.Sub(&x, &low).Sub(&left, &one)
	right.Sub(&next, &x).Sub(&right, &one)
	bits := func(e fr.Element) int { return e.BigInt(new(big.Int)).BitLen() }
	return bits(left) <= 252 && bits(right) <= 252
}

// checkRing walks the ring, and compares the root with one from all leaves.
func checkRing(t *testing.T, ring *Indexed, values []fr.Element) {
	t.Helper()
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b fr.Element) int { return a.Cmp(&b) })
	again := New(ring.Depth())
	for i, value := range sorted {
		index, item := ring.Low(value)
		if item.Value != value || item.Next != sorted[(i+1)%len(sorted)] {
			t.Fatalf("value %d of the ring points elsewhere", i)
		}
		if err := again.Set(index, ring.leaf(item)); err != nil {
			t.Fatal(err)
		}
	}
	if again.Root() != ring.Root() {
		t.Fatal("root differs from the one of the ring's leaves")
	}
}

func TestBatchesAgainstRing(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	ring := NewNullifiers()
	genesisValues := genesis()
	values := genesisValues[:]
	pendingLows := 0
	for range 6 {
		batch, err := ring.Begin(16)
		if err != nil {
			t.Fatal(err)
		}
		pending := map[int]Item{}
		for place := range 16 {
			if place%4 >= 2 {
				continue // as in lane nodes, two of four places stay empty
			}
			var x fr.Element
			if random.IntN(3) == 0 {
				x = add(values[random.IntN(len(values))], element(1+random.Uint64N(3)))
			} else {
				x.SetUint64(random.Uint64())
				x.Square(&x).Square(&x)
			}
			if slices.Contains(values, x) {
				if _, err := batch.Insert(place, x, fr.Element{}); !errors.Is(err, ErrPresent) {
					t.Fatalf("value on the ring: %v", err)
				}
				continue
			}
			root := ring.Root()
			low, err := batch.Insert(place, x, fr.Element{})
			if err != nil {
				t.Fatal(err)
			}
			if !between(low.Item.Value, x, low.Item.Next) {
				t.Fatal("low leaf's arc does not hold the value")
			}
			changed := low.Item
			changed.Next = x
			if low.Pending != NotPending {
				pendingLows++
				if pending[low.Pending] != low.Item {
					t.Fatal("opening differs from the pending leaf")
				}
				pending[low.Pending] = changed
			} else {
				if got, ok := RootOf(ring.leaf(low.Item), low.Index, low.Path); !ok || got != root {
					t.Fatal("opening leads to another root")
				}
			}
			pending[place] = Item{Value: x, Next: low.Item.Next}
			values = append(values, x)
		}
		before := ring.Root()
		number, path, err := batch.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if root, ok := RootOf(hash.Zero(2), number, path); !ok || root != before {
			t.Fatal("the subtree's place was not empty")
		}
		if ring.Size() != 16*(number+1) {
			t.Fatalf("size %d", ring.Size())
		}
		for place, item := range pending {
			if got, ok := ring.Item(16*number + uint64(place)); !ok || got != item {
				t.Fatalf("leaf of place %d differs", place)
			}
		}
		checkRing(t, ring, values)
	}
	if pendingLows == 0 {
		t.Error("no low leaf was pending")
	}
}

func TestReplaceInTreeAndPending(t *testing.T) {
	ring := NewAccounts()
	x, y := element(77), element(78)
	first, err := ring.Begin(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Insert(0, x, element(1)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.Finish(); err != nil {
		t.Fatal(err)
	}
	batch, err := ring.Begin(4)
	if err != nil {
		t.Fatal(err)
	}
	root := ring.Root()
	old, err := batch.Replace(x, element(2))
	if err != nil || old.Item.Set != element(1) || old.Pending != NotPending {
		t.Fatalf("replace in the tree: %+v, %v", old.Item, err)
	}
	if got, ok := RootOf(ring.leaf(old.Item), old.Index, old.Path); !ok || got != root {
		t.Error("opening leads to another root")
	}
	if _, err := batch.Insert(2, y, element(3)); err != nil {
		t.Fatal(err)
	}
	if old, err = batch.Replace(y, element(4)); err != nil || old.Item.Set != element(3) || old.Pending != 2 {
		t.Fatalf("replace pending: %+v, %v", old, err)
	}
	if _, _, err := batch.Finish(); err != nil {
		t.Fatal(err)
	}
	genesisValues := genesis()
	checkRing(t, ring, append(genesisValues[:], x, y))
	for value, set := range map[fr.Element]fr.Element{x: element(2), y: element(4)} {
		if _, item := ring.Low(value); item.Set != set {
			t.Error("wrong key set after the batch")
		}
		if !ring.Has(value) {
			t.Error("value is not on the ring")
		}
	}
}

func TestBatchRefusals(t *testing.T) {
	ring := NewNullifiers()
	if _, err := ring.Begin(3); !errors.Is(err, ErrSubtree) {
		t.Errorf("three places: %v", err)
	}
	batch, err := ring.Begin(4)
	if err != nil {
		t.Fatal(err)
	}
	x := element(5)
	if _, err := batch.Insert(1, x, fr.Element{}); err != nil {
		t.Fatal(err)
	}
	root := ring.Root()
	refused := func(name string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	insert := func(place int, x fr.Element) error {
		_, err := batch.Insert(place, x, fr.Element{})
		return err
	}
	refused("place taken", insert(1, element(6)), ErrPlace)
	refused("place -1", insert(-1, element(6)), ErrPlace)
	refused("place 4", insert(4, element(6)), ErrPlace)
	refused("pending value", insert(2, x), ErrPresent)
	for _, value := range genesis() {
		refused("genesis value", insert(2, value), ErrPresent)
	}
	_, err = batch.Replace(element(6), element(1))
	refused("replace an absent value", err, ErrAbsent)
	if ring.Root() != root {
		t.Error("a refused insertion changed the tree")
	}
	if _, _, err := batch.Finish(); err != nil {
		t.Fatal(err)
	}
	refused("insert after the end", insert(2, element(6)), ErrFinished)
	_, err = batch.Replace(x, element(1))
	refused("replace after the end", err, ErrFinished)
	_, _, err = batch.Finish()
	refused("second end", err, ErrFinished)
}

func add(a, b fr.Element) fr.Element { return *a.Add(&a, &b) }

func TestGenesisVector(t *testing.T) {
	file, err := os.ReadFile("../../tests/vectors/genesis.json")
	if err != nil {
		t.Fatal(err)
	}
	var vector struct {
		NoteRoot      string `json:"note_root"`
		NullifierRoot string `json:"nullifier_root"`
		RootRoot      string `json:"root_root"`
		AccountRoot   string `json:"account_root"`
		State         string `json:"GENESIS_STATE"`
	}
	if err := json.Unmarshal(file, &vector); err != nil {
		t.Fatal(err)
	}
	notes, nullifiers, roots, accounts := NewNotes(), NewNullifiers(), NewRoots(), NewAccounts()
	state := hash.Sum(hash.STATE, element(1), notes.Root(), element(notes.Size()), nullifiers.Root(),
		element(nullifiers.Size()), roots.Root(), element(roots.Size()), accounts.Root(), element(accounts.Size()),
		fr.Element{})
	for name, pair := range map[string]struct {
		got  fr.Element
		want string
	}{
		"note root": {notes.Root(), vector.NoteRoot}, "nullifier root": {nullifiers.Root(), vector.NullifierRoot},
		"root root": {roots.Root(), vector.RootRoot}, "account root": {accounts.Root(), vector.AccountRoot},
		"state": {state, vector.State},
	} {
		var want fr.Element
		if _, err := want.SetString(pair.want); err != nil || pair.got != want {
			t.Errorf("%s is %s, want %s", name, pair.got.Text(16), pair.want)
		}
	}
}

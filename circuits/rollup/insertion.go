package rollup

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
)

// pendingLeaf is a leaf that this batch inserts. It reaches the tree with the subtree at the end; until then later
// operations read and rewrite it here. set is nil for nullifiers.
type pendingLeaf struct{ value, next, set, enabled frontend.Variable }

// selectPending constrains hot to choose at most one enabled pending leaf, and (low, next, set) to be its content
// if one is chosen. It returns 1 if none is chosen: the low leaf is then in the tree.
func selectPending(api frontend.API, pending []pendingLeaf, hot []frontend.Variable, low, next, set frontend.Variable) frontend.Variable {
	inTree := frontend.Variable(1)
	for j, p := range pending {
		// One constraint for hot in {0, 1} and for hot = 0 where the leaf is disabled.
		assertZeroIf(api, hot[j], api.Sub(p.enabled, hot[j]))
		assertZeroIf(api, hot[j], api.Sub(low, p.value))
		assertZeroIf(api, hot[j], api.Sub(next, p.next))
		if set != nil {
			assertZeroIf(api, hot[j], api.Sub(set, p.set))
		}
		inTree = api.Sub(inTree, hot[j])
	}
	api.AssertIsBoolean(inTree)
	return inTree
}

// rewrite gives the chosen pending leaf its new content.
func rewrite(api frontend.API, pending []pendingLeaf, hot []frontend.Variable, next, set frontend.Variable) {
	for j := range pending {
		p := &pending[j]
		p.next = api.Add(p.next, api.Mul(hot[j], api.Sub(next, p.next)))
		if set != nil {
			p.set = api.Add(p.set, api.Mul(hot[j], api.Sub(set, p.set)))
		}
	}
}

// step moves root from the leaf's old to its new content where use is 1. Where use is 0 the path is unrelated to
// the tree and root stays.
func step(api frontend.API, root, oldLeaf, newLeaf, use frontend.Variable, path gadget.Path) frontend.Variable {
	before, after := gadget.Update(api, oldLeaf, newLeaf, path)
	assertZeroIf(api, use, api.Sub(before, root))
	return api.Add(root, api.Mul(use, api.Sub(after, root)))
}

// insertNullifiers inserts the nullifiers of spending lanes in lane order and proves for a skipped lane that the
// marked one is there. It returns the nullifier subtree's leaves and the root with all low leaves rewritten.
//
// A membership and a disabled insertion write back what they read, so they change neither the tree nor a pending
// leaf.
func (c *Circuit) insertNullifiers(api frontend.API, kinds []kind) (leaves []frontend.Variable, root frontend.Variable) {
	root = c.Old.NullifierRoot
	var pending []pendingLeaf
	for l := range c.Lanes {
		lane := &c.Lanes[l]
		api.AssertIsEqual(api.Add(lane.Member[0], lane.Member[1]), kinds[l].skipped)
		on := kinds[l].spends(api)
		for i, x := range lane.Nullifiers {
			op, member := &lane.Insertions[i], lane.Member[i]
			api.AssertIsBoolean(member)
			inTree := selectPending(api, pending, op.Hot, op.Low, op.Next, nil)
			gadget.AssertArc(api, op.Low, x, op.Next, on)
			assertZeroIf(api, member, api.Sub(op.Low, x))

			updated := api.Add(op.Next, api.Mul(on, api.Sub(x, op.Next)))
			use := api.Mul(api.Add(on, member), inTree)
			root = step(api, root, gadget.NullifierLeaf(api, op.Low, op.Next), gadget.NullifierLeaf(api, op.Low, updated), use, op.Path)
			rewrite(api, pending, op.Hot, updated, nil)
			pending = append(pending, pendingLeaf{value: x, next: op.Next, enabled: on})
		}
	}
	for j := range pending {
		p := &pending[j]
		leaves = append(leaves, api.Mul(p.enabled, gadget.NullifierLeaf(api, p.value, p.next)))
		if j%2 == 1 {
			leaves = append(leaves, 0, 0)
		}
	}
	return leaves, root
}

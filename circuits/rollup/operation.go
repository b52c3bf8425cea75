package rollup

import (
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/gadget"
	"sotto/circuits/hash"
)

// operationSlots gives the a-th account lane to operation slot a. It returns, for each slot, whether it is used and
// the operation word of its lane; more account lanes than slots are unsatisfiable.
func (c *Circuit) operationSlots(api frontend.API, kinds []kind) (used, words []frontend.Variable) {
	slots := len(c.Operations)
	used, words = make([]frontend.Variable, slots), make([]frontend.Variable, slots)
	// next is the one-hot number of account lanes so far; past the last slot there is no place for a 1.
	next := make([]frontend.Variable, slots)
	for a := range slots {
		used[a], words[a], next[a] = 0, 0, 0
	}
	next[0] = 1
	for l := range c.Lanes {
		taken := frontend.Variable(0)
		moved := frontend.Variable(0)
		for a := range slots {
			takes := api.Mul(next[a], kinds[l].account)
			used[a] = api.Add(used[a], takes)
			words[a] = api.Add(words[a], api.Mul(takes, c.Lanes[l].Operation))
			next[a] = api.Add(api.Sub(next[a], takes), moved)
			taken, moved = api.Add(taken, takes), takes
		}
		api.AssertIsEqual(taken, kinds[l].account)
	}
	return used, words
}

// applyOperations inserts and replaces key sets in the order of the account lanes. It returns the account subtree's
// leaves and the root with all opened leaves rewritten. An unused slot writes back what it reads.
func (c *Circuit) applyOperations(api frontend.API, kinds []kind) (leaves []frontend.Variable, root frontend.Variable) {
	used, words := c.operationSlots(api, kinds)
	root = c.Old.AccountRoot
	var pending []pendingLeaf
	for a := range c.Operations {
		op, on := &c.Operations[a], used[a]
		preimage := gadget.Sum(api, hash.OPERATION, op.ID, op.Previous, op.Next)
		assertZeroIf(api, on, api.Sub(preimage, words[a]))
		assertZeroIf(api, on, api.IsZero(op.Next))
		// The preimage's id and next are words of the epoch, which are 0 in an unused place.
		assertZeroIf(api, api.Sub(1, on), op.ID)
		assertZeroIf(api, api.Sub(1, on), op.Next)

		insert := api.Mul(on, api.IsZero(op.Previous))
		replace := api.Sub(on, insert)
		inTree := selectPending(api, pending, op.Hot, op.Low, op.LowNext, op.LowSet)
		gadget.AssertArc(api, op.Low, op.ID, op.LowNext, insert)
		assertZeroIf(api, replace, api.Sub(op.Low, op.ID))
		assertZeroIf(api, replace, api.Sub(op.LowSet, op.Previous))

		next := api.Add(op.LowNext, api.Mul(insert, api.Sub(op.ID, op.LowNext)))
		set := api.Add(op.LowSet, api.Mul(replace, api.Sub(op.Next, op.LowSet)))
		root = step(api, root, accountLeaf(api, op.Low, op.LowNext, op.LowSet), accountLeaf(api, op.Low, next, set),
			api.Mul(on, inTree), op.Path)
		rewrite(api, pending, op.Hot, next, set)
		pending = append(pending, pendingLeaf{value: op.ID, next: op.LowNext, set: op.Next, enabled: insert})
	}
	for _, p := range pending {
		leaves = append(leaves, api.Mul(p.enabled, accountLeaf(api, p.value, p.next, p.set)))
	}
	return leaves, root
}

func accountLeaf(api frontend.API, id, next, set frontend.Variable) frontend.Variable {
	return gadget.Sum(api, hash.ACCOUNT_LEAF, id, next, set)
}

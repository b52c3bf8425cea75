package msm

import "slices"

// buckets sums points by digit: bucket k holds what has the digit k + 1, less what has -(k + 1).
type buckets[P Point] struct {
	sums  []P
	adder Adder[P]
	// used marks the buckets that scheduled additions will change: those whose mark is round.
	used  []uint8
	round uint8
	// waiting holds points that met a used bucket. Scheduled additions may change them.
	waiting []pending[P]
}

type pending[P Point] struct {
	bucket int32
	point  P
}

func newBuckets[P Point](adder Adder[P]) *buckets[P] {
	return &buckets[P]{adder: adder, waiting: make([]pending[P], 0, Capacity)}
}

// reset empties n buckets.
func (b *buckets[P]) reset(n int) {
	if cap(b.sums) < n {
		b.sums, b.used = make([]P, n), make([]uint8, n)
	}
	b.sums, b.used = b.sums[:n], b.used[:n]
	clear(b.sums)
	clear(b.used)
	b.round = 1
}

// put adds a point to the bucket of its digit, or leaves that to settle.
func (b *buckets[P]) put(point *P, digit int32) {
	if digit == 0 {
		return
	}
	k, negate := digit-1, false
	if digit < 0 {
		k, negate = -digit-1, true
	}
	if b.adder.Len() == Capacity {
		b.flush()
	}
	if b.used[k] != b.round {
		b.add(k, point, negate)
		return
	}
	if len(b.waiting) == cap(b.waiting) {
		b.drain()
	}
	b.waiting = append(b.waiting, pending[P]{bucket: k})
	b.adder.Set(&b.waiting[len(b.waiting)-1].point, point, negate)
}

// settle carries out everything that put has left.
func (b *buckets[P]) settle() {
	for len(b.waiting) > 0 {
		b.drain()
	}
	b.flush()
}

func (b *buckets[P]) add(k int32, point *P, negate bool) {
	if b.adder.Add(&b.sums[k], point, negate) {
		b.used[k] = b.round
	}
}

// drain adds one waiting point to each bucket and the others for the same bucket to each other in pairs, so that even
// points of one digit only, such as those of bits, take few batches.
func (b *buckets[P]) drain() {
	b.flush()
	slices.SortFunc(b.waiting, func(x, y pending[P]) int { return int(x.bucket - y.bucket) })
	again, paired := b.waiting[:0], false
	for i := range b.waiting {
		w := &b.waiting[i]
		last := len(again) - 1
		switch {
		case b.used[w.bucket] != b.round:
			b.add(w.bucket, &w.point, false)
		case last >= 0 && again[last].bucket == w.bucket && !paired:
			paired = b.adder.Add(&again[last].point, &w.point, false)
		default:
			again, paired = append(again, *w), false
		}
	}
	b.waiting = again
}

func (b *buckets[P]) flush() {
	b.adder.Flush()
	b.round++
	if b.round == 0 {
		clear(b.used)
		b.round = 1
	}
}

// maxSegments bounds the work that weightedSum leaves to single additions.
const maxSegments = Capacity / 2

// segments splits the buckets into runs of equal length and returns, for each, the sum of its buckets and the sum weighted
// with 1, 2, ... along the run, found for all runs side by side.
func (b *buckets[P]) segments() (plain, weighted []P, length int) {
	count := min(len(b.sums), maxSegments)
	length = len(b.sums) / count
	plain, weighted = make([]P, count), make([]P, count)
	for at := length - 1; at >= 0; at-- {
		// The weighted sums are a step behind, to take the plain ones as they were before this step.
		for k := range count {
			b.adder.Add(&weighted[k], &plain[k], false)
			b.adder.Add(&plain[k], &b.sums[k*length+at], false)
		}
		b.adder.Flush()
	}
	for k := range count {
		b.adder.Add(&weighted[k], &plain[k], false)
	}
	b.adder.Flush()
	return plain, weighted, length
}

package msm

import (
	"math/bits"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/parallel"
	"golang.org/x/sync/errgroup"
)

// Term is a sum of Scalars[i] * Points[i]: equally many of both.
type Term[P Point] struct {
	Points  []P
	Scalars []fr.Element
}

// Job is a sum of terms to compute, with J its group's Jacobian coordinates. [Run] computes jobs.
type Job[J any] struct {
	parts []func(*worker)
	sum   func() J
}

// Result returns the sum. It may be called after Run only.
func (j *Job[J]) Result() J { return j.sum() }

func (j *Job[J]) tasks() []func(*worker) { return j.parts }

// Runnable is a Job of either group.
type Runnable interface{ tasks() []func(*worker) }

type worker struct {
	g1 *buckets[bn254.G1Affine]
	g2 *buckets[bn254.G2Affine]
}

// jacobian is what gnark-crypto's Jacobian coordinates offer in both groups.
type jacobian[J any, P Point] interface {
	*J
	AddMixed(*P) *J
	AddAssign(*J) *J
	DoubleAssign() *J
}

// NewG1 prepares a sum in G1. The terms must not change before Run has returned.
func NewG1(terms ...Term[bn254.G1Affine]) *Job[bn254.G1Jac] {
	return newJob[bn254.G1Jac](func(w *worker) *buckets[bn254.G1Affine] { return w.g1 }, terms, bestPlaces(size(terms)))
}

// NewG2 prepares a sum in G2. The terms must not change before Run has returned.
func NewG2(terms ...Term[bn254.G2Affine]) *Job[bn254.G2Jac] {
	return newJob[bn254.G2Jac](func(w *worker) *buckets[bn254.G2Affine] { return w.g2 }, terms, bestPlaces(size(terms)))
}

// Run computes jobs on all cores. They share one queue, so that no core waits for the end of a job; dearer ones should
// come first.
func Run(jobs ...Runnable) {
	// As many goroutines as cores: more would evict each other's buckets from the cache.
	workers := make(chan *worker, runtime.GOMAXPROCS(0))
	for range cap(workers) {
		workers <- &worker{g1: newBuckets(NewAdderG1()), g2: newBuckets(NewAdderG2())}
	}
	var group errgroup.Group
	group.SetLimit(cap(workers))
	for _, job := range jobs {
		for _, part := range job.tasks() {
			group.Go(func() error {
				w := <-workers
				part(w)
				workers <- w
				return nil
			})
		}
	}
	_ = group.Wait() // no part returns an error
}

func size[P Point](terms []Term[P]) (n int) {
	for _, t := range terms {
		if len(t.Points) != len(t.Scalars) {
			panic("msm: numbers of points and scalars differ")
		}
		n += len(t.Points)
	}
	return n
}

// newJob is Pippenger's method: scalars in signed digits, for each place of a digit one part, which sums the points by
// digit and then the sums weighted with their digits.
func newJob[J any, PJ jacobian[J, P], P Point](of func(*worker) *buckets[P], terms []Term[P], places int) *Job[J] {
	recoded := make([][][4]uint64, len(terms))
	for i := range terms {
		recoded[i] = recode(terms[i].Scalars, places)
	}
	sums := make([]J, places)
	job := &Job[J]{sum: func() J {
		total := sums[places-1]
		for place := places - 2; place >= 0; place-- {
			for range width(place, places) {
				PJ(&total).DoubleAssign()
			}
			PJ(&total).AddAssign(&sums[place])
		}
		return total
	}}
	for place := range places {
		job.parts = append(job.parts, func(worker *worker) {
			b, digits := of(worker), newReader(place, places)
			b.reset(1 << (width(place, places) - 1))
			for i := range terms {
				points := terms[i].Points
				for j := range points {
					b.put(&points[j], digits.read(&recoded[i][j]))
				}
			}
			b.settle()
			sums[place] = weightedSum[J, PJ](b)
		})
	}
	return job
}

// weightedSum returns the sum of (k + 1) * bucket k.
func weightedSum[J any, PJ jacobian[J, P], P Point](b *buckets[P]) (total J) {
	plain, weighted, length := b.segments()
	var run J
	for k := len(plain) - 1; k > 0; k-- {
		PJ(&run).AddMixed(&plain[k])
		PJ(&total).AddAssign(&run)
	}
	for range bits.Len(uint(length)) - 1 {
		PJ(&total).DoubleAssign()
	}
	for k := range weighted {
		PJ(&total).AddMixed(&weighted[k])
	}
	return total
}

// scalarBits is one more than a scalar has, for the sign of the last digit.
const scalarBits = fr.Bits + 1

// maxWidth keeps a worker's buckets within the processor's cache.
const maxWidth = 15

// start returns the lowest bit of a digit: all digits have equal widths, or almost, since digits of few bits would have
// few buckets, which batches can not fill.
func start(place, places int) int { return place * scalarBits / places }

func width(place, places int) int { return start(place+1, places) - start(place, places) }

// bestPlaces returns the number of digits that needs the fewest additions for n points: each digit costs one for each
// point and two for each bucket.
func bestPlaces(n int) int {
	best, least := 0, 0
	for places := (scalarBits + maxWidth - 1) / maxWidth; places <= scalarBits/2; places++ {
		cost := places * n
		for w := range places {
			cost += 1 << width(w, places)
		}
		if best == 0 || cost < least {
			best, least = places, cost
		}
	}
	return best
}

// recode adds half of a digit's range at each place but the last. A digit of the result, less that half, is then a signed
// digit of the scalar, without carries to pass on. The last digit stays positive, and within its buckets: the modulus is
// below 0.76 * 2^254.
func recode(scalars []fr.Element, places int) [][4]uint64 {
	var offset [4]uint64
	for w := range places - 1 {
		bit := start(w+1, places) - 1
		offset[bit/64] |= 1 << (bit % 64)
	}
	out := make([][4]uint64, len(scalars))
	parallel.Execute(len(scalars), func(start, end int) {
		for i := start; i < end; i++ {
			words := scalars[i].Bits()
			var carry uint64
			for j := range words {
				out[i][j], carry = bits.Add64(words[j], offset[j], carry)
			}
		}
	})
	return out
}

// reader reads the digits of one place.
type reader struct {
	word, shift int
	spans       bool // two words
	mask, half  int32
}

func newReader(place, places int) reader {
	from, bits := start(place, places), width(place, places)
	r := reader{word: from / 64, shift: from % 64, mask: 1<<bits - 1}
	r.spans = r.shift+bits > 64 && r.word < 3
	if place < places-1 {
		r.half = 1 << (bits - 1)
	}
	return r
}

func (r *reader) read(recoded *[4]uint64) int32 {
	v := recoded[r.word] >> r.shift
	if r.spans {
		v |= recoded[r.word+1] << (64 - r.shift)
	}
	return int32(v)&r.mask - r.half
}

package hash

import (
	"runtime"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Below this many permutations a worker costs more than it saves.
const minPermutationsPerWorker = 64

// CompressBatch returns Compress of every element of nodes, computed on all cores.
func CompressBatch(nodes [][4]fr.Element) []fr.Element {
	out := make([]fr.Element, len(nodes))
	parallel(len(nodes), func(i int) { out[i] = Compress(nodes[i]) })
	return out
}

// SumBatch returns Sum(tag, xs...) of every element of inputs, computed on all cores.
func SumBatch(tag Tag, inputs [][]fr.Element) []fr.Element {
	out := make([]fr.Element, len(inputs))
	parallel(len(inputs), func(i int) { out[i] = Sum(tag, inputs[i]...) })
	return out
}

func parallel(n int, work func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n/minPermutationsPerWorker)
	if workers <= 1 {
		for i := range n {
			work(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w * n / workers; i < (w+1)*n/workers; i++ {
				work(i)
			}
		})
	}
	wg.Wait()
}

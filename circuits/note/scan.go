package note

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A worker takes this many ciphertexts at a time: some 10 ms of work, so that no thread waits long for the last.
const scanChunk = 256

// Found is a note of a scanned list, with its place there.
type Found struct {
	Index int
	Opened
}

// Scan opens all ciphertexts of a list, CiphertextSize bytes each, that were sent to this key, in order. threads
// is the number of workers, 0 for one on each core. It returns ErrLength for a list with a torn last piece. A
// ciphertext made to mislead costs no more than any other, except one whose view tag matches: that costs one MAC.
func (k *ViewingKey) Scan(ciphertexts []byte, threads int) ([]Found, error) {
	if len(ciphertexts)%CiphertextSize != 0 {
		return nil, ErrLength
	}
	n := len(ciphertexts) / CiphertextSize
	chunks := (n + scanChunk - 1) / scanChunk
	workers := runtime.GOMAXPROCS(0)
	if threads > 0 {
		workers = min(threads, workers)
	}
	workers = min(workers, chunks)

	var (
		next     atomic.Int64
		mutex    sync.Mutex
		found    []Found
		panicked any
		wg       sync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			var mine []Found
			defer func() {
				p := recover()
				mutex.Lock()
				defer mutex.Unlock()
				if p != nil {
					panicked = p
				}
				found = append(found, mine...)
			}()
			for {
				chunk := int(next.Add(1)) - 1
				if chunk >= chunks {
					return
				}
				for i := chunk * scanChunk; i < min(n, (chunk+1)*scanChunk); i++ {
					ciphertext := (*[CiphertextSize]byte)(ciphertexts[i*CiphertextSize:])
					if opened, ok := k.Open(ciphertext); ok {
						mine = append(mine, Found{Index: i, Opened: opened})
					}
				}
			}
		})
	}
	wg.Wait()
	if panicked != nil {
		panic(panicked) // in the caller's goroutine, where it can be recovered
	}
	slices.SortFunc(found, func(a, b Found) int { return cmp.Compare(a.Index, b.Index) })
	return found, nil
}

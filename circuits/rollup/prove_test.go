package rollup_test

import (
	"syscall"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/catalog"
	"sotto/circuits/groth16x"
)

func BenchmarkProve(b *testing.B) {
	for name, scene := range map[string]func() *scene{"rollup4": mixed, "rollup16": sixteen} {
		b.Run(name, func(b *testing.B) {
			circuit, err := catalog.Get(name)
			if err != nil {
				b.Fatal(err)
			}
			keys, err := circuit.LocalKeys()
			if err != nil {
				b.Fatal(err)
			}
			data := encode(b, scene().w)
			before := cpuSeconds(b)
			for b.Loop() {
				assignment, public, err := circuit.Assign(data)
				if err != nil {
					b.Fatal(err)
				}
				full, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
				if err != nil {
					b.Fatal(err)
				}
				proof, err := groth16x.Prove(keys.Proving, keys.R1CS, full)
				if err != nil {
					b.Fatal(err)
				}
				if err := groth16x.Verify(keys.Verifying, public, proof); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s/op")
		})
	}
}

// cpuSeconds returns the processor time of this process, which other load on the machine does not blur.
func cpuSeconds(b *testing.B) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

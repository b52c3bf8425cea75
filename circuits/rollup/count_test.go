package rollup

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

func TestCount(t *testing.T) {
	for _, n := range []int{4, 16} {
		ccs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, New(n))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(n, ccs.GetNbConstraints(), ccs.GetNbConstraints()/n, ccs.GetNbPublicVariables())
	}
}

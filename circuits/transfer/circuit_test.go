package transfer

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

func TestCount(t *testing.T) {
	ccs, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, New())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(ccs.GetNbConstraints(), ccs.GetNbSecretVariables(), ccs.GetNbPublicVariables(), ccs.GetCommitments())
}

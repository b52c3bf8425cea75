package setup

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

var constantLine = regexp.MustCompile(`(?m)^    (uint256|bytes32|bool) internal constant (\w+) = (\w+);$`)

// The exported words are read back in the order of EIP-197 and must be the key's points.
func TestExportSolidity(t *testing.T) {
	r := compileCubic(t)
	phase1 := NewPhase1("test")
	pk, vk, err := Generate(r, phase1)
	if err != nil {
		t.Fatal(err)
	}
	k := &Keys{CircuitHash: CircuitHash(r), Phase1ID: phase1.ID(), R1CS: r, Proving: pk, Verifying: vk}
	source := ExportSolidity(k, "CubicKey", true)
	if source != ExportSolidity(k, "CubicKey", true) {
		t.Fatal("not deterministic")
	}
	constants := map[string]string{}
	for _, m := range constantLine.FindAllStringSubmatch(source, -1) {
		constants[m[2]] = m[3]
	}
	if n := strings.Count(source, "constant"); n != len(constants) || !strings.Contains(source, "library CubicKey {") {
		t.Fatalf("%d constants, %d parsed", n, len(constants))
	}
	number := func(name string) (e fp.Element) {
		v, ok := new(big.Int).SetString(constants[name], 0)
		if !ok || len(constants[name]) != 66 {
			t.Fatalf("%s = %q", name, constants[name])
		}
		e.SetBigInt(v)
		return e
	}
	pointG1 := func(name string) bn254.G1Affine {
		return bn254.G1Affine{X: number(name + "_X"), Y: number(name + "_Y")}
	}
	pointG2 := func(name string) bn254.G2Affine {
		return bn254.G2Affine{
			X: bn254.E2{A1: number(name + "_X1"), A0: number(name + "_X0")},
			Y: bn254.E2{A1: number(name + "_Y1"), A0: number(name + "_Y0")},
		}
	}
	for i, want := range vk.G1.K {
		if got := pointG1(fmt.Sprintf("IC%d", i)); !got.Equal(&want) {
			t.Errorf("IC%d", i)
		}
	}
	alpha, negatedAlpha := pointG1("ALPHA"), pointG1("NEG_ALPHA")
	if !alpha.Equal(&vk.G1.Alpha) || !negatedAlpha.Neg(&negatedAlpha).Equal(&vk.G1.Alpha) {
		t.Error("alpha")
	}
	beta := pointG2("BETA")
	if !beta.Equal(&vk.G2.Beta) {
		t.Error("beta")
	}
	for name, want := range map[string]bn254.G2Affine{
		"NEG_BETA": vk.G2.Beta, "NEG_GAMMA": vk.G2.Gamma, "NEG_DELTA": vk.G2.Delta,
	} {
		if got := pointG2(name); !got.Neg(&got).Equal(&want) {
			t.Error(name)
		}
	}
	for name, want := range map[string]string{
		"CIRCUIT_HASH": fmt.Sprintf("0x%x", k.CircuitHash), "PHASE1_ID": fmt.Sprintf("0x%x", k.Phase1ID),
		"LOCAL_KEYS": "true", "PUBLIC_INPUTS": "2",
	} {
		if constants[name] != want {
			t.Errorf("%s = %s", name, constants[name])
		}
	}
	if !strings.Contains(ExportSolidity(k, "CubicKey", false), "bool internal constant LOCAL_KEYS = false;") {
		t.Error("LOCAL_KEYS does not follow its argument")
	}
}

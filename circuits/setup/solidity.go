package setup

import (
	"fmt"
	"strings"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// ExportSolidity returns the source of a Solidity library with the constants of a verifying key:
//
//   - CIRCUIT_HASH, PHASE1_ID (bytes32), and LOCAL_KEYS, which is true when anybody can forge proofs;
//   - PUBLIC_INPUTS, and IC<i>_X, IC<i>_Y for i from 0 (the constant term) to PUBLIC_INPUTS;
//   - in G1, ALPHA and NEG_ALPHA with the suffixes _X, _Y;
//   - in G2, BETA, NEG_BETA, NEG_GAMMA and NEG_DELTA with the suffixes _X1, _X0, _Y1, _Y0, in the order in which
//     the EVM's pairing takes them: the coefficient of the imaginary unit (1) before the real one (0).
//
// gamma is 1: NEG_GAMMA is the negated generator of G2, the same in every key.
func ExportSolidity(k *Keys, library string, local bool) string {
	var b strings.Builder
	constant := func(kind, name, value string) {
		fmt.Fprintf(&b, "    %s internal constant %s = %s;\n", kind, name, value)
	}
	number := func(name string, v fp.Element) { constant("uint256", name, hexWord(v.Bytes())) }
	pointG1 := func(name string, p bn254.G1Affine) {
		number(name+"_X", p.X)
		number(name+"_Y", p.Y)
	}
	pointG2 := func(name string, p bn254.G2Affine) {
		number(name+"_X1", p.X.A1)
		number(name+"_X0", p.X.A0)
		number(name+"_Y1", p.Y.A1)
		number(name+"_Y0", p.Y.A0)
	}
	vk := k.Verifying
	var negatedAlpha bn254.G1Affine
	negatedAlpha.Neg(&vk.G1.Alpha)
	var negatedBeta, negatedGamma, negatedDelta bn254.G2Affine
	negatedBeta.Neg(&vk.G2.Beta)
	negatedGamma.Neg(&vk.G2.Gamma)
	negatedDelta.Neg(&vk.G2.Delta)

	b.WriteString("// SPDX-License-Identifier: Apache-2.0\n")
	b.WriteString("// Generated from a verifying key. Do not edit.\n")
	b.WriteString("pragma solidity ^0.8.37;\n\n")
	fmt.Fprintf(&b, "/// @title Verifying key of a Groth16 circuit on BN254\nlibrary %s {\n", library)
	constant("bytes32", "CIRCUIT_HASH", hexWord(k.CircuitHash))
	constant("bytes32", "PHASE1_ID", hexWord(k.Phase1ID))
	constant("bool", "LOCAL_KEYS", fmt.Sprint(local))
	constant("uint256", "PUBLIC_INPUTS", fmt.Sprint(len(vk.G1.K)-1))
	pointG1("ALPHA", vk.G1.Alpha)
	pointG1("NEG_ALPHA", negatedAlpha)
	pointG2("BETA", vk.G2.Beta)
	pointG2("NEG_BETA", negatedBeta)
	pointG2("NEG_GAMMA", negatedGamma)
	pointG2("NEG_DELTA", negatedDelta)
	for i, p := range vk.G1.K {
		pointG1(fmt.Sprintf("IC%d", i), p)
	}
	b.WriteString("}\n")
	return b.String()
}

func hexWord(word [32]byte) string { return fmt.Sprintf("0x%x", word) }

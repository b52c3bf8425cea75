package setup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"

	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

const domainCircuit = "sotto/setup/r1cs/v1"

// CircuitHash identifies a rank-1 constraint system: SHA-256 of a domain, the numbers of public, secret and internal
// wires and of constraints, the table of coefficients (32 bytes each, big endian), and for each constraint its three
// linear expressions as a length and pairs (coefficient index, wire). Numbers are 32-bit little endian. It covers
// all that a key depends on, and neither names nor debug information.
func CircuitHash(r1cs *cs.R1CS) (sum [32]byte) {
	digest := sha256.New()
	w := bufio.NewWriterSize(digest, 1<<16)
	var word [4]byte
	number := func(v uint32) {
		binary.LittleEndian.PutUint32(word[:], v)
		w.Write(word[:])
	}
	w.WriteString(domainCircuit)
	number(uint32(r1cs.GetNbPublicVariables()))
	number(uint32(r1cs.GetNbSecretVariables()))
	number(uint32(r1cs.GetNbInternalVariables()))
	number(uint32(r1cs.GetNbConstraints()))
	number(uint32(len(r1cs.Coefficients)))
	for i := range r1cs.Coefficients {
		b := r1cs.Coefficients[i].Bytes()
		w.Write(b[:])
	}
	constraints := r1cs.GetR1CIterator()
	for c := constraints.Next(); c != nil; c = constraints.Next() {
		for _, expression := range [3]constraint.LinearExpression{c.L, c.R, c.O} {
			number(uint32(len(expression)))
			for _, term := range expression {
				number(term.CID)
				number(term.VID)
			}
		}
	}
	w.Flush()
	digest.Sum(sum[:0])
	return sum
}

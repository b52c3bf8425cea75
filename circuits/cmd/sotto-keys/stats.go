package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/consensys/gnark-crypto/ecc"

	"sotto/circuits/catalog"
)

var errStatsDiffer = errors.New("the table of constraint counts is out of date: run sotto-keys stats and commit it")

const statsHeader = "circuit,constraints,public inputs,secret inputs,commitments,domain,constraints per lane\n"

func writeStats(file string, check bool) error {
	table, err := statsTable()
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, table, 0o644)
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(committed, table) {
		return fmt.Errorf("%s: %w; it should be\n%s", file, errStatsDiffer, table)
	}
	return nil
}

// statsTable compiles every circuit. The wire that is always 1 does not count as a public input.
func statsTable() ([]byte, error) {
	table := bytes.NewBufferString(statsHeader)
	for _, circuit := range catalog.All() {
		system, err := circuit.Compile()
		if err != nil {
			return nil, err
		}
		constraints := system.GetNbConstraints()
		perLane := ""
		if circuit.Lanes > 0 {
			perLane = strconv.Itoa((constraints + circuit.Lanes/2) / circuit.Lanes)
		}
		fmt.Fprintf(table, "%s,%d,%d,%d,%d,%d,%s\n", circuit.Name, constraints, system.GetNbPublicVariables()-1,
			system.GetNbSecretVariables(), len(system.CommitmentInfo.CommitmentIndexes()),
			ecc.NextPowerOfTwo(uint64(constraints)), perLane)
	}
	return table.Bytes(), nil
}

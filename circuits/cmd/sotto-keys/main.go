// Command sotto-keys makes the proving keys for local chains and the files that derive from circuits and keys.
//
//	sotto-keys setup [circuit...]              fill the key cache; every circuit without arguments
//	sotto-keys export-solidity -out FOLDER     write a Solidity library for each verifying key
//	sotto-keys stats [-out FILE] [-check]      write, or compare with, the table of constraint counts
//
// The keys come from a public seed: anyone can forge proofs under them (package setup).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/consensys/gnark/logger"

	"sotto/circuits/catalog"
	"sotto/circuits/setup"
)

var errUsage = errors.New("usage: sotto-keys setup [circuit...] | export-solidity -out FOLDER | stats [-out FILE] [-check]")

func main() {
	logger.Disable()
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, errUsage) || errors.Is(err, flag.ErrHelp) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(arguments []string, progress io.Writer) error {
	if len(arguments) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("sotto-keys "+arguments[0], flag.ContinueOnError)
	switch arguments[0] {
	case "setup":
		if err := flags.Parse(arguments[1:]); err != nil {
			return err
		}
		return prepare(flags.Args(), progress)
	case "export-solidity":
		folder := flags.String("out", "", "folder of the Solidity libraries")
		if err := parseOptions(flags, arguments[1:]); err != nil {
			return err
		}
		if *folder == "" {
			return errUsage
		}
		return exportSolidity(*folder, progress)
	case "stats":
		file := flags.String("out", "stats.csv", "file of the table")
		check := flags.Bool("check", false, "compare with the file and do not write it")
		if err := parseOptions(flags, arguments[1:]); err != nil {
			return err
		}
		return writeStats(*file, *check)
	}
	return errUsage
}

// parseOptions parses the flags of a command that takes no arguments besides them.
func parseOptions(flags *flag.FlagSet, arguments []string) error {
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 0 {
		return errUsage
	}
	return nil
}

func prepare(names []string, progress io.Writer) error {
	chosen := catalog.All()
	if len(names) > 0 {
		chosen = nil
		for _, name := range names {
			circuit, err := catalog.Get(name)
			if err != nil {
				return err
			}
			chosen = append(chosen, circuit)
		}
	}
	for _, circuit := range chosen {
		if _, err := load(circuit, progress); err != nil {
			return err
		}
	}
	return nil
}

func load(circuit catalog.Circuit, progress io.Writer) (*setup.Keys, error) {
	// A large circuit leaves gigabytes behind that the next one needs.
	runtime.GC()
	debug.FreeOSMemory()
	fmt.Fprintf(progress, "%s: loading or making keys\n", circuit.Name)
	start := time.Now()
	keys, err := circuit.LocalKeys()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "%s: %d constraints, ready after %.1f s\n", circuit.Name, keys.R1CS.GetNbConstraints(),
		time.Since(start).Seconds())
	return keys, nil
}

func exportSolidity(folder string, progress io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, circuit := range catalog.All() {
		keys, err := load(circuit, progress)
		if err != nil {
			return err
		}
		const local = true
		source := setup.ExportSolidity(keys, circuit.Library, local)
		if err := os.WriteFile(filepath.Join(folder, circuit.Library+".sol"), []byte(source), 0o644); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/circuits/catalog"
)

func TestUsage(t *testing.T) {
	for _, arguments := range [][]string{
		nil, {"unknown"}, {"export-solidity"}, {"export-solidity", "-out", "x", "more"}, {"stats", "more"},
	} {
		if err := run(arguments, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", arguments, err)
		}
	}
	if err := run([]string{"setup", "unknown"}, io.Discard); !errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("unknown circuit: %v", err)
	}
}

func TestStatsAreTheCommittedOnes(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every circuit")
	}
	if err := run([]string{"stats", "-check", "-out", "../../stats.csv"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	outdated := filepath.Join(t.TempDir(), "stats.csv")
	if err := os.WriteFile(outdated, []byte(statsHeader), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"stats", "-check", "-out", outdated}, io.Discard); !errors.Is(err, errStatsDiffer) {
		t.Fatalf("outdated table: %v", err)
	}
}

func TestSetupTellsWhatItDoes(t *testing.T) {
	var progress strings.Builder
	if err := run([]string{"setup", "transfer"}, &progress); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(progress.String(), "transfer: ") || !strings.Contains(progress.String(), "constraints") {
		t.Fatalf("%q", progress.String())
	}
}

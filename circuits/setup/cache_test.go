package setup

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits"
)

// counted counts how often the circuit is compiled: a load from the cache compiles nothing.
func counted(t *testing.T) (Circuit, *int) {
	n := new(int)
	return Circuit{Name: "cubic", Compile: func() (*cs.R1CS, error) {
		*n++
		return compileCubic(t), nil
	}}, n
}

func entryOf(dir string, k *Keys) string {
	return filepath.Join(dir, hex.EncodeToString(k.Phase1ID[:]), hex.EncodeToString(k.CircuitHash[:]))
}

func assertProves(t *testing.T, k *Keys) {
	t.Helper()
	full, err := frontend.NewWitness(&cubic{X: 10, Y: 3000 - 70 + 5, Z: 11}, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := groth16.Prove(k.R1CS, k.Proving, full)
	if err != nil {
		t.Fatal(err)
	}
	public, err := full.Public()
	if err != nil {
		t.Fatal(err)
	}
	if err := groth16.Verify(proof, k.Verifying, public.Vector().(fr.Vector)); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t *testing.T, dir string, c Circuit, seed string) *Keys {
	t.Helper()
	k, err := LoadFrom(dir, c, NewPhase1(seed))
	if err != nil {
		t.Fatal(err)
	}
	assertProves(t, k)
	return k
}

func TestLoadCompilesOnce(t *testing.T) {
	dir := t.TempDir()
	c, compilations := counted(t)
	first := mustLoad(t, dir, c, "test")
	second := mustLoad(t, dir, c, "test")
	if *compilations != 1 {
		t.Errorf("%d compilations", *compilations)
	}
	if first.CircuitHash != second.CircuitHash || first.Phase1ID != second.Phase1ID ||
		!first.Verifying.G2.Delta.Equal(&second.Verifying.G2.Delta) || CircuitHash(second.R1CS) != second.CircuitHash {
		t.Error("what was loaded differs from what was stored")
	}
	other := mustLoad(t, dir, c, "another seed")
	if other.Phase1ID == first.Phase1ID || other.Verifying.G2.Delta.Equal(&first.Verifying.G2.Delta) {
		t.Error("two seeds share an entry")
	}
}

func TestLoadVerifyingReadsNothingElse(t *testing.T) {
	t.Setenv("SOTTO_CACHE", t.TempDir())
	dir, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	c, compilations := counted(t)
	made, err := LoadVerifying(c, NewPhase1("test"))
	if err != nil {
		t.Fatal(err)
	}
	assertProves(t, made)
	// What does not verify may be damaged or gone.
	if err := os.Remove(filepath.Join(entryOf(dir, made), fileProvingKey)); err != nil {
		t.Fatal(err)
	}
	read, err := LoadVerifying(c, NewPhase1("test"))
	if err != nil {
		t.Fatal(err)
	}
	if *compilations != 1 || read.R1CS != nil || read.Proving != nil || read.CircuitHash != made.CircuitHash ||
		read.Phase1ID != made.Phase1ID || !read.Verifying.G2.Delta.Equal(&made.Verifying.G2.Delta) {
		t.Error("the verifying key was not read, or not alone")
	}
	name := filepath.Join(entryOf(dir, made), fileVerifyingKey)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[40] ^= 1
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	mended, err := LoadVerifying(c, NewPhase1("test"))
	if err != nil {
		t.Fatal(err)
	}
	assertProves(t, mended)
}

func TestLoadMendsDamage(t *testing.T) {
	files := []string{fileCircuit, fileProvingKey, fileVerifyingKey, fileManifest}
	damages := map[string]func(name string) error{
		"removed":   os.Remove,
		"truncated": func(name string) error { return os.Truncate(name, 10) },
		"emptied":   func(name string) error { return os.Truncate(name, 0) },
		"changed": func(name string) error {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			content[len(content)/2] ^= 1
			return os.WriteFile(name, content, 0o600)
		},
	}
	for _, file := range files {
		for damage, apply := range damages {
			dir := t.TempDir()
			c, compilations := counted(t)
			k := mustLoad(t, dir, c, "test")
			if err := apply(filepath.Join(entryOf(dir, k), file)); err != nil {
				t.Fatal(err)
			}
			if _, err := read(entryOf(dir, k), allFiles...); err == nil {
				t.Errorf("%s %s: not noticed", file, damage)
			} else if file != fileManifest && !errors.Is(err, ErrCacheCorrupt) {
				t.Errorf("%s %s: %v", file, damage, err)
			}
			mustLoad(t, dir, c, "test")
			mustLoad(t, dir, c, "test")
			if *compilations != 2 {
				t.Errorf("%s %s: %d compilations, want 2", file, damage, *compilations)
			}
		}
	}
}

func TestLoadRefusesEntryOfAnotherPlace(t *testing.T) {
	dir := t.TempDir()
	c, _ := counted(t)
	k, other := mustLoad(t, dir, c, "test"), mustLoad(t, dir, c, "another seed")
	if err := os.RemoveAll(entryOf(dir, k)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(entryOf(dir, other), entryOf(dir, k)); err != nil {
		t.Fatal(err)
	}
	if _, err := read(entryOf(dir, k), allFiles...); !errors.Is(err, ErrCacheCorrupt) {
		t.Errorf("entry of another seed: %v", err)
	}
	if again := mustLoad(t, dir, c, "test"); !again.Verifying.G2.Delta.Equal(&k.Verifying.G2.Delta) {
		t.Error("the entry was not made anew")
	}
}

func TestLoadLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	c, _ := counted(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := LoadFrom(dir, c, NewPhase1("test")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), "new-") {
			t.Errorf("left %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLoadReportsErrors(t *testing.T) {
	failure := errors.New("does not compile")
	failing := Circuit{Name: "failing", Compile: func() (*cs.R1CS, error) { return nil, failure }}
	if _, err := LoadFrom(t.TempDir(), failing, NewPhase1("test")); !errors.Is(err, failure) {
		t.Errorf("compilation: %v", err)
	}
	for _, name := range []string{"", "../up", "a b", "a/b"} {
		c, _ := counted(t)
		c.Name = name
		if _, err := LoadFrom(t.TempDir(), c, NewPhase1("test")); err == nil {
			t.Errorf("name %q accepted", name)
		}
	}
}

func TestCacheDirFollowsEnvironment(t *testing.T) {
	t.Setenv("SOTTO_CACHE", "/somewhere")
	if dir, err := CacheDir(); err != nil || dir != "/somewhere/keys" {
		t.Errorf("%s %v", dir, err)
	}
	t.Setenv("SOTTO_CACHE", "")
	t.Setenv("HOME", "/home/user")
	if dir, err := CacheDir(); err != nil || dir != "/home/user/.cache/sotto/keys" {
		t.Errorf("%s %v", dir, err)
	}
}

func TestSourceDigestIsStable(t *testing.T) {
	a, err := circuits.SourceDigest()
	if err != nil {
		t.Fatal(err)
	}
	b, err := circuits.SourceDigest()
	if err != nil || a != b || bytes.Equal(a[:], make([]byte, 32)) {
		t.Fatalf("%x %x %v", a, b, err)
	}
}

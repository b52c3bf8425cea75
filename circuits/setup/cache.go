package setup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"golang.org/x/sync/errgroup"

	"sotto/circuits"
)

// ErrCacheCorrupt says that an entry of the cache differs from what was written. Load meets it by making the entry
// anew.
var ErrCacheCorrupt = errors.New("setup: cache entry is corrupt")

// Circuit tells how to make a constraint system.
type Circuit struct {
	// Name identifies the circuit among those compiled from the same sources, sizes and variants included, such
	// as "rollup-16". It may hold letters, digits, '-' and '_'.
	Name string
	// Compile makes the constraint system. It must depend on nothing but the sources of this module.
	Compile func() (*cs.R1CS, error)
}

// Keys are a circuit and its keys. Treat them as read-only: they may be shared.
type Keys struct {
	CircuitHash, Phase1ID [32]byte
	R1CS                  *cs.R1CS
	Proving               *groth16.ProvingKey
	Verifying             *groth16.VerifyingKey
}

// Files of an entry. The proving key is a dump of memory, which loads ten times faster than points that are decoded
// one by one and is valid on the same kind of machine only.
const (
	fileCircuit      = "circuit.r1cs"
	fileProvingKey   = "proving.key"
	fileVerifyingKey = "verifying.key"
	fileManifest     = "manifest.json"
)

var allFiles = []string{fileCircuit, fileProvingKey, fileVerifyingKey}

// CacheDir returns ${SOTTO_CACHE:-$HOME/.cache/sotto}/keys.
func CacheDir() (string, error) {
	if dir := os.Getenv("SOTTO_CACHE"); dir != "" {
		return filepath.Join(dir, "keys"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".cache", "sotto", "keys"), nil
}

// Load returns a circuit and its keys from the cache in CacheDir, and makes and stores what is missing or corrupt.
// Concurrent callers, in this process or others, wait for one to make it.
func Load(c Circuit, phase1 Phase1) (*Keys, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return LoadFrom(dir, c, phase1)
}

// LoadVerifying is Load for those who only verify. Of an entry in the cache it reads the verifying key alone, which is
// thousands of times smaller than the rest: R1CS and Proving of the result are nil then.
func LoadVerifying(c Circuit, phase1 Phase1) (*Keys, error) {
	dir, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return loadFrom(dir, c, phase1, fileVerifyingKey)
}

// LoadFrom is Load with the cache in a directory of choice.
//
// A compiled circuit is found by the digest of the sources and its name, its keys by phase 1 and circuit hash: a
// change of the sources that leaves the circuit as it was costs a compilation, no setup.
func LoadFrom(dir string, c Circuit, phase1 Phase1) (*Keys, error) {
	return loadFrom(dir, c, phase1, allFiles...)
}

// loadFrom reads some files of an entry, or makes all of it.
func loadFrom(dir string, c Circuit, phase1 Phase1, files ...string) (*Keys, error) {
	if strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" || c.Name == "" {
		return nil, fmt.Errorf("setup: circuit name %q is empty or has other characters than letters, digits, - and _", c.Name)
	}
	source, err := circuits.SourceDigest()
	if err != nil {
		return nil, err
	}
	id := phase1.ID()
	store := filepath.Join(dir, hex.EncodeToString(id[:]))
	pointer := filepath.Join(store, "sources", hex.EncodeToString(source[:16])+"-"+c.Name)
	if err := os.MkdirAll(filepath.Dir(pointer), 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(store, "lock-"+c.Name))
	if err != nil {
		return nil, err
	}
	defer unlock()

	if circuitHash, err := os.ReadFile(pointer); err == nil {
		keys, err := read(filepath.Join(store, string(circuitHash)), files...)
		if err == nil {
			return keys, nil
		}
		if !errors.Is(err, ErrCacheCorrupt) && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	r1cs, err := c.Compile()
	if err != nil {
		return nil, fmt.Errorf("setup: compile %s: %w", c.Name, err)
	}
	hash := CircuitHash(r1cs)
	entry := filepath.Join(store, hex.EncodeToString(hash[:]))
	keys, err := read(entry, allFiles...)
	if err != nil {
		keys = &Keys{CircuitHash: hash, Phase1ID: id, R1CS: r1cs}
		if keys.Proving, keys.Verifying, err = Generate(r1cs, phase1); err != nil {
			return nil, err
		}
	}
	// Also when the keys were there: hints may have changed, which the circuit hash does not cover.
	keys.R1CS = r1cs
	if err := write(entry, keys); err != nil {
		return nil, err
	}
	return keys, writeFile(pointer, []byte(hex.EncodeToString(hash[:])))
}

// manifest is written last and holds the SHA-256 of the other files.
type manifest struct {
	CircuitHash string            `json:"circuit_hash"`
	Phase1ID    string            `json:"phase1_id"`
	Platform    string            `json:"platform"`
	Files       map[string]string `json:"files"`
}

func newManifest(k *Keys) manifest {
	return manifest{
		CircuitHash: hex.EncodeToString(k.CircuitHash[:]),
		Phase1ID:    hex.EncodeToString(k.Phase1ID[:]),
		Platform:    runtime.GOOS + "/" + runtime.GOARCH,
		Files:       map[string]string{},
	}
}

// write stores an entry: it is whole or absent, whenever the process ends.
func write(entry string, k *Keys) error {
	temporary, err := os.MkdirTemp(filepath.Dir(entry), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)

	var circuit, provingKey, verifyingKey bytes.Buffer
	if _, err := k.R1CS.WriteTo(&circuit); err != nil {
		return err
	}
	if err := k.Proving.WriteDump(&provingKey); err != nil {
		return err
	}
	if _, err := k.Verifying.WriteRawTo(&verifyingKey); err != nil {
		return err
	}
	m := newManifest(k)
	for name, content := range map[string][]byte{
		fileCircuit: circuit.Bytes(), fileProvingKey: provingKey.Bytes(), fileVerifyingKey: verifyingKey.Bytes(),
	} {
		sum := sha256.Sum256(content)
		m.Files[name] = hex.EncodeToString(sum[:])
		if err := writeFile(filepath.Join(temporary, name), content); err != nil {
			return err
		}
	}
	encoded, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(temporary, fileManifest), append(encoded, '\n')); err != nil {
		return err
	}
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(entry); err != nil {
		return err
	}
	return os.Rename(temporary, entry)
}

// read returns the part of an entry that some of its files hold. It returns ErrCacheCorrupt when the entry is not what
// was written on this platform, and an error that is os.ErrNotExist when there is none.
func read(entry string, files ...string) (*Keys, error) {
	encoded, err := os.ReadFile(filepath.Join(entry, fileManifest))
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(encoded, &m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCacheCorrupt, fileManifest, err)
	}
	k := new(Keys)
	for _, id := range []struct {
		text string
		to   *[32]byte
	}{{m.CircuitHash, &k.CircuitHash}, {m.Phase1ID, &k.Phase1ID}} {
		if n, err := hex.Decode(id.to[:], []byte(id.text)); err != nil || n != len(id.to) {
			return nil, fmt.Errorf("%w: bad identifier %q", ErrCacheCorrupt, id.text)
		}
	}
	if expected := newManifest(k); m.Platform != expected.Platform ||
		expected.CircuitHash != filepath.Base(entry) || expected.Phase1ID != filepath.Base(filepath.Dir(entry)) {
		return nil, fmt.Errorf("%w: entry belongs to another place or platform", ErrCacheCorrupt)
	}
	parsers := map[string]func(*bytes.Reader) error{
		fileCircuit: func(r *bytes.Reader) error {
			k.R1CS = new(cs.R1CS)
			_, err := k.R1CS.ReadFrom(r)
			return err
		},
		fileProvingKey: func(r *bytes.Reader) error {
			k.Proving = new(groth16.ProvingKey)
			return k.Proving.ReadDump(r)
		},
		fileVerifyingKey: func(r *bytes.Reader) error {
			k.Verifying = new(groth16.VerifyingKey)
			_, err := k.Verifying.UnsafeReadFrom(r)
			return err
		},
	}
	var group errgroup.Group
	for _, name := range files {
		parse := parsers[name]
		group.Go(func() error {
			content, err := os.ReadFile(filepath.Join(entry, name))
			if err != nil {
				return fmt.Errorf("%w: %w", ErrCacheCorrupt, err)
			}
			if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != m.Files[name] {
				return fmt.Errorf("%w: %s has another hash", ErrCacheCorrupt, name)
			}
			if err := parse(bytes.NewReader(content)); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrCacheCorrupt, name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return k, nil
}

// writeFile replaces a file in one step. It does not wait for the disk: what a crash tears, the hashes show.
func writeFile(name string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), "new-")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}

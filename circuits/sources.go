// Package circuits knows the sources that its subpackages are made of, so that what is compiled from them can be
// kept between runs and told apart when they change.
package circuits

import (
	"crypto/sha256"
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed go.mod go.sum */*.go
var sources embed.FS

// Subpackages that no circuit is defined in.
var notCircuits = map[string]bool{"setup": true, "groth16x": true, "msm": true, "lib": true, "cmd": true, "circuittest": true}

// SourceDigest identifies the code that circuits are compiled from: the Go files of the direct subpackages without
// their tests, and the versions of all dependencies. Circuits must not be defined deeper in the tree.
func SourceDigest() ([32]byte, error) {
	var sum [32]byte
	digest := sha256.New()
	err := fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") || notCircuits[path.Dir(name)] {
			return err
		}
		content, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		file := sha256.Sum256(content)
		digest.Write([]byte(name + "\x00"))
		digest.Write(file[:])
		return nil
	})
	digest.Sum(sum[:0])
	return sum, err
}

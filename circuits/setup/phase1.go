// Package setup makes Groth16 keys for local chains from a public seed, keeps them in a cache, and exports
// verifying keys to Solidity.
//
// Whoever knows the seed can forge proofs: such keys are for development and tests, where it matters that
// everybody can make the same ones, and the exported library says so (LOCAL_KEYS), for deployments to refuse it.
// All circuits share phase 1 (tau, alpha, beta), gamma is 1, and delta is the circuit's own: so proofs of different
// circuits can share pairings. Notation follows Groth16 (eprint 2016/260) and the keys are gnark's own types.
package setup

import (
	"crypto/sha256"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// LocalSeed is the public seed of the keys for local chains.
const LocalSeed = "sotto local keys, version 1: anyone can forge proofs under them"

const (
	domainPhase1ID = "sotto/setup/phase1/v1"
	domainTau      = "sotto/setup/tau/v1"
	domainAlpha    = "sotto/setup/alpha/v1"
	domainBeta     = "sotto/setup/beta/v1"
	domainDelta    = "sotto/setup/delta/v1"
)

// Phase1 holds the secrets that all circuits share. They derive from a seed, by hashing to the field as in RFC 9380
// with SHA-256.
type Phase1 struct {
	seed             string
	tau, alpha, beta fr.Element
}

// NewPhase1 derives phase 1 from a seed.
func NewPhase1(seed string) Phase1 {
	return Phase1{
		seed:  seed,
		tau:   hashToField(domainTau, seed),
		alpha: hashToField(domainAlpha, seed),
		beta:  hashToField(domainBeta, seed),
	}
}

// ID names the phase 1: SHA-256 of a domain and the seed.
func (p Phase1) ID() [32]byte { return sha256.Sum256([]byte(domainPhase1ID + p.seed)) }

func (p Phase1) delta(circuit [32]byte) fr.Element {
	return hashToField(domainDelta, p.seed+string(circuit[:]))
}

func hashToField(domain, message string) fr.Element {
	out, err := fr.Hash([]byte(message), []byte(domain), 1)
	if err != nil {
		panic(err) // only a domain of more than 255 bytes is refused
	}
	return out[0]
}

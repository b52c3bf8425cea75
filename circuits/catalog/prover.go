package catalog

import (
	"errors"
	"fmt"
	"sync"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"sotto/circuits/groth16x"
	"sotto/circuits/setup"
)

// Causes of failure of a [Prover].
var (
	// ErrWitness says that a witness has not the circuit's shape or does not satisfy it. The message of the error
	// around it may quote values of the witness, secrets included.
	ErrWitness = errors.New("catalog: witness rejected")
	// ErrKeys says that keys can neither be loaded nor made.
	ErrKeys = errors.New("catalog: keys unavailable")
)

// One proof uses all cores and much memory: two at a time would be no faster.
var proving sync.Mutex

// Prover proves and verifies one circuit under its local keys, which it loads once and keeps. Its methods may be
// called from several goroutines.
type Prover struct {
	circuit Circuit

	mutex     sync.Mutex
	keys      *setup.Keys
	verifying *setup.Keys
	system    *cs.R1CS
}

// NewProver returns a prover that has loaded nothing yet.
func NewProver(circuit Circuit) *Prover { return &Prover{circuit: circuit} }

// Keys returns the circuit's keys; the first call loads or makes them, and the next one tries again if that failed
// with ErrKeys.
func (p *Prover) Keys() (*setup.Keys, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.keys == nil {
		keys, err := p.circuit.LocalKeys()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeys, err)
		}
		p.keys, p.verifying, p.system = keys, keys, keys.R1CS
	}
	return p.keys, nil
}

// Verifying returns the circuit's keys of which only the verifying key and the identifiers need be there; otherwise
// it is as Keys.
func (p *Prover) Verifying() (*setup.Keys, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.verifying == nil {
		keys, err := p.circuit.LocalVerifyingKey()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKeys, err)
		}
		p.verifying = keys
	}
	return p.verifying, nil
}

// Check solves the circuit for a witness file and returns its public inputs. It needs no keys. It returns ErrWitness.
func (p *Prover) Check(file []byte) ([]fr.Element, error) {
	full, public, err := p.parse(file)
	if err != nil {
		return nil, err
	}
	system, err := p.compiled()
	if err != nil {
		return nil, err
	}
	if _, err := system.Solve(full); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWitness, err)
	}
	return public, nil
}

// Prove makes a proof for a witness file and returns it with its public inputs. It returns ErrWitness or ErrKeys.
func (p *Prover) Prove(file []byte) (groth16x.Proof, []fr.Element, error) {
	full, public, err := p.parse(file)
	if err != nil {
		return groth16x.Proof{}, nil, err
	}
	keys, err := p.Keys()
	if err != nil {
		return groth16x.Proof{}, nil, err
	}
	proving.Lock()
	defer proving.Unlock()
	proof, err := groth16x.Prove(keys.Proving, keys.R1CS, full)
	if err != nil {
		// With keys of this very circuit, solving is the one step of proving that a witness can make fail.
		return groth16x.Proof{}, nil, fmt.Errorf("%w: %w", ErrWitness, err)
	}
	return proof, public, nil
}

// VerifyMany checks encoded proofs with their public inputs in one batch and tells for each whether it holds; a proof that
// is not well-formed does not. It returns ErrKeys, groth16x.ErrInputCount or groth16x.ErrProofCount.
func (p *Prover) VerifyMany(public [][]fr.Element, encoded [][]byte) ([]bool, error) {
	if len(public) != len(encoded) {
		return nil, groth16x.ErrProofCount
	}
	keys, err := p.Verifying()
	if err != nil {
		return nil, err
	}
	valid := make([]bool, len(encoded))
	var (
		proofs []groth16x.Proof
		inputs [][]fr.Element
		at     []int
	)
	for i := range encoded {
		if len(public[i]) != len(keys.Verifying.G1.K)-1 {
			return nil, groth16x.ErrInputCount
		}
		if proof, err := groth16x.ParseProof(encoded[i]); err == nil {
			proofs, inputs, at = append(proofs, proof), append(inputs, public[i]), append(at, i)
			valid[i] = true
		}
	}
	err = groth16x.BatchVerify(keys.Verifying, inputs, proofs)
	var invalid *groth16x.InvalidProofsError
	if errors.As(err, &invalid) {
		for _, i := range invalid.Indices {
			valid[at[i]] = false
		}
		return valid, nil
	}
	if err != nil {
		return nil, err
	}
	return valid, nil
}

func (p *Prover) parse(file []byte) (witness.Witness, []fr.Element, error) {
	assignment, public, err := p.circuit.Assign(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrWitness, err)
	}
	full, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrWitness, err)
	}
	return full, public, nil
}

func (p *Prover) compiled() (*cs.R1CS, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.system == nil {
		system, err := p.circuit.Compile()
		if err != nil {
			return nil, err
		}
		p.system = system
	}
	return p.system, nil
}

package setup

import (
	"errors"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// Reasons to refuse a setup.
var (
	ErrCommitments = errors.New("setup: the circuit uses Pedersen commitments, which proofs of this system do not carry")
	ErrBadSeed     = errors.New("setup: the seed gives a secret that is zero or a root of unity: take another")
)

// Generate makes the keys of a circuit: deterministic in phase1 and the circuit. It returns ErrCommitments, or
// ErrBadSeed (which no seed is expected to meet).
func Generate(r1cs *cs.R1CS, phase1 Phase1) (*groth16.ProvingKey, *groth16.VerifyingKey, error) {
	return generate(r1cs, secrets{
		tau: phase1.tau, alpha: phase1.alpha, beta: phase1.beta, delta: phase1.delta(CircuitHash(r1cs)),
	})
}

// secrets are the exponents behind a key; gamma is 1.
type secrets struct{ tau, alpha, beta, delta fr.Element }

func generate(r1cs *cs.R1CS, s secrets) (*groth16.ProvingKey, *groth16.VerifyingKey, error) {
	if len(r1cs.CommitmentInfo.CommitmentIndexes()) != 0 {
		return nil, nil, ErrCommitments
	}
	domain := fft.NewDomain(uint64(r1cs.GetNbConstraints()))
	one := fr.One()
	var vanishing fr.Element // tau^n - 1
	vanishing.Exp(s.tau, new(big.Int).SetUint64(domain.Cardinality)).Sub(&vanishing, &one)
	if vanishing.IsZero() || s.tau.IsZero() || s.alpha.IsZero() || s.beta.IsZero() || s.delta.IsZero() {
		return nil, nil, ErrBadSeed
	}

	wires := evaluate(r1cs, domain, &s.tau, &vanishing)
	public := r1cs.GetNbPublicVariables()
	combined := wires.combine(&s) // beta A + alpha B + C
	var deltaInverse fr.Element
	deltaInverse.Inverse(&s.delta)
	for i := public; i < len(combined); i++ {
		combined[i].Mul(&combined[i], &deltaInverse)
	}

	pk := &groth16.ProvingKey{Domain: *domain}
	var a, b []fr.Element
	a, pk.InfinityA, pk.NbInfinityA = dropZeros(wires.a)
	b, pk.InfinityB, pk.NbInfinityB = dropZeros(wires.b)

	constants := multiplyG1([]fr.Element{s.alpha, s.beta, s.delta})
	pk.G1.Alpha, pk.G1.Beta, pk.G1.Delta = constants[0], constants[1], constants[2]
	pk.G1.A, pk.G1.B = multiplyG1(a), multiplyG1(b)
	pk.G1.Z = quotientBases(domain, &s.tau, vanishing.Mul(&vanishing, &deltaInverse))
	verifying := multiplyG1(combined)
	pk.G1.K = verifying[public:]

	twists := multiplyG2([]fr.Element{s.beta, s.delta, one})
	pk.G2.Beta, pk.G2.Delta = twists[0], twists[1]
	pk.G2.B = multiplyG2(b)

	vk := &groth16.VerifyingKey{PublicAndCommitmentCommitted: [][]int{}}
	vk.G1.Alpha, vk.G1.Beta, vk.G1.Delta = pk.G1.Alpha, pk.G1.Beta, pk.G1.Delta
	vk.G1.K = verifying[:public:public]
	vk.G2.Beta, vk.G2.Delta, vk.G2.Gamma = pk.G2.Beta, pk.G2.Delta, twists[2]
	if err := vk.Precompute(); err != nil {
		return nil, nil, err
	}
	return pk, vk, nil
}

// wirePolynomials holds, for each wire, its polynomials of the three sides of all constraints at tau.
type wirePolynomials struct{ a, b, c []fr.Element }

// evaluate sums coefficient * L_j(tau) over the constraints j, L_j being the Lagrange polynomials of the domain:
// L_j(tau) = (tau^n - 1) w^j / (n (tau - w^j)).
func evaluate(r1cs *cs.R1CS, domain *fft.Domain, tau, vanishing *fr.Element) wirePolynomials {
	lagrange := make([]fr.Element, r1cs.GetNbConstraints())
	numerators := make([]fr.Element, len(lagrange))
	root := fr.One()
	var scale fr.Element
	scale.Mul(vanishing, &domain.CardinalityInv)
	for j := range lagrange {
		lagrange[j].Sub(tau, &root)
		numerators[j].Mul(&scale, &root)
		root.Mul(&root, &domain.Generator)
	}
	lagrange = fr.BatchInvert(lagrange)
	for j := range lagrange {
		lagrange[j].Mul(&lagrange[j], &numerators[j])
	}

	n := r1cs.GetNbPublicVariables() + r1cs.GetNbSecretVariables() + r1cs.GetNbInternalVariables()
	out := wirePolynomials{a: make([]fr.Element, n), b: make([]fr.Element, n), c: make([]fr.Element, n)}
	constraints := r1cs.GetR1CIterator()
	for j, r1c := 0, constraints.Next(); r1c != nil; j, r1c = j+1, constraints.Next() {
		accumulate(out.a, r1c.L, r1cs.Coefficients, &lagrange[j])
		accumulate(out.b, r1c.R, r1cs.Coefficients, &lagrange[j])
		accumulate(out.c, r1c.O, r1cs.Coefficients, &lagrange[j])
	}
	return out
}

func accumulate(wires []fr.Element, side constraint.LinearExpression, coefficients []fr.Element, value *fr.Element) {
	var product fr.Element
	for _, term := range side {
		wire := &wires[term.WireID()]
		if term.CoeffID() == constraint.CoeffIdOne {
			wire.Add(wire, value)
			continue
		}
		wire.Add(wire, product.Mul(&coefficients[term.CoeffID()], value))
	}
}

func (w wirePolynomials) combine(s *secrets) []fr.Element {
	out := make([]fr.Element, len(w.a))
	var t fr.Element
	for i := range out {
		out[i].Mul(&w.a[i], &s.beta)
		out[i].Add(&out[i], t.Mul(&w.b[i], &s.alpha))
		out[i].Add(&out[i], &w.c[i])
	}
	return out
}

// dropZeros returns the values that are not 0, a mark for each that is, and the number of those.
func dropZeros(values []fr.Element) (rest []fr.Element, zero []bool, zeros uint64) {
	zero = make([]bool, len(values))
	for i := range values {
		if zero[i] = values[i].IsZero(); zero[i] {
			zeros++
		} else {
			rest = append(rest, values[i])
		}
	}
	return rest, zero, zeros
}

// quotientBases returns tau^i * scale for i below the domain's size, in the bit-reversed order in which gnark's
// prover holds the quotient's coefficients, less the last: the quotient's degree is at most n - 2.
func quotientBases(domain *fft.Domain, tau, scale *fr.Element) []bn254.G1Affine {
	n := domain.Cardinality
	shift := 64 - bits.TrailingZeros64(n)
	scalars := make([]fr.Element, n)
	power := *scale
	for i := range n {
		scalars[bits.Reverse64(i)>>shift] = power
		power.Mul(&power, tau)
	}
	return multiplyG1(scalars[:n-1])
}

package msm

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// adderG2 inverts the norms of the denominators, which lie in the base field: 1/d is d's conjugate by its norm.
type adderG2 struct {
	targets     []*bn254.G2Affine
	addendX     [Capacity]bn254.E2
	numerator   [Capacity]bn254.E2 // of the slope
	denominator [Capacity]bn254.E2
	norm        [Capacity]fp.Element // of the denominator
	prefix      [Capacity]fp.Element // product of the norms before
	product     fp.Element
}

// NewAdderG2 returns an Adder for the twist.
func NewAdderG2() Adder[bn254.G2Affine] {
	a := &adderG2{targets: make([]*bn254.G2Affine, 0, Capacity)}
	a.product.SetOne()
	return a
}

func (a *adderG2) Len() int { return len(a.targets) }

func (a *adderG2) Add(target, point *bn254.G2Affine, negate bool) bool {
	if point.IsInfinity() {
		return false
	}
	if target.IsInfinity() {
		a.Set(target, point, negate)
		return false
	}
	n := len(a.targets)
	numerator, denominator := &a.numerator[n], &a.denominator[n]
	if negate {
		denominator.Sub(&target.X, &point.X)
		numerator.Add(&target.Y, &point.Y)
	} else {
		denominator.Sub(&point.X, &target.X)
		numerator.Sub(&point.Y, &target.Y)
	}
	if denominator.IsZero() {
		if target.Y.Equal(&point.Y) == negate {
			target.SetInfinity()
			return false
		}
		numerator.Square(&target.X) // the slope of the tangent
		denominator.Double(numerator)
		numerator.Add(numerator, denominator)
		denominator.Double(&target.Y)
	}
	var t fp.Element
	norm := &a.norm[n]
	norm.Square(&denominator.A0)
	norm.Add(norm, t.Square(&denominator.A1))

	a.addendX[n] = point.X
	a.prefix[n] = a.product
	a.product.Mul(&a.product, norm)
	a.targets = append(a.targets, target)
	return true
}

func (a *adderG2) Set(target, point *bn254.G2Affine, negate bool) {
	*target = *point
	if negate {
		target.Y.Neg(&target.Y)
	}
}

func (a *adderG2) Flush() {
	if len(a.targets) == 0 {
		return
	}
	var inverse, t fp.Element
	var slope, x, y bn254.E2
	inverse.Inverse(&a.product)
	for i := len(a.targets) - 1; i >= 0; i-- {
		target, denominator := a.targets[i], &a.denominator[i]
		t.Mul(&inverse, &a.prefix[i])
		inverse.Mul(&inverse, &a.norm[i])
		slope.A0.Mul(&denominator.A0, &t)
		slope.A1.Mul(&denominator.A1, &t)
		slope.A1.Neg(&slope.A1)
		slope.Mul(&slope, &a.numerator[i])

		x.Square(&slope)
		x.Sub(&x, &target.X)
		x.Sub(&x, &a.addendX[i])
		y.Sub(&target.X, &x)
		y.Mul(&y, &slope)
		target.Y.Sub(&y, &target.Y)
		target.X = x
	}
	a.targets = a.targets[:0]
	a.product.SetOne()
}

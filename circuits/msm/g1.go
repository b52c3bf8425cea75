package msm

import (
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

type adderG1 struct {
	targets     []*bn254.G1Affine
	addendX     [Capacity]fp.Element
	numerator   [Capacity]fp.Element // of the slope
	denominator [Capacity]fp.Element
	prefix      [Capacity]fp.Element // product of the denominators before
	product     fp.Element
}

// NewAdderG1 returns an Adder for G1.
func NewAdderG1() Adder[bn254.G1Affine] {
	a := &adderG1{targets: make([]*bn254.G1Affine, 0, Capacity)}
	a.product.SetOne()
	return a
}

func (a *adderG1) Len() int { return len(a.targets) }

func (a *adderG1) Add(target, point *bn254.G1Affine, negate bool) bool {
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
	a.addendX[n] = point.X
	a.prefix[n] = a.product
	a.product.Mul(&a.product, denominator)
	a.targets = append(a.targets, target)
	return true
}

func (a *adderG1) Set(target, point *bn254.G1Affine, negate bool) {
	*target = *point
	if negate {
		target.Y.Neg(&target.Y)
	}
}

func (a *adderG1) Flush() {
	if len(a.targets) == 0 {
		return
	}
	var inverse, slope, x, y fp.Element
	inverse.Inverse(&a.product)
	for i := len(a.targets) - 1; i >= 0; i-- {
		target := a.targets[i]
		slope.Mul(&inverse, &a.prefix[i])
		inverse.Mul(&inverse, &a.denominator[i])
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

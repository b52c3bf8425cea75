package setup

// adder adds many pairs of affine points with one inversion (Montgomery's trick). All scratch space is allocated
// once, since values passed through type parameters would otherwise each move to the heap.
type adder[T any, P field[T]] struct {
	targets     []*affine[T]
	addendX     []*T
	numerators  []T // of the slope
	denominator []T
	prefixes    []T // products of the denominators before
	product     T
	inverse     T
	slope, x, y T
}

func newAdder[T any, P field[T]](capacity int) *adder[T, P] {
	a := &adder[T, P]{
		targets:     make([]*affine[T], 0, capacity),
		addendX:     make([]*T, 0, capacity),
		numerators:  make([]T, capacity),
		denominator: make([]T, capacity),
		prefixes:    make([]T, capacity),
	}
	P(&a.product).SetOne()
	return a
}

// queue schedules target += point, or -= if negate. A target may be queued once between flushes. Additions to
// infinity and of opposite points are done at once, doublings take the slope of the tangent.
func (a *adder[T, P]) queue(target, point *affine[T], negate bool) {
	a.y = point.Y
	if negate {
		P(&a.y).Neg(&a.y)
	}
	if P(&target.X).IsZero() && P(&target.Y).IsZero() {
		target.X, target.Y = point.X, a.y
		return
	}
	n := len(a.targets)
	numerator, denominator := P(&a.numerators[n]), P(&a.denominator[n])
	denominator.Sub(&point.X, &target.X)
	numerator.Sub(&a.y, &target.Y)
	if denominator.IsZero() {
		if !numerator.IsZero() {
			*target = affine[T]{}
			return
		}
		P(&a.x).Square(&target.X)
		numerator.Double(&a.x)
		numerator.Add(&a.numerators[n], &a.x)
		denominator.Double(&target.Y)
	}
	a.prefixes[n] = a.product
	P(&a.product).Mul(&a.product, &a.denominator[n])
	a.targets = append(a.targets, target)
	a.addendX = append(a.addendX, &point.X)
}

// flush carries out what is queued.
func (a *adder[T, P]) flush() {
	P(&a.inverse).Inverse(&a.product)
	for i := len(a.targets) - 1; i >= 0; i-- {
		target := a.targets[i]
		P(&a.slope).Mul(&a.inverse, &a.prefixes[i])
		P(&a.inverse).Mul(&a.inverse, &a.denominator[i])
		P(&a.slope).Mul(&a.slope, &a.numerators[i])

		P(&a.x).Square(&a.slope)
		P(&a.x).Sub(&a.x, &target.X)
		P(&a.x).Sub(&a.x, a.addendX[i])
		P(&a.y).Sub(&target.X, &a.x)
		P(&a.y).Mul(&a.y, &a.slope)
		P(&target.Y).Sub(&a.y, &target.Y)
		target.X = a.x
	}
	a.targets, a.addendX = a.targets[:0], a.addendX[:0]
	P(&a.product).SetOne()
}

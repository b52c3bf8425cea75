package rollup_test

import (
	"fmt"
	"math/big"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
)

// audit evaluates a circuit on its assignment over field elements and, unlike a solver, does not stop at the first
// violated constraint: it collects the source line in this package behind each one. Methods that the circuit does
// not use are nil and panic.
type audit struct {
	frontend.API
	failed map[string]bool
	// seen holds every line that constrains anything.
	seen map[string]bool
}

// auditCircuit returns the lines with violated and with any constraints.
func auditCircuit(assignment frontend.Circuit) (failed, seen map[string]bool) {
	a := &audit{failed: map[string]bool{}, seen: map[string]bool{}}
	if err := assignment.Define(a); err != nil {
		panic(err)
	}
	return a.failed, a.seen
}

func value(v frontend.Variable) (e fr.Element) {
	switch x := v.(type) {
	case fr.Element:
		return x
	case *fr.Element:
		return *x
	case int:
		return *e.SetInt64(int64(x))
	case uint64:
		return *e.SetUint64(x)
	}
	if _, err := e.SetInterface(v); err != nil {
		panic(fmt.Sprintf("%T: %v", v, err))
	}
	return e
}

func (a *audit) check(ok bool) {
	at := site()
	a.seen[at] = true
	if !ok {
		a.failed[at] = true
	}
}

// site returns "file: source line" of the innermost caller in package rollup that is not a mere helper.
func site() string {
	pc := make([]uintptr, 24)
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "sotto/circuits/rollup.") && !strings.HasSuffix(f.Function, ".assertZeroIf") {
			return sourceLine(f.File, f.Line)
		}
		if !more {
			panic("constraint from outside the circuit")
		}
	}
}

var sources sync.Map

func sourceLine(file string, line int) string {
	lines, ok := sources.Load(file)
	if !ok {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		lines, _ = sources.LoadOrStore(file, strings.Split(string(text), "\n"))
	}
	return file[strings.LastIndex(file, "/")+1:] + ": " + strings.TrimSpace(lines.([]string)[line-1])
}

func (a *audit) Add(i1, i2 frontend.Variable, in ...frontend.Variable) frontend.Variable {
	sum, y := value(i1), value(i2)
	sum.Add(&sum, &y)
	for _, v := range in {
		y = value(v)
		sum.Add(&sum, &y)
	}
	return sum
}

func (a *audit) Sub(i1, i2 frontend.Variable, in ...frontend.Variable) frontend.Variable {
	d, y := value(i1), value(i2)
	d.Sub(&d, &y)
	for _, v := range in {
		y = value(v)
		d.Sub(&d, &y)
	}
	return d
}

func (a *audit) Mul(i1, i2 frontend.Variable, in ...frontend.Variable) frontend.Variable {
	p, y := value(i1), value(i2)
	p.Mul(&p, &y)
	for _, v := range in {
		y = value(v)
		p.Mul(&p, &y)
	}
	return p
}

func (a *audit) MulAcc(x, b, c frontend.Variable) frontend.Variable { return a.Add(x, a.Mul(b, c)) }

func (a *audit) IsZero(v frontend.Variable) frontend.Variable {
	if x := value(v); x.IsZero() {
		return fr.One()
	}
	return fr.Element{}
}

func (a *audit) AssertIsEqual(i1, i2 frontend.Variable) { a.check(value(i1) == value(i2)) }

func (a *audit) AssertIsBoolean(v frontend.Variable) {
	x := value(v)
	a.check(x.IsZero() || x.IsOne())
}

func (a *audit) ToBinary(v frontend.Variable, n ...int) []frontend.Variable {
	bits := fr.Bits
	if len(n) > 0 {
		bits = n[0]
	}
	x := value(v)
	b := x.BigInt(new(big.Int))
	a.check(b.BitLen() <= bits)
	out := make([]frontend.Variable, bits)
	for i := range out {
		out[i] = uint64(b.Bit(i))
	}
	return out
}

func (a *audit) Lookup2(b0, b1, i0, i1, i2, i3 frontend.Variable) frontend.Variable {
	a.AssertIsBoolean(b0)
	a.AssertIsBoolean(b1)
	low := a.Add(i0, a.Mul(b0, a.Sub(i1, i0)))
	high := a.Add(i2, a.Mul(b0, a.Sub(i3, i2)))
	return a.Add(low, a.Mul(b1, a.Sub(high, low)))
}

func (a *audit) Compiler() frontend.Compiler { return auditField{} }

type auditField struct{ frontend.Compiler }

func (auditField) NewHint(f solver.Hint, outputs int, inputs ...frontend.Variable) ([]frontend.Variable, error) {
	in, out := make([]*big.Int, len(inputs)), make([]*big.Int, outputs)
	for i, v := range inputs {
		x := value(v)
		in[i] = x.BigInt(new(big.Int))
	}
	for i := range out {
		out[i] = new(big.Int)
	}
	err := f(fr.Modulus(), in, out)
	variables := make([]frontend.Variable, outputs)
	for i, x := range out {
		variables[i] = x
	}
	return variables, err
}

func (auditField) Field() *big.Int  { return fr.Modulus() }
func (auditField) FieldBitLen() int { return fr.Bits }

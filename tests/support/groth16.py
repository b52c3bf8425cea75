"""Groth16 over BN254 in pure Python (py_ecc), with keys from the generated Solidity.

It shares nothing with our Go code.
Groth 2016, "On the Size of Pairing-based Non-interactive Arguments", section 3.2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from py_ecc.optimized_bn128 import (
    FQ,
    FQ2,
    FQ12,
    add,
    b,
    b2,
    curve_order,
    final_exponentiate,
    is_inf,
    is_on_curve,
    multiply,
    neg,
    normalize,
    pairing,
)

_CONSTANT = re.compile(r"uint256 internal constant (\w+) = (0x[0-9a-f]+|\d+);")
G1Point = tuple[FQ, FQ, FQ]
G2Point = tuple[FQ2, FQ2, FQ2]


@dataclass(frozen=True)
class VerifyingKey:
    """Points as in the paper. The contracts store gamma and delta negated."""

    alpha: G1Point
    beta: G2Point
    gamma: G2Point
    delta: G2Point
    inputs: tuple[G1Point, ...]


def read_key(path: Path) -> VerifyingKey:
    """The key of a generated library."""
    constants = {name: int(value, 0) for name, value in _CONSTANT.findall(path.read_text())}

    def g1(name: str) -> G1Point:
        point = (FQ(constants[f"{name}_X"]), FQ(constants[f"{name}_Y"]), FQ.one())
        assert is_on_curve(point, b)
        return point

    def g2(name: str) -> G2Point:
        x, y = (FQ2([constants[f"{name}_{c}0"], constants[f"{name}_{c}1"]]) for c in "XY")
        point = (x, y, FQ2.one())
        assert is_on_curve(point, b2)
        assert is_inf(multiply(point, curve_order))
        return point

    key = VerifyingKey(
        g1("ALPHA"),
        g2("BETA"),
        neg(g2("NEG_GAMMA")),
        neg(g2("NEG_DELTA")),
        tuple(g1(f"IC{i}") for i in range(constants["PUBLIC_INPUTS"] + 1)),
    )
    assert normalize(neg(key.beta)) == normalize(g2("NEG_BETA"))
    return key


def verify(key: VerifyingKey, public: Sequence[int], proof: bytes) -> bool:
    """Whether e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta), after all checks of the points."""
    assert len(proof) == 256
    assert len(public) + 1 == len(key.inputs)
    words = [int.from_bytes(proof[i : i + 32]) for i in range(0, 256, 32)]
    a: G1Point = (FQ(words[0]), FQ(words[1]), FQ.one())
    c: G1Point = (FQ(words[6]), FQ(words[7]), FQ.one())
    point_b: G2Point = (FQ2([words[3], words[2]]), FQ2([words[5], words[4]]), FQ2.one())
    if not (is_on_curve(a, b) and is_on_curve(c, b) and is_on_curve(point_b, b2)):
        return False
    if not is_inf(multiply(point_b, curve_order)):
        return False
    total = key.inputs[0]
    for value, point in zip(public, key.inputs[1:], strict=True):
        total = add(total, multiply(point, value))
    product = (
        pairing(point_b, neg(a), final_exponentiate=False)
        * pairing(key.beta, key.alpha, final_exponentiate=False)
        * pairing(key.gamma, total, final_exponentiate=False)
        * pairing(key.delta, c, final_exponentiate=False)
    )
    return bool(final_exponentiate(product) == FQ12.one())

"""Proofs taken apart with py_ecc: damage by point, and re-randomisation."""

from typing import Any

from py_ecc.bn128 import FQ, FQ2, add, b2, curve_order, field_modulus, is_on_curve, multiply, neg

Point = Any


def split(proof: bytes) -> tuple[Point, Point, Point]:
    """A, B and C of a proof of 256 bytes. G2 coordinates are stored imaginary part first."""
    words = [int.from_bytes(proof[i : i + 32]) for i in range(0, 256, 32)]
    a, c = (FQ(words[0]), FQ(words[1])), (FQ(words[6]), FQ(words[7]))
    b = (FQ2([words[3], words[2]]), FQ2([words[5], words[4]]))
    return a, b, c


def join(a: Point, b: Point, c: Point) -> bytes:
    """Inverse of `split`."""
    values = (
        *(int(x) for x in a),
        *(int(x.coeffs[i]) for x in b for i in (1, 0)),
        *(int(x) for x in c),
    )
    return b"".join(value.to_bytes(32) for value in values)


def rerandomise(proof: bytes, factor: int) -> bytes:
    """Another proof of the same statement: (r A, 1/r B, C)."""
    a, b, c = split(proof)
    return join(multiply(a, factor), multiply(b, pow(factor, -1, curve_order)), c)


def shift_c(proof: bytes, point: Point) -> bytes:
    """The proof with a point added to C."""
    a, b, c = split(proof)
    return join(a, b, add(c, point))


def negated(point: Point) -> Point:
    """-P."""
    return neg(point)


def outside_subgroup() -> Point:
    """A point of the twist that is not in the subgroup of the pairing."""
    # The square of an element of F_p^2 has roots by the norm's root; half of all x give one.
    x = 1
    while True:
        candidate = FQ2([x, 0])
        y = square_root(candidate * candidate * candidate + b2)
        if y is not None:
            point = (candidate, y)
            assert is_on_curve(point, b2)
            if multiply(point, curve_order) is not None:
                return point
        x += 1


def square_root(value: FQ2) -> FQ2 | None:
    """A root in F_p^2 = F_p(i), p = 3 mod 4, or None."""
    real, imaginary = (int(x) for x in value.coeffs)
    norm_root = _root((real * real + imaginary * imaginary) % field_modulus)
    if norm_root is None:
        return None
    half = pow(2, -1, field_modulus)
    for sign in (norm_root, -norm_root):
        first = _root((real + sign) * half % field_modulus)
        if first:
            root = FQ2([first, imaginary * pow(2 * first, -1, field_modulus) % field_modulus])
            if root * root == value:
                return root
    return None


def _root(value: int) -> int | None:
    root = pow(value, (field_modulus + 1) // 4, field_modulus)
    return root if root * root % field_modulus == value % field_modulus else None

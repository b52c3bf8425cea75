"""Blobs of EIP-4844 (spec 14): the coefficients of a polynomial, and its values as the blob holds them."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from sotto.protocol.errors import BlobNotCanonical, BlobNotEmpty, BlobTooLong, WordLengthWrong

BLS_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""n, the order of BLS12-381's groups."""

BLOB_ELEMENTS: Final = 4_096
ELEMENT_BYTES: Final = 32
BLOB_BYTES: Final = BLOB_ELEMENTS * ELEMENT_BYTES

_GENERATOR: Final = 7
"""A generator of the multiplicative group modulo n, by which EIP-4844 defines its roots of unity."""
_INVERSE_SIZE: Final = pow(BLOB_ELEMENTS, -1, BLS_ORDER)
"""1 / 4,096 modulo n."""


def encode_blob(coefficients: Sequence[int]) -> bytes:
    """The blob of the polynomial with these coefficients, the constant one first; the missing ones are 0.

    The blob holds the values at the 4,096th roots of unity in bit-reversed order, 32 bytes each. Raises
    BlobTooLong for more than 4,096 coefficients and BlobNotCanonical for one that is not in [0, n).
    """
    if len(coefficients) > BLOB_ELEMENTS:
        raise BlobTooLong(f"{len(coefficients)} coefficients, a blob holds {BLOB_ELEMENTS}")
    for coefficient in coefficients:
        _check_element(coefficient)
    padded = [*coefficients, *[0] * (BLOB_ELEMENTS - len(coefficients))]
    return b"".join((value % BLS_ORDER).to_bytes(ELEMENT_BYTES) for value in _evaluate(padded))


def decode_blob(blob: bytes, count: int) -> list[int]:
    """Inverse of `encode_blob`: the first `count` coefficients.

    Raises WordLengthWrong, BlobNotCanonical for a value that is not below n, and BlobNotEmpty when a
    coefficient from `count` on is not 0.
    """
    if len(blob) != BLOB_BYTES:
        raise WordLengthWrong(f"a blob has {BLOB_BYTES} bytes, not {len(blob)}")
    values = [int.from_bytes(blob[at : at + ELEMENT_BYTES]) for at in range(0, BLOB_BYTES, ELEMENT_BYTES)]
    for value in values:
        _check_element(value)
    coefficients = [value * _INVERSE_SIZE % BLS_ORDER for value in _interpolate(values)]
    rest = next((at for at in range(count, BLOB_ELEMENTS) if coefficients[at]), None)
    if rest is not None:
        raise BlobNotEmpty(f"coefficient {rest} behind {count} words")
    return coefficients[:count]


def evaluate(coefficients: Sequence[int], z: int) -> int:
    """Value at z modulo n of the polynomial with these coefficients, the constant one first."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * z + coefficient) % BLS_ORDER
    return value


def _check_element(value: int) -> None:
    if not 0 <= value < BLS_ORDER:
        raise BlobNotCanonical(f"{value:#x} is not below the order of BLS12-381's groups")


@cache
def _roots(size: int, inverse: bool) -> list[int]:
    """The first half of the powers of the root of unity of order `size`, a power of two."""
    root = pow(_GENERATOR, (BLS_ORDER - 1) // size, BLS_ORDER)
    if inverse:
        root = pow(root, -1, BLS_ORDER)
    powers = [1]
    for _ in range(size // 2 - 1):
        powers.append(powers[-1] * root % BLS_ORDER)
    return powers


def _evaluate(coefficients: list[int]) -> list[int]:
    """Values in bit-reversed order. Sums are not reduced on the way: they grow by a bit a level."""
    if len(coefficients) == 1:
        return coefficients
    half = len(coefficients) // 2
    pairs = list(zip(coefficients[:half], coefficients[half:], strict=True))
    odd = [(a - b) * w % BLS_ORDER for (a, b), w in zip(pairs, _roots(2 * half, False), strict=True)]
    return _evaluate([a + b for a, b in pairs]) + _evaluate(odd)


def _interpolate(values: list[int]) -> list[int]:
    """Coefficients times the number of values, which come in bit-reversed order."""
    if len(values) == 1:
        return values
    half = len(values) // 2
    even, odd = _interpolate(values[:half]), _interpolate(values[half:])
    twisted = [b * w % BLS_ORDER for b, w in zip(odd, _roots(2 * half, True), strict=True)]
    pairs = list(zip(even, twisted, strict=True))
    return [a + b for a, b in pairs] + [a - b for a, b in pairs]

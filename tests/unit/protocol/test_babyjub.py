"""EdDSA: the group, strict keys, signatures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto.protocol import babyjub
from sotto.protocol.babyjub import BASE, IDENTITY, ORDER, Point, Signature, add, multiply, sign, verify
from sotto.protocol.errors import (
    IntegerOutOfRange,
    NonCanonicalField,
    PointIsIdentity,
    PointNotOnCurve,
    PointOutsideSubgroup,
    SeedLengthWrong,
    SignatureInvalid,
    WordLengthWrong,
)
from sotto.protocol.field import MODULUS, Field

FEW = settings(max_examples=8)
SEED = bytes(range(32))
KEY = babyjub.public_key(SEED)
H = Field(12345)
ORDER_TWO = Point(Field(0), Field(MODULUS - 1))


def test_base_generates_the_subgroup() -> None:
    assert babyjub.to_point(BASE.x, BASE.y) == BASE
    assert multiply(ORDER, BASE) == IDENTITY
    assert multiply(ORDER - 1, BASE) == Point(Field(MODULUS - BASE.x), BASE.y)


@FEW
@given(st.integers(0, ORDER), st.integers(0, ORDER))
def test_multiplication_is_linear(a: int, b: int) -> None:
    assert add(multiply(a, BASE), multiply(b, BASE)) == multiply((a + b) % ORDER, BASE)


@FEW
@given(st.binary(min_size=32, max_size=32), st.integers(0, MODULUS - 1))
def test_signatures_verify(seed: bytes, h: int) -> None:
    signature = sign(seed, Field(h))
    assert signature == sign(seed, Field(h))
    verify(babyjub.public_key(seed), Field(h), signature)


def test_other_message_key_and_parts_are_refused() -> None:
    signature = sign(SEED, H)
    other = babyjub.public_key(bytes(32))
    for key, h, candidate in (
        (KEY, Field(H + 1), signature),
        (other, H, signature),
        (KEY, H, Signature(signature.r, (signature.s + 1) % ORDER)),
        (KEY, H, Signature(BASE, signature.s)),
        (ORDER_TWO, H, signature),
        (IDENTITY, H, signature),
    ):
        with pytest.raises(SignatureInvalid):
            verify(key, h, candidate)


def test_cofactor_is_cleared() -> None:
    """A component of small order in R changes the challenge, so the signer must have chosen it."""
    nonce, scalar = 5, babyjub.secret_scalar(SEED)
    r = add(multiply(nonce, BASE), ORDER_TWO)
    s = (nonce + babyjub.challenge(r, KEY, H) * scalar) % ORDER
    verify(KEY, H, Signature(r, s))


def test_keys_are_strict() -> None:
    cases: list[tuple[int, int, type[Exception]]] = [
        (0, 1, PointIsIdentity),
        (0, MODULUS - 1, PointOutsideSubgroup),
        (1, 1, PointNotOnCurve),
        (BASE.x + MODULUS, BASE.y, NonCanonicalField),
        (BASE.x, -1, NonCanonicalField),
    ]
    outside = add(BASE, ORDER_TWO)
    for x, y, error in [*cases, (outside.x, outside.y, PointOutsideSubgroup)]:
        with pytest.raises(error):
            babyjub.to_public_key(x, y)


def test_encodings() -> None:
    assert babyjub.decode_public_key(babyjub.encode_public_key(KEY)) == KEY
    with pytest.raises(WordLengthWrong):
        babyjub.decode_public_key(bytes(63))
    signature = sign(SEED, H)
    assert babyjub.to_signature(signature.r.x, signature.r.y, signature.s) == signature
    with pytest.raises(IntegerOutOfRange):
        babyjub.to_signature(signature.r.x, signature.r.y, ORDER)
    with pytest.raises(SeedLengthWrong):
        babyjub.public_key(bytes(31))

"""Native signatures against the executable specification."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto import crypto
from sotto.protocol import babyjub
from sotto.protocol.field import MODULUS, Field

SEED = bytes(range(32))
KEY = crypto.eddsa_public_key(SEED)
H = 123456789
SIGNATURE = crypto.eddsa_sign(SEED, H)
OF_ORDER_TWO = (0, MODULUS - 1)


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.integers(0, MODULUS - 1))
def test_keys_and_signatures_are_the_specified_ones(seed: bytes, h: int) -> None:
    key, expected = babyjub.public_key(seed), babyjub.sign(seed, Field(h))
    assert crypto.eddsa_public_key(seed) == (key.x, key.y)
    signature = crypto.eddsa_sign(seed, h)
    assert signature == (expected.r.x, expected.r.y, expected.s)
    assert crypto.eddsa_verify((key.x, key.y), h, signature)
    assert not crypto.eddsa_verify((key.x, key.y), (h + 1) % MODULUS, signature)


def test_another_signature_does_not_verify() -> None:
    rx, ry, s = SIGNATURE
    assert crypto.eddsa_verify(KEY, H, SIGNATURE)
    assert not crypto.eddsa_verify(KEY, H, (rx, ry, s + 1 if s + 1 < babyjub.ORDER else s - 1))
    assert not crypto.eddsa_verify(crypto.eddsa_public_key(bytes(32)), H, SIGNATURE)


@pytest.mark.parametrize("key", [(0, 1), OF_ORDER_TWO, (1, 1), (0, 0)])
def test_keys_that_are_no_points_of_the_subgroup_are_refused(key: tuple[int, int]) -> None:
    with pytest.raises(crypto.InvalidPoint):
        crypto.eddsa_verify(key, H, SIGNATURE)


def test_key_outside_the_subgroup_is_refused() -> None:
    mixed = babyjub.add(babyjub.Point(*map(Field, KEY)), babyjub.Point(*map(Field, OF_ORDER_TWO)))
    with pytest.raises(crypto.InvalidPoint):
        crypto.eddsa_verify((mixed.x, mixed.y), H, SIGNATURE)


def test_signatures_are_parsed_strictly() -> None:
    rx, ry, s = SIGNATURE
    with pytest.raises(crypto.InvalidPoint):
        crypto.eddsa_verify(KEY, H, (rx + 1, ry, s))
    for bad in (
        (rx, ry, s + babyjub.ORDER),
        (rx + MODULUS, ry, s),
        (rx, ry),
        (rx, ry, s, 0),
        (rx, ry, None),
        None,
    ):
        with pytest.raises(crypto.MalformedInput):
            crypto.eddsa_verify(KEY, H, bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33), None, "x" * 32, bytearray(32), 32])
def test_seeds_have_32_bytes(seed: object) -> None:
    with pytest.raises(crypto.MalformedInput):
        crypto.eddsa_public_key(seed)  # type: ignore[arg-type]
    with pytest.raises(crypto.MalformedInput):
        crypto.eddsa_sign(seed, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("h", [-1, MODULUS, 2**256, None])
def test_message_is_a_field_element(h: object) -> None:
    with pytest.raises(crypto.MalformedInput):
        crypto.eddsa_sign(SEED, h)  # type: ignore[arg-type]
    with pytest.raises(crypto.MalformedInput):
        crypto.eddsa_verify(KEY, h, SIGNATURE)  # type: ignore[arg-type]

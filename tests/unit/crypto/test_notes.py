"""Native note encryption against the executable specification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto import crypto
from sotto.crypto.notes import CIPHERTEXT_SIZE
from sotto.protocol import ciphertext as reference

SECRET, OTHER, ESK = bytes([1] * 32), bytes([2] * 32), bytes([3] * 32)
KEY = crypto.x25519_public(SECRET)
REFERENCE = bytes(range(20))
CIPHERTEXT, R = crypto.note_encrypt(ESK, KEY, 5, 1, REFERENCE)
OPENED = crypto.OpenedNote(5, 1, REFERENCE, R)

# Points of low order on Curve25519 and its twist (cr.yp.to/ecdh.html), one with the ignored highest bit set.
LOW_ORDER = [
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
]

key = st.binary(min_size=32, max_size=32)


@given(key, key, st.integers(0, 2**120 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=20, max_size=20))
def test_ciphertexts_are_the_specified_ones(
    esk: bytes, secret: bytes, value: int, asset: int, payment: bytes
) -> None:
    recipient = crypto.x25519_public(secret)
    assert recipient == reference.public_key(secret)
    made = crypto.note_encrypt(esk, recipient, value, asset, payment)
    assert made == reference.encrypt(esk, recipient, value, asset, payment)
    opened = crypto.OpenedNote(value, asset, payment, made[1])
    assert crypto.note_open(secret, made[0]) == opened
    assert crypto.note_open_sent(esk, recipient, made[0]) == opened
    assert crypto.note_scan(secret, made[0]) == [(0, opened)]


def test_others_do_not_open() -> None:
    assert crypto.note_open(OTHER, CIPHERTEXT) is None
    assert crypto.note_open_sent(OTHER, KEY, CIPHERTEXT) is None
    assert crypto.note_open_sent(ESK, crypto.x25519_public(OTHER), CIPHERTEXT) is None


@given(st.integers(0, 8 * CIPHERTEXT_SIZE - 1))
def test_changed_ciphertexts_do_not_open(bit: int) -> None:
    changed = bytearray(CIPHERTEXT)
    changed[bit // 8] ^= 1 << bit % 8
    assert crypto.note_open(SECRET, bytes(changed)) is None
    assert crypto.note_open_sent(ESK, KEY, bytes(changed)) is None


@pytest.mark.parametrize("point", LOW_ORDER)
def test_keys_of_low_order_share_nothing(point: bytes) -> None:
    with pytest.raises(crypto.InvalidPoint):
        crypto.note_encrypt(ESK, point, 5, 1)
    hostile = point + CIPHERTEXT[32:]
    assert crypto.note_open(SECRET, hostile) is None
    assert crypto.note_open_sent(ESK, point, CIPHERTEXT) is None
    assert crypto.note_scan(SECRET, hostile + CIPHERTEXT) == [(1, OPENED)]


def test_scan_finds_all_in_order() -> None:
    mine = {0, 7, 300, 511, 512, 999}
    noise = crypto.note_encrypt(ESK, crypto.x25519_public(OTHER), 1, 1)[0]
    ciphertexts = b"".join(CIPHERTEXT if i in mine else noise for i in range(1000))
    for threads in (0, 1, 2, 1024):
        assert crypto.note_scan(SECRET, ciphertexts, threads) == [(i, OPENED) for i in sorted(mine)]
    assert crypto.note_scan(SECRET, b"") == []


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_keys_have_32_bytes(size: int) -> None:
    bad = bytes(size)
    for call in (
        lambda: crypto.x25519_public(bad),
        lambda: crypto.note_encrypt(bad, KEY, 1, 1),
        lambda: crypto.note_encrypt(ESK, bad, 1, 1),
        lambda: crypto.note_open(bad, CIPHERTEXT),
        lambda: crypto.note_open_sent(bad, KEY, CIPHERTEXT),
        lambda: crypto.note_open_sent(ESK, bad, CIPHERTEXT),
        lambda: crypto.note_scan(bad, CIPHERTEXT),
    ):
        with pytest.raises(crypto.MalformedInput):
            call()


def test_contents_are_in_range() -> None:
    for value, asset, payment in (
        (-1, 1, REFERENCE),
        (2**120, 1, REFERENCE),
        (1, -1, REFERENCE),
        (1, 2**64, REFERENCE),
        (1, 1, b""),
        (1, 1, bytes(21)),
        (None, 1, REFERENCE),
    ):
        with pytest.raises(crypto.MalformedInput):
            crypto.note_encrypt(ESK, KEY, value, asset, payment)  # type: ignore[arg-type]


@pytest.mark.parametrize("ciphertext", [b"", bytes(92), bytes(94), None, bytearray(CIPHERTEXT), "x" * 93])
def test_ciphertexts_have_93_bytes(ciphertext: object) -> None:
    for call in (
        lambda: crypto.note_open(SECRET, ciphertext),  # type: ignore[arg-type]
        lambda: crypto.note_open_sent(ESK, KEY, ciphertext),  # type: ignore[arg-type]
    ):
        with pytest.raises(crypto.MalformedInput):
            call()
    if ciphertext != b"":  # an empty list is a list
        with pytest.raises(crypto.MalformedInput):
            crypto.note_scan(SECRET, ciphertext)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [-1, 1025, 2**32, None])
def test_threads_are_in_range(threads: object) -> None:
    with pytest.raises(crypto.MalformedInput):
        crypto.note_scan(SECRET, CIPHERTEXT, threads)  # type: ignore[arg-type]

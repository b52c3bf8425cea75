"""Memos: receiver and sender read them, nobody else, and every change is found."""

import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from sotto.protocol.ciphertext import public_key
from sotto.protocol.errors import AttachmentSizeWrong, MemoNotForKey, MemoTooLong, SharedSecretIsZero
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.memo import (
    ATTACHMENT_BYTES,
    MEMO_BYTES,
    SentMemo,
    open_memo,
    open_sent_memo,
    seal_memo,
    sender_key,
)

SECRET, ESK, OUTGOING = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
RECIPIENT, EPK = public_key(SECRET), public_key(ESK)
OWNER, NULLIFIER = Field(7), Field(9)
OWN = sender_key(OUTGOING, NULLIFIER)


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 by hand, one block."""
    return hmac.digest(hmac.digest(salt, ikm, "sha256"), info + b"\x01", "sha256")


@given(memo=st.binary(max_size=MEMO_BYTES), output=st.integers(0, 2))
def test_receiver_and_sender_read_it(memo: bytes, output: int) -> None:
    attachment = seal_memo(memo, ESK, output, OWNER, RECIPIENT, OWN)
    assert len(attachment) == ATTACHMENT_BYTES
    assert open_memo(SECRET, EPK, attachment) == memo
    assert open_sent_memo(OWN, attachment) == SentMemo(memo, output, OWNER, RECIPIENT)


def test_keys_are_those_of_the_specification() -> None:
    attachment = seal_memo(b"hello", ESK, 1, OWNER, RECIPIENT, OWN)
    shared = X25519PrivateKey.from_private_bytes(ESK).exchange(X25519PublicKey.from_public_bytes(RECIPIENT))
    key = hkdf(shared, EPK + RECIPIENT, b"sotto/memo/v1")
    plain = ChaCha20Poly1305(key).decrypt(bytes(12), attachment[:399], None)
    assert plain == b"\x00\x05hello" + bytes(376)
    own = hkdf(OUTGOING, b"sotto/v1", b"memo" + NULLIFIER.to_bytes(32))
    plain = ChaCha20Poly1305(own).decrypt(bytes(12), attachment[399:], None)
    assert plain == b"\x01" + OWNER.to_bytes(32) + RECIPIENT + key


@given(position=st.integers(0, ATTACHMENT_BYTES - 1), bit=st.integers(0, 7))
def test_a_changed_bit_is_found(position: int, bit: int) -> None:
    changed = bytearray(seal_memo(b"memo", ESK, 0, OWNER, RECIPIENT, OWN))
    changed[position] ^= 1 << bit
    if position < 399:
        with pytest.raises(MemoNotForKey):
            open_memo(SECRET, EPK, bytes(changed))
    with pytest.raises(MemoNotForKey):
        open_sent_memo(OWN, bytes(changed))


def test_others_read_nothing() -> None:
    attachment = seal_memo(b"memo", ESK, 0, OWNER, RECIPIENT, OWN)
    for secret, epk in ((b"\x04" * 32, EPK), (SECRET, public_key(b"\x05" * 32)), (SECRET, bytes(32))):
        with pytest.raises(MemoNotForKey):
            open_memo(secret, epk, attachment)
    for key in (sender_key(OUTGOING, Field(10)), sender_key(SECRET, NULLIFIER)):
        with pytest.raises(MemoNotForKey):
            open_sent_memo(key, attachment)


def test_sizes() -> None:
    with pytest.raises(MemoTooLong):
        seal_memo(bytes(MEMO_BYTES + 1), ESK, 0, OWNER, RECIPIENT, OWN)
    with pytest.raises(SharedSecretIsZero):
        seal_memo(b"", ESK, 0, OWNER, bytes(32), OWN)
    for size in (0, 511, 513):
        with pytest.raises(AttachmentSizeWrong):
            open_memo(SECRET, EPK, bytes(size))
        with pytest.raises(AttachmentSizeWrong):
            open_sent_memo(OWN, bytes(size))


def test_a_sender_that_breaks_the_format_is_not_believed() -> None:
    shared = X25519PrivateKey.from_private_bytes(ESK).exchange(X25519PublicKey.from_public_bytes(RECIPIENT))
    key = hkdf(shared, EPK + RECIPIENT, b"sotto/memo/v1")
    good = seal_memo(b"memo", ESK, 0, OWNER, RECIPIENT, OWN)
    for plain in (b"\x01\x7e" + bytes(381), b"\xff\xff" + bytes(381), b"\x00\x00" + bytes(380) + b"\x01"):
        box = ChaCha20Poly1305(key).encrypt(bytes(12), plain, None)
        with pytest.raises(MemoNotForKey):
            open_memo(SECRET, EPK, box + good[399:])
    for head in (b"\x03" + OWNER.to_bytes(32), b"\x00" + MODULUS.to_bytes(32)):
        box = ChaCha20Poly1305(OWN).encrypt(bytes(12), head + RECIPIENT + key, None)
        with pytest.raises(MemoNotForKey):
            open_sent_memo(OWN, good[:399] + box)

"""Forced transactions as `L1Queue.force` takes them, and what the queue asks for them (spec 06)."""

from typing import Final

from sotto.protocol.errors import KindInvalid, NullifierZero, WordLengthWrong
from sotto.protocol.field import (
    BYTE_WORD_BYTES,
    FIELD_WORD_BYTES,
    ZERO,
    decode_byte_word,
    decode_field,
    encode_byte_word,
    to_byte_word,
)
from sotto.protocol.transaction import EXTENSION_WORDS, Kind, Transaction

_WORDS: Final = 10
FORCED_BYTES: Final = _WORDS * FIELD_WORD_BYTES + EXTENSION_WORDS * BYTE_WORD_BYTES
"""Length of an encoded forced transaction."""

LANE_GAS: Final = 50_000
"""About what a lane costs its proposer on L1."""
_FEE_SCALE: Final = 64


def queue_fee(base_fee: int, waiting: int) -> int:
    """Wei that the queue asks for one more forced transaction.

    Args:
        base_fee: wei for a unit of gas in the block of the call.
        waiting: items that no proven epoch has taken.
    """
    return base_fee * LANE_GAS * (_FEE_SCALE + waiting) ** 2 // _FEE_SCALE**2


def encode_forced(tx: Transaction) -> bytes:
    """The bytes that L1 takes. Raises KindInvalid, and whatever `Transaction.check` and L1 refuse it for."""
    if tx.kind != Kind.FORCED:
        raise KindInvalid(f"kind {tx.kind} cannot be forced")
    _check(tx)
    words = (
        tx.anchor,
        *tx.nullifiers,
        *tx.commitments,
        tx.public_value,
        tx.public_asset,
        tx.recipient,
        tx.expiry,
    )
    encoded = b"".join(word.to_bytes(FIELD_WORD_BYTES) for word in words)
    return encoded + b"".join(encode_byte_word(to_byte_word(word)) for word in tx.ext)


def decode_forced(data: bytes, domain: int) -> Transaction:
    """Inverse of `encode_forced`, for bytes of a deployment's queue.

    It accepts exactly what the words of the bytes alone allow L1 to accept. Raises WordLengthWrong,
    NonCanonicalField, IntegerOutOfRange, NullifierZero, EqualNullifiers, PublicWordsInconsistent.
    """
    if len(data) != FORCED_BYTES:
        raise WordLengthWrong(f"a forced transaction has {FORCED_BYTES} bytes, not {len(data)}")
    words = [data[at : at + FIELD_WORD_BYTES] for at in range(0, _WORDS * FIELD_WORD_BYTES, FIELD_WORD_BYTES)]
    rest = data[_WORDS * FIELD_WORD_BYTES :]
    anchor, first, second, a, b, c = (decode_field(word) for word in words[:6])
    value, asset, recipient, expiry = (int.from_bytes(word) for word in words[6:])
    ext = [decode_byte_word(rest[at : at + BYTE_WORD_BYTES]) for at in range(0, len(rest), BYTE_WORD_BYTES)]
    tx = Transaction(
        kind=Kind.FORCED,
        domain=domain,
        anchor=anchor,
        named=(ZERO, ZERO),
        nullifiers=(first, second),
        commitments=(a, b, c),
        public_value=value,
        public_asset=asset,
        recipient=recipient,
        fee=0,
        fee_asset=0,
        expiry=expiry,
        operation=ZERO,
        ext=tuple(ext),
    )
    _check(tx)
    return tx


def _check(tx: Transaction) -> None:
    if ZERO in tx.nullifiers:
        raise NullifierZero("0 is in the tree from the beginning")
    tx.check()

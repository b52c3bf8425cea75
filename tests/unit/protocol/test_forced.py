"""Forced transactions: one encoding for each, and a name for whatever else comes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from sotto.protocol import errors
from sotto.protocol.errors import ForcedWordsNotZero, KindInvalid, ProtocolError
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.forced import FORCED_BYTES, decode_forced, encode_forced, queue_fee
from sotto.protocol.l1 import forced_item
from sotto.protocol.transaction import Kind, Transaction


@pytest.fixture(scope="module")
def vectors(repository: Path) -> dict[str, Any]:
    """The committed file."""
    content: dict[str, Any] = json.loads((repository / "tests/vectors/forced.json").read_text())
    return content


def test_accepted(vectors: dict[str, Any]) -> None:
    domain, sender = int(vectors["domain"], 16), bytes.fromhex(vectors["sender"][2:])
    for row in vectors["accepted"]:
        data = bytes.fromhex(row["data"][2:])
        tx = decode_forced(data, domain)
        assert encode_forced(tx) == data
        assert (tx.h, tx.ext_hash) == (int(row["h"], 16), int(row["ext_hash"], 16))
        tail = keccak(encode(["address", "bytes32"], [sender, keccak(data)]))
        assert forced_item(tx, sender, data).tail == tail == bytes.fromhex(row["tail"][2:])


def test_refused(vectors: dict[str, Any]) -> None:
    for row in vectors["refused"]:
        with pytest.raises(getattr(errors, row["reason"])):
            decode_forced(bytes.fromhex(row["data"][2:]), int(vectors["domain"], 16))


def test_only_forced_ones_are_encoded(vectors: dict[str, Any]) -> None:
    tx = decode_forced(bytes.fromhex(vectors["accepted"][0]["data"][2:]), int(vectors["domain"], 16))
    with pytest.raises(KindInvalid):
        encode_forced(replace(tx, kind=Kind.TRANSFER))
    for change in ({"fee": 1}, {"fee_asset": 1}, {"named": (Field(1), Field(0))}):
        with pytest.raises(ForcedWordsNotZero):
            encode_forced(replace(tx, **change))
    with pytest.raises(errors.OperationMismatch):
        encode_forced(replace(tx, operation=Field(1)))


def test_fee_grows_with_the_square() -> None:
    assert queue_fee(10**9, 0) == 50_000 * 10**9
    assert queue_fee(10**9, 640) == 121 * queue_fee(10**9, 0)
    assert queue_fee(0, 9) == 0


fields = st.integers(1, MODULUS - 1).map(Field)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """Any that L1 may accept."""
    first, second = draw(st.lists(fields, min_size=2, max_size=2, unique=True))
    leaving = draw(st.booleans())
    return Transaction(
        kind=Kind.FORCED,
        domain=draw(st.integers(0, 2**248 - 1)),
        anchor=draw(fields),
        named=(Field(0), Field(0)),
        nullifiers=(first, second),
        commitments=(draw(fields), draw(fields), draw(fields)),
        public_value=draw(st.integers(1, 2**120 - 1)) if leaving else 0,
        public_asset=draw(st.integers(1, 2**64 - 1)) if leaving else 0,
        recipient=draw(st.integers(1, 2**160 - 1)) if leaving else 0,
        fee=0,
        fee_asset=0,
        expiry=draw(st.integers(0, 2**64 - 1)),
        operation=Field(0),
        ext=tuple(draw(st.lists(st.integers(0, 2**248 - 1), min_size=12, max_size=12))),
    )


@given(transactions())
def test_round_trip(tx: Transaction) -> None:
    data = encode_forced(tx)
    assert len(data) == FORCED_BYTES
    assert decode_forced(data, tx.domain) == tx


@given(transactions(), st.integers(0, FORCED_BYTES - 1), st.integers(1, 255))
def test_changed_bytes_are_refused_or_another_transaction(tx: Transaction, place: int, mask: int) -> None:
    data = bytearray(encode_forced(tx))
    data[place] ^= mask
    try:
        other = decode_forced(bytes(data), tx.domain)
    except ProtocolError:
        return
    assert other != tx
    assert encode_forced(other) == data

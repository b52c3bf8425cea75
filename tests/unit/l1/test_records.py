"""Records of epochs in every form that is read back: all fields, at their bounds."""

from dataclasses import fields, replace
from typing import Any

import pytest

from sotto.l1.records import record_from_abi, record_from_bytes, record_to_abi, record_to_json, summary_to_abi
from sotto.protocol.blob import BLS_ORDER
from sotto.protocol.errors import NonCanonicalField, WordLengthWrong
from sotto.protocol.field import MODULUS, Field, field_to_json
from sotto.protocol.l1 import EpochRecord
from sotto.wallet.cachefile import pack_epoch, unpack_epochs, unpack_summaries
from sotto.wallet.messages import EpochMessage, parse_epochs

RECORD = EpochRecord(
    id=2**64 - 1,
    parent=b"\x01" * 32,
    proposer=b"\x02" * 20,
    fee_recipient=b"\x03" * 20,
    verifier=b"\x04" * 20,
    data_mode=1,
    commit_block=5,
    deadline=6,
    bond=2**256 - 1,
    timestamp_block=7,
    queue_end=8,
    c=Field(MODULUS - 1),
    z=2**248 - 1,
    y=Field(MODULUS - 2),
    y_data=BLS_ORDER - 1,
    new_state=Field(9),
    own_anchor=Field(10),
    fees_hash=b"\x0b" * 32,
    withdrawal_root=b"\x0c" * 32,
)


def read_json(record: object) -> EpochRecord:
    """The record as a wallet reads it in an epoch of the API."""
    word = field_to_json(Field(1))
    row = {"id": 7, "lanes": 16, "first_node": 32, "anchor": word, "note_root": word, "account_root": word}
    (epoch,) = parse_epochs([{**row, "operations": [], "record": record, "l1_tx": None}])
    return epoch.record


def test_every_form_is_read_back() -> None:
    assert record_from_abi(record_to_abi(RECORD)) == RECORD
    assert record_from_bytes(RECORD.encode()) == RECORD
    assert read_json(record_to_json(RECORD)) == RECORD
    assert summary_to_abi(RECORD) == (RECORD.id, RECORD.body_hash(), RECORD.withdrawal_root)


def test_the_cache_of_a_wallet_reads_it_back() -> None:
    epoch = EpochMessage(7, 16, 32, Field(1), Field(2), Field(3), (), RECORD, "0x" + "0d" * 32)
    packed = pack_epoch(epoch)
    assert list(unpack_epochs(packed)) == [epoch]
    (found,) = unpack_summaries(packed)
    assert (found.parent, found.record_hash, found.now) == (RECORD.parent, RECORD.hash(), 7)


@pytest.mark.parametrize("name", [item.name for item in fields(EpochRecord)])
def test_every_field_moves_the_hash(name: str) -> None:
    value = getattr(RECORD, name)
    changed: Any = value[:-1] + b"\xff" if isinstance(value, bytes) else value - 1
    assert replace(RECORD, **{name: changed}).hash() != RECORD.hash()


def test_wrong_values_are_refused() -> None:
    with pytest.raises(WordLengthWrong):
        record_from_bytes(RECORD.encode()[:-32])
    shown = record_to_json(RECORD)
    assert shown["y_data"] == f"{BLS_ORDER - 1:#066x}"
    with pytest.raises(NonCanonicalField):
        read_json({**shown, "y": shown["y_data"]})

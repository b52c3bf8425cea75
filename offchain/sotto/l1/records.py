"""Epoch records between the protocol's type, the contracts' ABI and JSON."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from eth_utils.address import to_checksum_address

from sotto.protocol.errors import WordLengthWrong
from sotto.protocol.field import byte_word_to_json, field_to_json, integer_to_json, to_byte_word
from sotto.protocol.l1 import EpochRecord

_TYPES = (
    "uint64", "bytes32", "address", "address", "address", "uint8", "uint64", "uint64", "uint256",
    "uint64", "uint64", "uint256", "uint256", "uint256", "uint256", "uint256", "uint256", "bytes32",
    "bytes32",
)  # fmt: skip
_WORD = 32
_FIELD_ELEMENTS = ("c", "y", "new_state", "own_anchor")


def record_to_abi(record: EpochRecord) -> tuple[Any, ...]:
    """The record as web3 encodes it: addresses as checksummed text."""
    return tuple(
        to_checksum_address(value) if kind == "address" else value
        for kind, value in zip(_TYPES, astuple(record), strict=True)
    )


def summary_to_abi(record: EpochRecord) -> tuple[int, bytes, bytes]:
    """What a claim passes of the record: `EpochSummary`."""
    return record.id, record.body_hash(), record.withdrawal_root


def record_from_abi(values: Sequence[Any]) -> EpochRecord:
    """Inverse of `record_to_abi`; numbers are L1's own and taken as they are."""
    converted: list[Any] = [
        bytes.fromhex(value[2:]) if kind == "address" else bytes(value) if kind == "bytes32" else value
        for kind, value in zip(_TYPES, values, strict=True)
    ]
    return EpochRecord(*converted)


def record_from_bytes(data: bytes) -> EpochRecord:
    """Inverse of `EpochRecord.encode`. Raises WordLengthWrong."""
    # eth_abi takes a hundred times as long, and a node reads every record when it starts.
    if len(data) != len(_TYPES) * _WORD:
        raise WordLengthWrong(f"a record has {len(_TYPES) * _WORD} bytes, not {len(data)}")
    words = [data[at : at + _WORD] for at in range(0, len(data), _WORD)]
    converted: list[Any] = [
        word[-20:] if kind == "address" else word if kind == "bytes32" else int.from_bytes(word)
        for kind, word in zip(_TYPES, words, strict=True)
    ]
    return EpochRecord(*converted)


def record_to_json(record: EpochRecord) -> dict[str, object]:
    """The API's object: snake-case names of docs/spec/06-l1.md, hex for addresses, hashes and field words."""
    shown: dict[str, object] = {}
    for item in fields(EpochRecord):
        value = getattr(record, item.name)
        if isinstance(value, bytes):
            shown[item.name] = "0x" + value.hex()
        elif item.name in _FIELD_ELEMENTS:
            shown[item.name] = field_to_json(value)
        elif item.name == "y_data":
            shown[item.name] = "0x" + value.to_bytes(_WORD).hex()
        elif item.name == "z":
            shown[item.name] = byte_word_to_json(to_byte_word(value))
        else:
            shown[item.name] = integer_to_json(value)
    return shown

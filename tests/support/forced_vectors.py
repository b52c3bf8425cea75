"""Content of tests/vectors/forced.json: what `L1Queue.force` hashes, and what it refuses."""

from dataclasses import replace

from sotto.protocol import l1
from sotto.protocol.field import MODULUS
from sotto.protocol.forced import FORCED_BYTES, encode_forced, queue_fee
from sotto.protocol.transaction import Transaction

_WORD = 32


def forced_transactions(withdrawal: Transaction, sender: bytes) -> object:
    """Encodings with h, the queue item's tail and digest, refused encodings by reason, and fees."""
    payment = replace(withdrawal, public_value=0, public_asset=0, recipient=0, expiry=2**64 - 1)
    largest = replace(withdrawal, public_value=2**120 - 1, recipient=2**160 - 1, ext=(2**248 - 1,) * 12)
    data = encode_forced(withdrawal)
    return {
        "domain": f"{withdrawal.domain:#064x}",
        "sender": "0x" + sender.hex(),
        "accepted": [
            _accepted(name, tx, sender)
            for name, tx in (("withdrawal", withdrawal), ("payment", payment), ("largest", largest))
        ],
        "refused": [
            {"reason": reason, "data": "0x" + bytes(changed).hex()}
            for reason, changed in (
                ("WordLengthWrong", data[:-1]),
                ("WordLengthWrong", data + b"\0"),
                *(("NonCanonicalField", _with(data, place, MODULUS)) for place in range(6)),
                ("NonCanonicalField", _with(data, 1, withdrawal.nullifiers[0] + MODULUS)),
                ("NullifierZero", _with(data, 1, 0)),
                ("NullifierZero", _with(data, 2, 0)),
                ("EqualNullifiers", _with(data, 2, withdrawal.nullifiers[0])),
                ("PublicWordsInconsistent", _with(data, 6, 0)),
                ("PublicWordsInconsistent", _with(data, 7, 0)),
                ("PublicWordsInconsistent", _with(data, 8, 0)),
                ("IntegerOutOfRange", _with(data, 6, 2**120)),
                ("IntegerOutOfRange", _with(data, 7, 2**64)),
                ("IntegerOutOfRange", _with(data, 8, 2**160)),
                ("IntegerOutOfRange", _with(data, 9, 2**64)),
            )
        ],
        "fees": [
            {"base_fee": str(base_fee), "waiting": waiting, "fee": str(queue_fee(base_fee, waiting))}
            for base_fee, waiting in ((7, 0), (10**9, 0), (10**9, 1), (10**9, 64), (10**9, 640), (1, 3))
        ],
    }


def _accepted(name: str, tx: Transaction, sender: bytes) -> dict[str, object]:
    data = encode_forced(tx)
    item = l1.forced_item(tx, sender, data)
    return {
        "name": name,
        "data": "0x" + data.hex(),
        "ext_hash": f"{tx.ext_hash:#066x}",
        "h": f"{tx.h:#066x}",
        "tail": "0x" + item.tail.hex(),
        "digest": f"{item.digest():#056x}",
    }


def _with(data: bytes, place: int, value: int) -> bytes:
    """The bytes with another value in one of the ten first words."""
    assert len(data) == FORCED_BYTES
    return data[: place * _WORD] + value.to_bytes(_WORD) + data[(place + 1) * _WORD :]

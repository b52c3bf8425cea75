"""Files with proven exits, for an executor who submits those of many owners and is paid by their fees.

They hold no secret: an exit pays nobody but its recipient and its executor.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sotto.l1.exit import ProvenExit
from sotto.protocol.errors import ProtocolError
from sotto.protocol.exit import ExitRequest
from sotto.protocol.field import (
    Field,
    byte_word_from_json,
    byte_word_to_json,
    bytes_from_json,
    field_from_json,
    field_to_json,
    integer_from_json,
    integer_to_json,
    to_byte_word,
)
from sotto.protocol.l1 import ADDRESS_BYTES
from sotto.protocol.notes import ASSET_BITS, VALUE_BITS
from sotto.protocol.transaction import PROOF_BYTES
from sotto.wallet.errors import ExitFileInvalid
from sotto.wallet.files import write_atomically

_MAX_BYTES: Final = 1 << 24


def write_exits(path: Path, domain: int, exits: Sequence[ProvenExit]) -> None:
    """Write a file, in place of an older one."""
    rows = [
        {
            "nullifier": field_to_json(Field(each.nullifier)),
            "asset": integer_to_json(each.asset),
            "value": integer_to_json(each.value),
            "recipient": "0x" + each.recipient.hex(),
            "executor": "0x" + each.executor.hex(),
            "fee": integer_to_json(each.fee),
            "proof": "0x" + each.proof.hex(),
        }
        for each in exits
    ]
    data = {"domain": byte_word_to_json(to_byte_word(domain)), "exits": rows}
    write_atomically(path, json.dumps(data, indent=1).encode() + b"\n")


def read_exits(path: Path, domain: int) -> list[ProvenExit]:
    """Read a file of a deployment; the proofs are L1's to judge. Raises ExitFileInvalid."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ExitFileInvalid(f"{path} is larger than {_MAX_BYTES} bytes")
        data = json.loads(path.read_bytes())
        if byte_word_from_json(data["domain"]) != domain:
            raise ExitFileInvalid(f"{path} is of another deployment")
        return [_read(row, domain) for row in data["exits"]]
    except OSError as error:
        raise ExitFileInvalid(f"{path}: {error.strerror}") from error
    except (ProtocolError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ExitFileInvalid(f"{path}: {type(error).__name__}: {str(error)[:200]}") from error


def _read(row: Any, domain: int) -> ProvenExit:
    recipient, executor = (bytes_from_json(row[name], ADDRESS_BYTES) for name in ("recipient", "executor"))
    request = ExitRequest(
        domain,
        field_from_json(row["nullifier"]),
        integer_from_json(row["asset"], ASSET_BITS),
        integer_from_json(row["value"], VALUE_BITS),
        int.from_bytes(recipient),
        int.from_bytes(executor),
        integer_from_json(row["fee"], VALUE_BITS),
    )
    request.check()
    return ProvenExit(
        request.nullifier,
        request.asset,
        request.value,
        recipient,
        executor,
        request.fee,
        bytes_from_json(row["proof"], PROOF_BYTES),
    )

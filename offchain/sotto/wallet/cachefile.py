"""Files of the chain's cache: packed epochs and entries, each file complete in itself and checked when read.

Everything in them is public. A file that was cut off, changed, or belongs to another deployment, kind or
place is taken for missing.
"""

import contextlib
import os
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak

from sotto.protocol.ciphertext import CIPHERTEXT_BYTES
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field, decode_field, encode_field
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.transaction import OUTPUTS, Kind
from sotto.wallet.errors import CacheUnwritable
from sotto.wallet.messages import Entry, EpochMessage

_MAGIC: Final = b"sottochain\x02"
_HEAD: Final = struct.Struct(">11s31scQ")
_DIGEST_BYTES: Final = 32
_DRAFT_PREFIX: Final = ".new-"
_DRAFT_SECONDS: Final = 3600.0
_RECORD_BYTES: Final = 32 * len(fields(EpochRecord))
_BODY_BYTES: Final = _RECORD_BYTES - 32
_PARENT: Final = slice(32, 64)
_TIMESTAMP_BLOCK: Final = slice(288, 320)
_BYTE_FIELDS: Final = {1: 32, 2: 20, 3: 20, 4: 20, 17: 32, 18: 32}
"""Places in the record that are byte strings, with their lengths; all others are integers."""

_EPOCH: Final = struct.Struct(f">QHQ32s32s32s{_RECORD_BYTES}sBB")
_ENTRY: Final = struct.Struct(">QQHB32s64s96sB15s8s20s15s8sBQ")


def read_file(path: Path, domain: int, kind: bytes, number: int) -> bytes | None:
    """The body of a file, None unless it is there and exactly what was written for this place."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head = _HEAD.pack(_MAGIC, domain.to_bytes(31), kind, number)
    if len(data) < len(head) + _DIGEST_BYTES or not data.startswith(head):
        return None
    body, digest = data[len(head) : -_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    return body if sha256(head + body).digest() == digest else None


def read_start(path: Path, domain: int, kind: bytes, number: int, size: int) -> bytes | None:
    """The first bytes of a file's body, not checked but for the place; None when they are not there."""
    head = _HEAD.pack(_MAGIC, domain.to_bytes(31), kind, number)
    try:
        with path.open("rb") as file:
            data = file.read(len(head) + size)
    except OSError:
        return None
    return data[len(head) :] if data.startswith(head) and len(data) == len(head) + size else None


def remove_drafts(folder: Path) -> None:
    """Remove what killed processes have left half written; drafts of running ones are younger."""
    with contextlib.suppress(OSError):
        for draft in folder.glob(_DRAFT_PREFIX + "*"):
            if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                draft.unlink()


def write_file(path: Path, domain: int, kind: bytes, number: int, body: bytes) -> None:
    """Replace a file as a whole; readers see the old or the new one. Raises CacheUnwritable.

    Nothing waits for the disk: what a crash leaves unwritten or torn fails its digest, and is fetched again.
    """
    head = _HEAD.pack(_MAGIC, domain.to_bytes(31), kind, number)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_DRAFT_PREFIX)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(head + body + sha256(head + body).digest())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
    except OSError as error:
        raise CacheUnwritable(f"{path}: {error.strerror}") from error


def pack_epoch(epoch: EpochMessage) -> bytes:
    """An epoch as bytes."""
    transaction = epoch.l1_transaction.encode()
    head = _EPOCH.pack(
        epoch.id,
        epoch.lanes,
        epoch.first_node,
        encode_field(epoch.anchor),
        encode_field(epoch.note_root),
        encode_field(epoch.account_root),
        epoch.record.encode(),
        len(epoch.operations),
        len(transaction),
    )
    pairs = [encode_field(word) for pair in epoch.operations for word in pair]
    return head + b"".join(pairs) + transaction


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """What is needed of every epoch at once. `operations` are pairs of account id and key set hash."""

    id: int
    parent: bytes
    record_hash: bytes
    end_node: int
    lanes: int
    anchor: Field
    now: int
    operations: tuple[tuple[Field, Field], ...]


def summary(epoch: EpochMessage) -> EpochSummary:
    """The summary of an epoch."""
    return next(unpack_summaries(pack_epoch(epoch)))


def unpack_summaries(body: bytes) -> Iterator[EpochSummary]:
    """The summaries of epochs that `pack_epoch` has packed. Raises as `unpack_epochs`."""
    at = 0
    while at < len(body):
        number, lanes, first_node, anchor, _, _, record, operations, length = _EPOCH.unpack_from(body, at)
        at += _EPOCH.size
        words = [decode_field(body[i : i + 32]) for i in range(at, at + 64 * operations, 32)]
        at += 64 * operations + length
        yield EpochSummary(
            number,
            record[_PARENT],
            keccak(keccak(record[:_BODY_BYTES]) + record[_BODY_BYTES:]),
            first_node + lanes,
            lanes,
            decode_field(anchor),
            int.from_bytes(record[_TIMESTAMP_BLOCK]),
            tuple(zip(words[::2], words[1::2], strict=True)),
        )


def unpack_epochs(body: bytes) -> Iterator[EpochMessage]:
    """Inverse of `pack_epoch` for several. Raises ValueError, ProtocolError, struct.error."""
    at = 0
    while at < len(body):
        (number, lanes, first_node, anchor, note_root, account_root, record, operations, length) = (
            _EPOCH.unpack_from(body, at)
        )
        at += _EPOCH.size
        words = [decode_field(body[i : i + 32]) for i in range(at, at + 64 * operations, 32)]
        at += 64 * operations
        transaction = body[at : at + length].decode()
        at += length
        yield EpochMessage(
            number,
            lanes,
            first_node,
            decode_field(anchor),
            decode_field(note_root),
            decode_field(account_root),
            tuple(zip(words[::2], words[1::2], strict=True)),
            _unpack_record(record),
            transaction,
        )


def _unpack_record(data: bytes) -> EpochRecord:
    words = [data[i : i + 32] for i in range(0, _RECORD_BYTES, 32)]
    values: list[int | bytes] = [
        word[32 - _BYTE_FIELDS[place] :] if place in _BYTE_FIELDS else int.from_bytes(word)
        for place, word in enumerate(words)
    ]
    return EpochRecord(*values)  # type: ignore[arg-type]


def pack_entry(entry: Entry) -> bytes:
    """A lane of a proven epoch as bytes."""
    present = sum(1 << place for place, text in enumerate(entry.ciphertexts) if text)
    assert entry.node is not None
    return _ENTRY.pack(
        entry.node,
        entry.epoch or 0,
        entry.lane or 0,
        entry.kind,
        encode_field(entry.id),
        b"".join(map(encode_field, entry.nullifiers)),
        b"".join(map(encode_field, entry.commitments)),
        present,
        entry.public_value.to_bytes(15),
        entry.public_asset.to_bytes(8),
        entry.recipient.to_bytes(20),
        entry.fee.to_bytes(15),
        entry.fee_asset.to_bytes(8),
        entry.queue_index is not None,
        entry.queue_index or 0,
    ) + b"".join(entry.ciphertexts)


def unpack_entries(body: bytes) -> Iterator[Entry]:
    """Inverse of `pack_entry` for several. Raises ValueError, ProtocolError, struct.error."""
    at = 0
    while at < len(body):
        (
            node,
            epoch,
            lane,
            kind,
            identifier,
            nullifiers,
            commitments,
            present,
            public_value,
            public_asset,
            recipient,
            fee,
            fee_asset,
            queued,
            queue_index,
        ) = _ENTRY.unpack_from(body, at)
        at += _ENTRY.size
        ciphertexts = [b""] * OUTPUTS
        for place in range(OUTPUTS):
            if present >> place & 1:
                ciphertexts[place] = body[at : at + CIPHERTEXT_BYTES]
                at += CIPHERTEXT_BYTES
        first, second = (decode_field(nullifiers[i : i + 32]) for i in (0, 32))
        a, b, c = (decode_field(commitments[i : i + 32]) for i in (0, 32, 64))
        yield Entry(
            node,
            epoch,
            lane,
            Kind(kind),
            decode_field(identifier),
            (first, second),
            (a, b, c),
            (ciphertexts[0], ciphertexts[1], ciphertexts[2]),
            int.from_bytes(public_value),
            int.from_bytes(public_asset),
            int.from_bytes(recipient),
            int.from_bytes(fee),
            int.from_bytes(fee_asset),
            queue_index if queued else None,
        )


def packed_leaves(entries: Iterable[Entry], first_node: int, nodes: int) -> bytes:
    """The leaves of a run of height-1 nodes, packed. Entries outside it are left out."""
    leaves = bytearray(4 * 32 * nodes)
    for entry in entries:
        assert entry.node is not None
        place = entry.node - first_node
        if entry.kind != Kind.SKIPPED and 0 <= place < nodes:
            leaves[128 * place : 128 * place + 96] = b"".join(map(encode_field, entry.commitments))
    return bytes(leaves)


DAMAGE: Final = (ValueError, ProtocolError, struct.error)
"""What unpacking raises for bytes that nobody packed."""

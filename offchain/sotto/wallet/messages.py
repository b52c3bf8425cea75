"""What a node answers, parsed strictly (spec 09): a node is not trusted, and malformed data stops here."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sotto.protocol.ciphertext import CIPHERTEXT_BYTES
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import (
    FIELD_WORD_BYTES,
    Field,
    byte_word_from_json,
    bytes_from_json,
    field_from_json,
    integer_from_json,
    to_field,
)
from sotto.protocol.l1 import ADDRESS_BYTES, EpochRecord
from sotto.protocol.memo import ATTACHMENT_BYTES
from sotto.protocol.notes import ASSET_BITS, VALUE_BITS
from sotto.protocol.transaction import RECIPIENT_BITS, Kind
from sotto.wallet.amounts import ETHER, Asset
from sotto.wallet.errors import NodeMalformed

MAX_SYMBOL: Final = 16
MAX_DECIMALS: Final = 77
MAX_EXPIRY_MARGIN: Final = 300
"""L1 blocks. A node that asks for more would have notes locked for as long as it likes."""

_HASH_BYTES: Final = 32

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Answer of `/v1/status`, as far as a wallet uses it. Addresses are 20 bytes as 0x hex."""

    chain_id: int
    rollup: str
    bridge: str
    queue: str
    domain: int
    head: int
    proven: int
    l1_block: int
    lanes: tuple[int, ...]
    min_expiry_margin: int
    version: str


@dataclass(frozen=True, slots=True)
class Fee:
    """One row of the fee table: smallest units of one transaction."""

    asset: int
    fee: int


@dataclass(frozen=True, slots=True)
class EpochMessage:
    """A proven epoch."""

    id: int
    lanes: int
    first_node: int
    anchor: Field
    note_root: Field
    account_root: Field
    operations: tuple[tuple[Field, Field], ...]
    record: EpochRecord
    l1_transaction: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A lane that appended notes, or a transaction in the node's pool (`node` None)."""

    node: int | None
    epoch: int | None
    lane: int | None
    kind: Kind
    id: Field
    nullifiers: tuple[Field, Field]
    commitments: tuple[Field, Field, Field]
    ciphertexts: tuple[bytes, bytes, bytes]
    public_value: int
    public_asset: int
    recipient: int
    fee: int
    fee_asset: int
    queue_index: int | None


@dataclass(frozen=True, slots=True)
class NotesPage:
    """Entries of an aligned range."""

    start: int
    count: int
    complete: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """What the node says about a transaction."""

    status: str
    epoch: int | None
    reason: str


def parse(what: str, parser: Callable[[Any], T], data: Any) -> T:
    """Apply a parser. Raises NodeMalformed for whatever it cannot read."""
    try:
        return parser(data)
    except NodeMalformed:
        raise
    except (ProtocolError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NodeMalformed(f"{what}: {type(error).__name__}: {str(error)[:200]}") from error


def parse_status(data: Any) -> NodeStatus:
    """Parse `/v1/status`."""
    margin = integer_from_json(data["min_expiry_margin"], 32)
    if margin > MAX_EXPIRY_MARGIN:
        raise NodeMalformed(f"min_expiry_margin is {margin} blocks, at most {MAX_EXPIRY_MARGIN} is accepted")
    return NodeStatus(
        chain_id=integer_from_json(data["chain_id"], 64),
        rollup=_address(data["rollup"]),
        bridge=_address(data["bridge"]),
        queue=_address(data["queue"]),
        domain=byte_word_from_json(data["domain"]),
        head=integer_from_json(data["head"], 64),
        proven=integer_from_json(data["proven"], 64),
        l1_block=integer_from_json(data["l1_block"], 64),
        lanes=tuple(integer_from_json(n, 16) for n in _list(data["lanes"])),
        min_expiry_margin=margin,
        version=_text(data["version"], 64),
    )


def parse_fees(data: Any) -> tuple[Fee, ...]:
    """Parse `/v1/fees`."""
    return tuple(
        Fee(integer_from_json(row["asset"], ASSET_BITS), integer_from_json(row["fee"], VALUE_BITS))
        for row in _list(data)
    )


def parse_assets(data: Any) -> tuple[Asset, ...]:
    """Parse `/v1/assets`: ETH as it is, and no number or symbol twice, since people choose by them."""
    assets = tuple(_asset(row) for row in _list(data))
    if ETHER not in assets:
        raise NodeMalformed(f"asset {ETHER.asset} is not ETH with {ETHER.decimals} decimals")
    for name, values in (
        ("number", {asset.asset for asset in assets}),
        ("symbol", {asset.symbol.casefold() for asset in assets}),
    ):
        if len(values) != len(assets):
            raise NodeMalformed(f"two assets have the same {name}")
    return assets


def parse_epochs(data: Any) -> tuple[EpochMessage, ...]:
    """Parse `/v1/epochs`."""
    return tuple(_epoch(row) for row in _list(data))


def parse_notes(data: Any) -> NotesPage:
    """Parse `/v1/notes`."""
    return NotesPage(
        integer_from_json(data["start"], 64),
        integer_from_json(data["count"], 32),
        _boolean(data["complete"]),
        tuple(_entry(row) for row in _list(data["entries"])),
    )


def parse_open_epoch(data: Any) -> int | None:
    """Parse `open` of `/v1/state`."""
    return None if data["open"] is None else integer_from_json(data["open"]["epoch"], 64)


def parse_attachments(data: Any) -> dict[int, bytes]:
    """Parse `/v1/attachments`."""
    return {
        integer_from_json(row["node"], 64): bytes_from_json(row["attachment"], ATTACHMENT_BYTES)
        for row in _list(data["entries"])
    }


def parse_pending(data: Any) -> tuple[Entry, ...]:
    """Parse `/v1/pending`."""
    return tuple(_entry(row) for row in _list(data))


def parse_transaction(data: Any) -> TransactionStatus:
    """Parse `/v1/transactions/{h}`."""
    reason = data.get("reason")
    return TransactionStatus(
        _text(data["status"], 32), _optional(data.get("epoch"), 64), _text(reason or "", 512)
    )


def _asset(row: Any) -> Asset:
    address = row.get("address")
    decimals = integer_from_json(row["decimals"], 8)
    if decimals > MAX_DECIMALS:
        raise NodeMalformed(f"an asset with {decimals} decimals")
    symbol = _text(row["symbol"], MAX_SYMBOL)
    if not symbol or not symbol.isprintable() or " " in symbol or symbol.isdigit():
        raise NodeMalformed("the symbol of an asset cannot be shown")
    return Asset(
        integer_from_json(row["asset"], ASSET_BITS),
        None if not address else _address(address),
        symbol,
        decimals,
    )


def _epoch(row: Any) -> EpochMessage:
    operations = tuple(
        (field_from_json(item["id"]), field_from_json(item["next"])) for item in _list(row["operations"])
    )
    return EpochMessage(
        id=integer_from_json(row["id"], 64),
        lanes=integer_from_json(row["lanes"], 16),
        first_node=integer_from_json(row["first_node"], 64),
        anchor=field_from_json(row["anchor"]),
        note_root=field_from_json(row["note_root"]),
        account_root=field_from_json(row["account_root"]),
        operations=operations,
        record=_record(row["record"]),
        l1_transaction=_text(row["l1_tx"] or "", 66),
    )


def _entry(row: Any) -> Entry:
    kind = Kind(integer_from_json(row["kind"], 8))
    words = [row["id"], *_exactly(row["nullifiers"], 2), *_exactly(row["commitments"], 3)]
    identifier, *others = _fields(words)
    nullifiers, commitments = others[:2], others[2:]
    ciphertexts = _ciphertexts(_exactly(row["ciphertexts"], 3))
    return Entry(
        node=_optional(row["node"], 64),
        epoch=_optional(row["epoch"], 64),
        lane=_optional(row["lane"], 16),
        kind=kind,
        id=identifier,
        nullifiers=(nullifiers[0], nullifiers[1]),
        commitments=(commitments[0], commitments[1], commitments[2]),
        ciphertexts=(ciphertexts[0], ciphertexts[1], ciphertexts[2]),
        public_value=integer_from_json(row["public_value"], VALUE_BITS),
        public_asset=integer_from_json(row["public_asset"], ASSET_BITS),
        recipient=_recipient(row["recipient"]),
        fee=integer_from_json(row["fee"], VALUE_BITS),
        fee_asset=integer_from_json(row["fee_asset"], ASSET_BITS),
        queue_index=_optional(row["queue_index"], 64),
    )


def _record(row: Any) -> EpochRecord:
    return EpochRecord(
        id=integer_from_json(row["id"], 64),
        parent=bytes_from_json(row["parent"], _HASH_BYTES),
        proposer=bytes_from_json(row["proposer"], ADDRESS_BYTES),
        fee_recipient=bytes_from_json(row["fee_recipient"], ADDRESS_BYTES),
        verifier=bytes_from_json(row["verifier"], ADDRESS_BYTES),
        data_mode=integer_from_json(row["data_mode"], 8),
        commit_block=integer_from_json(row["commit_block"], 64),
        deadline=integer_from_json(row["deadline"], 64),
        bond=integer_from_json(row["bond"], 256),
        timestamp_block=integer_from_json(row["timestamp_block"], 64),
        queue_end=integer_from_json(row["queue_end"], 64),
        c=field_from_json(row["c"]),
        z=byte_word_from_json(row["z"]),
        y=field_from_json(row["y"]),
        y_data=int.from_bytes(bytes_from_json(row["y_data"], FIELD_WORD_BYTES)),
        new_state=field_from_json(row["new_state"]),
        own_anchor=field_from_json(row["own_anchor"]),
        withdrawal_root=bytes_from_json(row["withdrawal_root"], _HASH_BYTES),
        fees_hash=bytes_from_json(row["fees_hash"], _HASH_BYTES),
    )


def _recipient(value: Any) -> int:
    return integer_from_json(value, RECIPIENT_BITS)


def _fields(values: list[Any]) -> list[Field]:
    data = _joined(values, FIELD_WORD_BYTES)
    if data is None:
        return [field_from_json(value) for value in values]
    return [
        to_field(int.from_bytes(data[at : at + FIELD_WORD_BYTES]))
        for at in range(0, len(data), FIELD_WORD_BYTES)
    ]


def _ciphertexts(values: list[Any]) -> list[bytes]:
    data = _joined(values, CIPHERTEXT_BYTES)
    if data is None:
        return [b"" if v in ("", "0x") else bytes_from_json(v, CIPHERTEXT_BYTES) for v in values]
    return [data[at : at + CIPHERTEXT_BYTES] for at in range(0, len(data), CIPHERTEXT_BYTES)]


def _joined(values: list[Any], length: int) -> bytes | None:
    """Byte strings of one length after another, None unless each is well-formed.

    One pattern for many: a first sync reads millions of them, and spends much of its time on this.
    """
    if any(not isinstance(value, str) or len(value) != 2 + 2 * length for value in values):
        return None
    text = "".join(values)
    if not re.fullmatch(rf"(?:0x[0-9a-f]{{{2 * length}}})*", text):
        return None
    return bytes.fromhex(text.replace("0x", ""))


def _optional(value: Any, bits: int) -> int | None:
    return None if value is None else integer_from_json(value, bits)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NodeMalformed("a list is missing")
    return value


def _exactly(value: Any, length: int) -> list[Any]:
    if len(_list(value)) != length:
        raise NodeMalformed(f"a list of {length} has {len(value)} items")
    return _list(value)


def _text(value: Any, length: int) -> str:
    if not isinstance(value, str) or len(value) > length:
        raise NodeMalformed(f"a text of at most {length} characters is missing")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NodeMalformed("a boolean is missing")
    return value


def _address(value: Any) -> str:
    if not isinstance(value, str):
        raise NodeMalformed("an L1 address is missing")
    return "0x" + bytes_from_json(value.lower(), 20).hex()

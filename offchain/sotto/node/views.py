"""JSON of the API's answers (docs/spec/09-api.md)."""

from collections.abc import Iterator
from functools import lru_cache

from sotto.l1.deployment import ListedAsset
from sotto.l1.records import record_from_bytes, record_to_json
from sotto.node.pool import PoolTransaction
from sotto.node.tables import DepositRow, EpochRow
from sotto.protocol.field import Field, field_to_json, integer_to_json
from sotto.protocol.transaction import Kind, Transaction, ext_ciphertexts
from sotto.protocol.words import EpochWords, LaneWords, decode_words

Json = dict[str, object]


@lru_cache(maxsize=512)
def words_of(data: bytes, lanes: int) -> EpochWords:
    """Words of a stored epoch."""
    return decode_words(data, lanes)


def hex_bytes(data: bytes) -> str:
    """0x hex."""
    return "0x" + data.hex()


def asset_json(asset: ListedAsset) -> Json:
    """A listed asset."""
    return asset.model_dump()


def epoch_json(row: EpochRow) -> Json:
    """A proven epoch."""
    assert row.record is not None, "confirmed epochs have their record"
    record = record_from_bytes(row.record)
    operations = words_of(row.words, row.lanes).operations if row.lanes else ()
    return {
        "id": row.id,
        "lanes": row.lanes,
        "first_node": row.first_node,
        "anchor": field_to_json(record.own_anchor),
        "note_root": field_to_json(Field(row.note_root)),
        "account_root": field_to_json(Field(row.account_root)),
        "state": field_to_json(Field(row.state)),
        "operations": [
            {"id": field_to_json(operation.account), "next": field_to_json(operation.new)}
            for operation in operations
            if operation.new
        ],
        "record": record_to_json(record),
        "record_hash": hex_bytes(record.hash()),
        "l1_block": row.proof_block,
        "l1_tx": None if row.l1_tx is None else hex_bytes(row.l1_tx),
    }


def epoch_entries(row: EpochRow, deposits: dict[int, DepositRow], placed: bool = True) -> Iterator[Json]:
    """Entries of an epoch's used lanes in order.

    Args:
        deposits: queue items that the epoch took, by index.
        placed: whether the nodes are certain, as the epoch is proven.
    """
    words = words_of(row.words, row.lanes)
    for number, (lane, index) in enumerate(zip(words.lanes, words.queue_indices(), strict=True)):
        if lane.kind == Kind.NO_OP:
            continue
        node = row.first_node + number if placed else None
        if lane.kind == Kind.DEPOSIT:
            assert index is not None, "a deposit lane takes a queue item"
            h = lane.h(words.header.domain, index)
            yield _deposit_entry(node, row.id, number, h, lane, index, deposits[index].ciphertext)
        else:
            transaction = lane.transaction(words.header.domain)
            yield _transaction_entry(node, row.id, number, lane.kind, lane.link, transaction, index)


def waiting_entry(member: PoolTransaction) -> Json:
    """Entry of a transaction without epoch."""
    return _transaction_entry(None, None, None, member.transaction.kind, member.h, member.transaction, None)


def _transaction_entry(
    node: int | None,
    epoch: int | None,
    lane: int | None,
    kind: Kind,
    h: Field,
    transaction: Transaction,
    queue_index: int | None,
) -> Json:
    return {
        "node": node,
        "epoch": epoch,
        "lane": lane,
        "kind": int(kind),
        "id": field_to_json(h),
        "nullifiers": [field_to_json(nullifier) for nullifier in transaction.nullifiers],
        "commitments": [field_to_json(commitment) for commitment in transaction.commitments],
        "ciphertexts": [hex_bytes(ciphertext) for ciphertext in ext_ciphertexts(transaction.ext)],
        "public_value": integer_to_json(transaction.public_value),
        "public_asset": integer_to_json(transaction.public_asset),
        "recipient": integer_to_json(transaction.recipient),
        "fee": integer_to_json(transaction.fee),
        "fee_asset": integer_to_json(transaction.fee_asset),
        "queue_index": queue_index,
    }


def _deposit_entry(
    node: int | None, epoch: int, number: int, h: Field, lane: LaneWords, index: int, ciphertext: bytes
) -> Json:
    zero = field_to_json(Field(0))
    return {
        "node": node,
        "epoch": epoch,
        "lane": number,
        "kind": int(lane.kind),
        "id": field_to_json(h),
        "nullifiers": [zero, zero],
        "commitments": [field_to_json(commitment) for commitment in lane.commitments],
        "ciphertexts": [hex_bytes(ciphertext), "0x", "0x"],
        "public_value": integer_to_json(lane.public_value),
        "public_asset": integer_to_json(lane.public_asset),
        "recipient": integer_to_json(lane.recipient),
        "fee": 0,
        "fee_asset": 0,
        "queue_index": index,
    }

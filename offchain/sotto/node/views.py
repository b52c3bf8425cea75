"""JSON of the API's answers (docs/spec/09-api.md)."""

from collections.abc import Iterator
from functools import lru_cache

from sotto.l1.deployment import ListedAsset
from sotto.l1.records import record_from_bytes, record_to_json
from sotto.node.blocks import Block, BlockEntry, OrderedDeposit, OrderedTransaction, Rollback, block_hash
from sotto.node.open_epoch import OpenEpoch
from sotto.node.pool import Bundle, PoolTransaction
from sotto.node.tables import DepositRow, EpochRow
from sotto.protocol.field import Field, field_to_json, integer_to_json
from sotto.protocol.transaction import Kind, Transaction, ext_ciphertexts
from sotto.protocol.trees import State
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


def waiting_entry(member: PoolTransaction, epoch: int | None = None, lane: int | None = None) -> Json:
    """Entry of a transaction without block, or with the lane that a block gave it in the open epoch."""
    return _transaction_entry(None, epoch, lane, member.transaction.kind, member.h, member.transaction, None)


def open_entries(opened: OpenEpoch, domain: int, deposits: dict[int, DepositRow]) -> Iterator[Json]:
    """Entries of the open epoch in order.

    Args:
        deposits: queue items that it took, by index.
    """
    lane, index = 0, opened.queue_start
    for entry in opened.ordered:
        if isinstance(entry, Bundle):
            for member in entry.members:
                yield waiting_entry(member, opened.id, lane)
                lane += 1
            continue
        if isinstance(entry, Transaction):
            yield _transaction_entry(None, opened.id, lane, entry.kind, entry.h, entry, index)
        else:
            commitment = entry.commitment(domain, index)
            words = LaneWords.of_deposit(entry, commitment)
            h = entry.h(domain, index)
            yield _deposit_entry(None, opened.id, lane, h, words, index, deposits[index].ciphertext)
        lane += 1
        index += 1


def block_json(block: Block) -> Json:
    """A block with its encoding, so that anybody can check the hash."""
    encoding = block.encode()
    return {
        "number": block.number,
        "hash": hex_bytes(block_hash(encoding)),
        "parent": hex_bytes(block.parent),
        "time": block.time,
        "epoch": block.epoch,
        "l1_block": block.l1_block,
        "closes": block.closes,
        "entries": [_block_entry_json(entry) for entry in block.entries],
        "encoding": hex_bytes(encoding),
    }


def _block_entry_json(entry: BlockEntry) -> Json:
    match entry:
        case OrderedTransaction():
            return {"id": field_to_json(entry.h)}
        case OrderedDeposit():
            return {"id": field_to_json(entry.h), "queue_index": entry.index}
        case Rollback():
            return {"rollback": entry.first, "reason": entry.cause}


def state_json(epoch: int, state: State) -> Json:
    """The state after an epoch."""
    trees = {
        "note": (state.note.root, state.note.size),
        "nullifier": (state.nullifier.root, state.nullifier.size),
        "root": (state.root.root, state.root.size),
        "account": (state.account.root, state.account.size),
    }
    return {
        "epoch": epoch,
        "state": field_to_json(state.hash()),
        **{name: {"root": field_to_json(root), "size": size} for name, (root, size) in trees.items()},
    }


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

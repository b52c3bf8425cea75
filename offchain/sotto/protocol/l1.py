"""What the L1 contracts hash and store (spec 06)."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Final

from eth_hash.auto import keccak

from sotto.protocol.ciphertext import CIPHERTEXT_BYTES
from sotto.protocol.epoch import Withdrawal
from sotto.protocol.errors import WordLengthWrong
from sotto.protocol.field import ByteWord, Field, check_bits
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Transaction
from sotto.protocol.trees import genesis
from sotto.protocol.words import FeeQuad

ADDRESS_BYTES: Final = 20
EMPTY_ROOT: Final = bytes(32)

_DOMAIN_TAG: Final = keccak(b"sotto.domain.v1")
_BLOCK_BITS: Final = 40
_BODY_BYTES: Final = 18 * 32
_WORD_BITS: Final = 256


def _abi(*values: int | bytes) -> bytes:
    """Static ABI encoding: integers and right-aligned addresses, or 32-byte values."""
    return b"".join(v.to_bytes(32) if isinstance(v, int) else v.rjust(32, b"\0") for v in values)


def _check_address(address: bytes) -> bytes:
    if len(address) != ADDRESS_BYTES:
        raise WordLengthWrong(f"an L1 address has {ADDRESS_BYTES} bytes, not {len(address)}")
    return address


def compute_domain(chain_id: int, rollup: bytes) -> ByteWord:
    """The domain of the deployment whose `Rollup` has this address of 20 bytes. Raises WordLengthWrong."""
    digest = keccak(_abi(_DOMAIN_TAG, chain_id, _check_address(rollup)))
    return ByteWord(int.from_bytes(digest) >> 8)


class ItemKind(IntEnum):
    """Kinds of queue items, the same numbers as the lanes that take them."""

    DEPOSIT = 2
    FORCED = 3


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An item of the L1 queue as its digest covers it."""

    kind: ItemKind
    link: Field
    asset: int
    value: int
    recipient: int
    tail: bytes
    """32 bytes that a committer supplies, see `deposit_item` and `forced_item`."""

    def digest(self) -> int:
        """The upper 216 bits of the item's hash."""
        encoded = _abi(self.kind, self.link, self.asset, self.value, self.recipient, self.tail)
        return int.from_bytes(keccak(encoded)) >> _BLOCK_BITS

    def slot(self, block: int) -> int:
        """The storage word of an item queued in an L1 block (40 bits). Raises IntegerOutOfRange."""
        return self.digest() << _BLOCK_BITS | check_bits(block, _BLOCK_BITS)


def _tail(sender: bytes, data: bytes) -> bytes:
    return keccak(_abi(_check_address(sender), keccak(data)))


def deposit_item(deposit: Deposit, depositor: bytes, ciphertext: bytes) -> QueueItem:
    """The item of a deposit by an address with a ciphertext of 93 bytes. Raises WordLengthWrong."""
    if len(ciphertext) != CIPHERTEXT_BYTES:
        raise WordLengthWrong(f"a ciphertext has {CIPHERTEXT_BYTES} bytes, not {len(ciphertext)}")
    tail = _tail(depositor, ciphertext)
    return QueueItem(ItemKind.DEPOSIT, deposit.partial, deposit.asset, deposit.value, 0, tail)


def forced_item(tx: Transaction, sender: bytes, data: bytes) -> QueueItem:
    """The item of a forced transaction by an address; `data` as the contract hashed it."""
    tail = _tail(sender, data)
    return QueueItem(ItemKind.FORCED, tx.h, tx.public_asset, tx.public_value, tx.recipient, tail)


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """An epoch on L1, fields in the order of their encoding. Addresses have 20 bytes, hashes 32."""

    id: int
    parent: bytes
    proposer: bytes
    fee_recipient: bytes
    verifier: bytes
    data_mode: int
    commit_block: int
    deadline: int
    bond: int
    timestamp_block: int
    queue_end: int
    c: Field
    z: int
    y: Field
    y_data: int
    """Below the order of BLS12-381's groups; 0 when all words are in calldata."""
    new_state: Field
    own_anchor: Field
    fees_hash: bytes
    withdrawal_root: bytes

    def encode(self) -> bytes:
        """Static ABI encoding, 19 words. Raises WordLengthWrong, IntegerOutOfRange."""
        for address in (self.proposer, self.fee_recipient, self.verifier):
            _check_address(address)
        for digest in (self.parent, self.withdrawal_root, self.fees_hash):
            if len(digest) != 32:
                raise WordLengthWrong(f"a hash has 32 bytes, not {len(digest)}")
        for value in (self.id, self.commit_block, self.deadline, self.timestamp_block, self.queue_end):
            check_bits(value, 64)
        check_bits(self.data_mode, 8)
        check_bits(self.bond, _WORD_BITS)
        check_bits(self.y_data, _WORD_BITS)
        return _abi(*astuple(self))

    def body_hash(self) -> bytes:
        """Hash of all fields but the last: with it a claim needs only that one."""
        return keccak(self.encode()[:_BODY_BYTES])

    def hash(self) -> bytes:
        """What `epochs[id]` holds."""
        return keccak(_abi(self.body_hash(), self.withdrawal_root))


def genesis_record(block: int) -> EpochRecord:
    """The record of epoch 0 of a rollup deployed in an L1 block."""
    state, nobody = genesis(), bytes(ADDRESS_BYTES)
    return EpochRecord(
        id=0,
        parent=bytes(32),
        proposer=nobody,
        fee_recipient=nobody,
        verifier=nobody,
        data_mode=0,
        commit_block=block,
        deadline=0,
        bond=0,
        timestamp_block=block,
        queue_end=0,
        c=Field(0),
        z=0,
        y=Field(0),
        y_data=0,
        new_state=state.hash(),
        own_anchor=state.anchor(),
        withdrawal_root=EMPTY_ROOT,
        fees_hash=bytes(32),
    )


def fees_hash(fee_assets: FeeQuad, fee_totals: FeeQuad, queue_fees: int = 0) -> bytes:
    """keccak256(abi.encode(assets, totals, queueFees)), zero when no fee was paid.

    Args:
        queue_fees: wei that the forced items of the epoch brought, in total.
    """
    paid = any(fee_totals) or queue_fees
    return keccak(_abi(*fee_assets, *fee_totals, queue_fees)) if paid else bytes(32)


def withdrawal_leaf(withdrawal: Withdrawal) -> bytes:
    """Leaf of the withdrawal tree, hashed twice so that no inner node is one."""
    w = withdrawal
    return keccak(keccak(_abi(w.lane, w.asset, w.value, w.recipient)))


def _parents(level: Sequence[bytes]) -> list[bytes]:
    pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
    return [keccak(b"".join(sorted(pair))) if len(pair) == 2 else pair[0] for pair in pairs]


def withdrawal_root(withdrawals: Sequence[Withdrawal]) -> bytes:
    """Root of an epoch's withdrawals in lane order, zero when there is none."""
    level = [withdrawal_leaf(w) for w in withdrawals]
    while len(level) > 1:
        level = _parents(level)
    return level[0] if level else EMPTY_ROOT


def withdrawal_proof(withdrawals: Sequence[Withdrawal], position: int) -> list[bytes]:
    """Siblings from leaf to root of the withdrawal at a position. Raises IndexError beyond the last."""
    level = [withdrawal_leaf(w) for w in withdrawals]
    if not 0 <= position < len(level):
        raise IndexError(f"withdrawal {position} of {len(level)}")
    proof = []
    while len(level) > 1:
        sibling = position ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level, position = _parents(level), position // 2
    return proof


def verify_withdrawal(root: bytes, withdrawal: Withdrawal, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the epoch with this root pays the withdrawal."""
    node = withdrawal_leaf(withdrawal)
    for sibling in proof:
        node = keccak(min(node, sibling) + max(node, sibling))
    return node == root

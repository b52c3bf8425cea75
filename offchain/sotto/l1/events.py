"""Events of the contracts as values: bytes inside, no hex.

The names say who speaks: `Received...` is a fact that L1 reports, never a wish of this node.
"""

from dataclasses import dataclass

from web3.types import LogReceipt

from sotto.protocol.l1 import EpochRecord


@dataclass(frozen=True, slots=True)
class Position:
    """Where a log is on the chain. Hashes have 32 bytes."""

    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class ReceivedDeposit:
    """`DepositQueued`: an item of kind 2 has entered the queue.

    Attributes:
        index: queue index.
        depositor: 20 bytes.
        value: smallest unit of the asset.
        partial: field element.
        ciphertext: 93 bytes.
    """

    position: Position
    index: int
    depositor: bytes
    asset: int
    value: int
    partial: int
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class ReceivedCommit:
    """`EpochCommitted`: an epoch is pending. `record_hash` has 32 bytes."""

    position: Position
    id: int
    record_hash: bytes
    record: EpochRecord


@dataclass(frozen=True, slots=True)
class ReceivedProof:
    """`EpochProven`: an epoch is proven. `beneficiary` has 20 bytes."""

    position: Position
    id: int
    record_hash: bytes
    beneficiary: bytes


@dataclass(frozen=True, slots=True)
class ReceivedPruning:
    """`EpochsPruned`: the pending epochs `first` to `last`, which nobody proved in time, are gone."""

    position: Position
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ReceivedForced:
    """`ForcedQueued`: an item of kind 3 has entered the queue.

    Attributes:
        index: queue index.
        sender: 20 bytes.
        fee: wei, what the queue asked for it.
        transaction: 692 bytes, see `sotto.protocol.forced`.
    """

    position: Position
    index: int
    sender: bytes
    fee: int
    transaction: bytes


@dataclass(frozen=True, slots=True)
class ReceivedFreeze:
    """`Frozen`: `id` is the last proven epoch for good, and notes leave by exits. `record_hash`: 32 bytes."""

    position: Position
    id: int
    record_hash: bytes


@dataclass(frozen=True, slots=True)
class ReceivedExit:
    """`Exited`: a note has left. Addresses have 20 bytes; `fee` is the executor's part of `value`."""

    position: Position
    nullifier: int
    recipient: bytes
    asset: int
    value: int
    executor: bytes
    fee: int


QueueEvent = ReceivedDeposit | ReceivedForced
Event = QueueEvent | ReceivedCommit | ReceivedProof | ReceivedPruning | ReceivedFreeze


def position_of(log: LogReceipt) -> Position:
    """Where a log is on the chain."""
    return Position(
        log["blockNumber"], bytes(log["blockHash"]), bytes(log["transactionHash"]), log["logIndex"]
    )

"""The freeze, which anybody may do when a rollup stands still for too long (docs/spec/06-l1.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from sotto.l1.errors import FreezeTooEarly, NothingToFreezeFor, RollupAlreadyFrozen
from sotto.l1.history import History
from sotto.l1.sender import Sender
from sotto.protocol.l1 import EpochRecord


@dataclass(frozen=True, slots=True)
class FreezeReason:
    """What a rollup may be frozen for from a block on.

    Attributes:
        pending: record of the oldest pending epoch, None when it is the first item of the queue.
    """

    from_block: int
    pending: EpochRecord | None

    def __str__(self) -> str:
        what = "the first item of the queue" if self.pending is None else f"pending epoch {self.pending.id}"
        return f"{what} waits, and may be the reason from L1 block {self.from_block} on"


@dataclass(frozen=True, slots=True)
class Frozen:
    """The rollup ended in the state of epoch `id`, by an L1 transaction whose hash has 32 bytes."""

    id: int
    transaction: bytes


async def freeze_reason(history: History, first_block: int | None = None) -> FreezeReason | None:
    """The earliest reason to freeze, None when neither an item nor an epoch waits.

    Raises L1Unavailable, HistoryIncomplete, HistoryMismatch.
    """
    life = (await history.rollup.parameters()).freeze_time
    reasons = []
    cursor = await history.rollup.cursor(history.block)
    if cursor < await history.queue.length(history.block):
        _, queued = await history.queue.item(cursor)
        reasons.append(FreezeReason(queued + life, None))
    if history.head > history.proven:
        records = await history.records(first_block)
        pending = records[history.proven + 1].record
        reasons.append(FreezeReason(pending.commit_block + life, pending))
    return min(reasons, key=lambda reason: reason.from_block, default=None)


async def freeze(
    web3: AsyncWeb3[Any],
    rollup: bytes,
    account: LocalAccount,
    progress: Callable[[str, float], None] = lambda _phase, _share: None,
    first_block: int | None = None,
) -> Frozen:
    """End the rollup at an address of 20 bytes, for good: from then on notes leave by exits.

    Raises RollupAlreadyFrozen, NothingToFreezeFor, FreezeTooEarly, ContractRejected if an epoch was faster,
    and what History and Sender raise.
    """
    history = await History.open(web3, rollup, progress=progress)
    if await history.rollup.is_frozen():
        raise RollupAlreadyFrozen(f"it ended with epoch {history.proven}")
    reason = await freeze_reason(history, first_block)
    if reason is None:
        raise NothingToFreezeFor("no item of the queue and no epoch waits")
    # It would be mined in the next block, but L1 nodes estimate its gas as of the last one.
    if reason.from_block > history.block:
        raise FreezeTooEarly(f"{reason}; the chain is at block {history.block}")
    receipt = await Sender(web3, account).send(history.rollup.freeze(reason.pending))
    return Frozen(history.proven, bytes(receipt["transactionHash"]))

"""Pruning, which anybody may do: pending epochs not proven in time are removed (docs/spec/06-l1.md)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from sotto.l1.errors import DeadlineAhead, NothingPending
from sotto.l1.history import History
from sotto.l1.sender import Sender


@dataclass(frozen=True, slots=True)
class Pruned:
    """Epochs `first` to `last` are gone, by an L1 transaction whose hash has 32 bytes."""

    first: int
    last: int
    transaction: bytes


async def prune(
    web3: AsyncWeb3[Any],
    rollup: bytes,
    account: LocalAccount,
    progress: Callable[[str, float], None] = lambda _phase, _share: None,
) -> Pruned:
    """Remove the pending epochs of the rollup at an address of 20 bytes.

    Raises NothingPending, DeadlineAhead, ContractRejected if somebody else was faster, and what History and
    Sender raise.
    """
    history = await History.open(web3, rollup, progress=progress)
    if history.head == history.proven:
        raise NothingPending(f"epoch {history.proven} is the last one, and it is proven")
    records = await history.records()
    record = records[history.proven + 1].record
    if history.block <= record.deadline:
        raise DeadlineAhead(f"epoch {record.id} may be proven in peace until L1 block {record.deadline}")
    receipt = await Sender(web3, account).send(history.rollup.prune(record))
    return Pruned(record.id, history.head, bytes(receipt["transactionHash"]))

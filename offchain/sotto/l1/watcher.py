"""Follows L1 block by block and turns logs into typed events.

After a reorganisation no removed logs arrive, so forks are found by parent hashes: the watcher steps back to
the last block that is still on the chain and reports that, before it goes on. Whoever applies the changes in
order has at each moment exactly the events of one chain.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_typing import BlockNumber, ChecksumAddress
from hexbytes import HexBytes
from web3 import AsyncWeb3
from web3.exceptions import BlockNotFound
from web3.types import LogReceipt

from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import L1Error, ReorgTooDeep
from sotto.l1.events import Event

KEPT_BLOCKS = 256
"""So many block hashes are remembered; a deeper reorganisation stops the watcher."""

LOG_RANGE = 2_000
"""Blocks of one question for logs while catching up."""


@dataclass(frozen=True, slots=True)
class BlockHead:
    """Number and 32-byte hash of a block."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class BlockAdded:
    """The chain grew to this block; the events are those since the block of the change before."""

    head: BlockHead
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """All blocks above `number` left the chain, and what came from their events must be undone."""

    number: int


Change = BlockAdded | RolledBack
Decoder = Callable[[LogReceipt], Event | None]


class Watcher:
    """Reads one chain from a block on.

    Args:
        decoders: for each watched address what makes an event of its log.
        start: first block to read when `known` is empty.
        known: the last blocks that were applied, oldest first, from the caller's store.
    """

    def __init__(
        self,
        web3: AsyncWeb3[Any],
        decoders: Mapping[ChecksumAddress, Decoder],
        start: int,
        known: Sequence[BlockHead] = (),
    ) -> None:
        self._web3 = web3
        self._decoders = decoders
        self._next = known[-1].number + 1 if known else start
        self._known = list(known)
        self.latest = 0
        """Number of the last block when L1 was asked for changes the last time."""

    async def changes(self) -> AsyncIterator[Change]:
        """All changes up to the present head; ends there.

        Raises L1Unavailable, ReorgTooDeep. A change counts as applied when the next one is asked for.
        """
        self.latest = latest = (await self._head("latest")).number
        rollback = await self._find_fork()
        if rollback is not None:
            yield rollback
        while self._next <= latest:
            ahead = latest - self._next
            if ahead >= KEPT_BLOCKS:
                # So far behind the head that a fork is not expected: one question for many blocks.
                change = await self._read_range(min(self._next + LOG_RANGE, latest - KEPT_BLOCKS + 1) - 1)
            else:
                next_change = await self._read_block()
                if next_change is None:
                    # The chain forked between two questions: the next round of changes reports it.
                    return
                change = next_change
            yield change

    async def finalized(self) -> int:
        """Number of the last block that L1 cannot lose; 0 before there is one. Raises L1Unavailable."""
        try:
            return (await self._head("finalized")).number
        except BlockMissing:
            return 0

    async def _find_fork(self) -> RolledBack | None:
        original = len(self._known)
        while self._known and not await self._on_chain(self._known[-1]):
            self._known.pop()
        if len(self._known) == original:
            return None
        if not self._known:
            raise ReorgTooDeep(f"none of the last {original} known blocks is on the chain any more")
        self._next = self._known[-1].number + 1
        return RolledBack(self._known[-1].number)

    async def _on_chain(self, known: BlockHead) -> bool:
        try:
            return (await self._head(known.number)).hash == known.hash
        except BlockMissing:
            return False

    async def _read_block(self) -> BlockAdded | None:
        try:
            block = await self._web3.eth.get_block(BlockNumber(self._next))
            if self._known and bytes(block["parentHash"]) != self._known[-1].hash:
                return None
            logs = await self._web3.eth.get_logs(
                {"address": list(self._decoders), "blockHash": HexBytes(block["hash"])}
            )
        except BlockNotFound:
            return None
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        return self._added(BlockHead(block["number"], bytes(block["hash"])), logs)

    async def _read_range(self, end: int) -> BlockAdded:
        try:
            logs = await self._web3.eth.get_logs(
                {
                    "address": list(self._decoders),
                    "fromBlock": BlockNumber(self._next),
                    "toBlock": BlockNumber(end),
                }
            )
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        return self._added(await self._head(end), logs)

    def _added(self, head: BlockHead, logs: Sequence[LogReceipt]) -> BlockAdded:
        self._known.append(head)
        del self._known[:-KEPT_BLOCKS]
        self._next = head.number + 1
        decoded = (self._decoders[log["address"]](log) for log in logs)
        return BlockAdded(head, tuple(event for event in decoded if event is not None))

    async def _head(self, block: int | str) -> BlockHead:
        try:
            header = await self._web3.eth.get_block(block)  # type: ignore[arg-type]
        except BlockNotFound as error:
            raise BlockMissing(f"L1 has no block {block}") from error
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        return BlockHead(header["number"], bytes(header["hash"]))


class BlockMissing(L1Error):  # noqa: N818 - see sotto.l1.errors
    """The L1 node has no such block, since the chain is shorter now."""

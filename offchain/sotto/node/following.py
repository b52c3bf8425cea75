"""Keeps a core in step with L1, from the store's cursor on.

What has happened is read from logs, and some endpoints answer that there are none where they do not have the
block yet. An event that is left out so would be missing for ever. So the epochs and the queue that events
have told are compared with L1's storage, and blocks are read again when they differ.
"""

from collections.abc import Callable
from typing import Any

import structlog
from web3 import AsyncWeb3

from sotto.l1.errors import EventsMissing, L1Error, ReorgTooDeep
from sotto.l1.queue import L1QueueContract
from sotto.l1.rollup import RollupContract
from sotto.l1.watcher import RolledBack, Watcher
from sotto.node.chain import Chain, Progress
from sotto.node.core import Core

log = structlog.get_logger(category="node")


class Following:
    """Reads L1 and lets a Chain apply it.

    Args:
        start: the first L1 block that can hold events of the rollup or its queue.
        poll_interval: seconds between two looks at L1.
    """

    def __init__(
        self,
        web3: AsyncWeb3[Any],
        rollup: RollupContract,
        queue: L1QueueContract,
        start: int,
        poll_interval: float,
    ) -> None:
        self._web3 = web3
        self._rollup, self._queue = rollup, queue
        self._decoders = {rollup.address: rollup.decode, queue.address: queue.decode}
        self._start = start
        self._poll_interval = poll_interval
        self._watcher: Watcher | None = None
        self._compared = 0
        self._differs = False

    async def catch_up(self, core: Core, chain: Chain) -> None:
        """Apply all that L1 has and the core has not.

        Raises L1Error, StateDiverged; EventsMissing after what must be read again was undone.
        """
        try:
            await self._follow(core, chain)
            await self._compare(core, chain)
        except L1Error:
            # What was read may not be applied: the next time begins at the store's cursor.
            self._watcher = None
            raise

    async def _follow(self, core: Core, chain: Chain) -> None:
        if self._watcher is None:
            known = await core.store.run(core.store.known_blocks)
            self._watcher = Watcher(self._web3, self._decoders, self._start, known)
            core.l1_block = known[-1].number if known else self._start
        async for change in self._watcher.changes():
            core.l1_head = self._watcher.latest
            if isinstance(change, RolledBack):
                self._compared = min(self._compared, change.number)
            await chain.apply(change)
        await chain.finalize(await self._watcher.finalized())

    async def _compare(self, core: Core, chain: Chain) -> None:
        """Undo the blocks of which events are missing. Raises EventsMissing then, and L1Unavailable."""
        block = core.l1_block
        if block == self._compared or core.frozen is not None or not core.ledger.records:
            return
        told = await chain.progress()
        held = Progress(*await self._rollup.status(block), await self._queue.length(block))
        if held == told:
            self._compared, self._differs = block, False
            return
        # Once may be a reorganisation between the questions: then the next look at L1 shows it.
        self._differs = not self._differs
        if self._differs:
            return
        known = [head.number for head in await core.store.run(core.store.known_blocks)]
        start = max((number for number in known if number <= self._compared), default=known[0])
        await chain.apply(RolledBack(start))
        raise EventsMissing(f"L1 holds {held} at block {block}, its events after block {start} give {told}")

    async def run(self, core: Core, chain: Chain, report: Callable[[Exception | None], None]) -> None:
        """Loop. `report` is told what is in the way, and None when nothing is. Raises ReorgTooDeep,
        StateDiverged."""
        while True:
            await core.follow.wait(self._poll_interval)
            try:
                reorgs = core.reorgs
                await self.catch_up(core, chain)
                if core.reorgs != reorgs:
                    await chain.check()
            except ReorgTooDeep:
                raise
            except L1Error as error:
                report(error)
                log.warning("L1 not followed", cause=str(error))
            else:
                report(None)

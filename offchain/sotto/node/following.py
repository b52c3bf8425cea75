"""Keeps a core in step with L1, from the store's cursor on."""

from collections.abc import Callable
from typing import Any

import structlog
from web3 import AsyncWeb3

from sotto.l1.errors import L1Error, ReorgTooDeep
from sotto.l1.queue import L1QueueContract
from sotto.l1.rollup import RollupContract
from sotto.l1.watcher import Watcher
from sotto.node.chain import Chain
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
        self._decoders = {rollup.address: rollup.decode, queue.address: queue.decode}
        self._start = start
        self._poll_interval = poll_interval
        self._watcher: Watcher | None = None

    async def catch_up(self, core: Core, chain: Chain) -> None:
        """Apply all that L1 has and the core has not. Raises L1Error, StateDiverged."""
        if self._watcher is None:
            known = await core.store.run(core.store.known_blocks)
            self._watcher = Watcher(self._web3, self._decoders, self._start, known)
            core.l1_block = known[-1].number if known else self._start
        async for change in self._watcher.changes():
            core.l1_head = self._watcher.latest
            await chain.apply(change)
        await chain.finalize(await self._watcher.finalized())

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
                # What was read may not be applied: the next round begins at the store's cursor.
                self._watcher = None
                report(error)
                log.warning("L1 not followed", cause=str(error))
            else:
                report(None)

"""L1 endpoints that answer with no logs where there are some."""

import asyncio
from pathlib import Path
from random import Random

import pytest
from tests.faults.endpoint import FaultyEndpoint, NoLogs
from tests.integration.node.conftest import Stage

from sotto.l1.deployment import read_deployment
from sotto.l1.errors import EventsMissing
from sotto.node.follower import FollowConfig, follow


async def test_blocks_whose_logs_were_left_out_are_read_again(stage: Stage, tmp_path: Path) -> None:
    deployment = read_deployment(stage.deployment)
    rollup = bytes.fromhex(deployment.address("Rollup")[2:])
    users, database = stage.scenario.users, f"sqlite:///{tmp_path / 'followed.db'}"

    def deposit() -> None:
        stage.deposit(stage.scenario.deposit(users[0], 10**15))

    async def queued() -> int:
        await catch_up(core, followed.chain)
        return int(core.store.queue_length())

    with FaultyEndpoint(stage.chain.url) as endpoint:
        config = FollowConfig(endpoint.url, rollup, database, deployment.block("L1Queue"))
        async with follow(config) as followed:
            core, catch_up = followed.core, followed.following.catch_up

            await asyncio.to_thread(deposit)
            assert await queued() == 1
            endpoint.disturb(NoLogs(Random(1)))
            await asyncio.to_thread(deposit)
            stage.chain.mine(2)
            for _ in range(2):
                # It may be a reorganisation, the first time.
                assert await queued() == 1
                with pytest.raises(EventsMissing, match="queue=2"):
                    await queued()
            endpoint.heal()
            assert await queued() == 2
            stage.chain.mine()
            assert await queued() == 2
        # After a start it has compared nothing, and goes back as far as it can.
        async with follow(config) as followed:
            core, catch_up = followed.core, followed.following.catch_up
            endpoint.disturb(NoLogs(Random(1)))
            await asyncio.to_thread(deposit)
            assert await queued() == 2
            endpoint.heal()
            with pytest.raises(EventsMissing, match="queue=3"):
                await queued()
            assert await queued() == 3

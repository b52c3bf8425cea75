"""Epochs whose calls are encoded as no library does: what L1 takes, everybody reads."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.node.conftest import SILENT, Stage, prove_once
from tests.support.chain import LocalChain, deploy
from tests.support.encodings import ENCODINGS, dirty_padding
from tests.support.follower import FollowerProcess
from tests.support.node import NodeProcess
from tests.support.raw_l1 import RawL1
from web3 import AsyncHTTPProvider, AsyncWeb3

from sotto.l1.history import HistoricEpoch, History

pytestmark = pytest.mark.slow


async def read(l1: RawL1) -> list[HistoricEpoch]:
    """The epochs as an exit reads them."""
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(l1.chain.url))
    try:
        history = await History.open(web3, bytes.fromhex(l1.rollup.address[2:]))
        records = await history.records()
        return [epoch async for epoch in history.epochs(records[1:])]
    finally:
        await web3.provider.disconnect()


async def test_what_l1_takes_everybody_reads(chain: LocalChain, tmp_path: Path) -> None:
    deployment = deploy(chain, tmp_path, tokens=1, proposer_policy=SILENT)
    l1 = RawL1(chain, deployment)
    node = NodeProcess(tmp_path, chain.url, deployment)
    stage = Stage(chain, deployment, node, l1.scenario)
    user, depositor = l1.scenario.users[0], chain.web3.eth.accounts[2]
    words = []
    for encoding in ENCODINGS.values():
        queued = l1.scenario.deposit(user, 10**15)
        l1.queue(queued, depositor)
        epoch = l1.build([queued], [], [depositor])
        l1.accept(epoch, encoding)
        words.append(epoch.commit.words)
    pending = l1.build([None], [])
    l1.commit(pending, dirty_padding)
    words.append(pending.commit.words)

    # The oldest pending one is proven from it by a stranger, too.
    assert [proven["epoch"] for proven in prove_once(stage)] == [len(words)]
    assert [epoch.words for epoch in await read(l1)] == words
    follower = FollowerProcess(tmp_path, chain.url, l1.rollup.address)
    try:
        for process in (follower, node):
            process.start()
            last = process.get("/v1/epochs?start=0&count=256")[-1]
            assert last["id"] == len(words)
            assert int(last["state"], 16) == l1.scenario.state.hash()
    finally:
        follower.close()
        node.close()

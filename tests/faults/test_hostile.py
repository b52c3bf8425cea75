"""A hostile proposer does what it is for: L1 takes its epochs, but none that would let queue items wait."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3

from sotto import crypto
from sotto.l1.bridge import BridgeContract
from sotto.l1.deployment import Deployment, read_deployment
from sotto.l1.pruning import prune
from sotto.l1.sender import Sender
from sotto.testing.chain import funded_account
from tests.faults.checker import Checker
from tests.faults.evidence import L1Reader, StepKind
from tests.faults.hostile import HostileProposer
from tests.faults.perturbations import lose
from tests.faults.stage import LANES, SILENT
from tests.support.chain import LocalChain, anvil, build_contracts, deploy

PARAMETERS = {"provingWindow": 20, "forcedDeadline": 10}
STRANGER = funded_account(7)


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    """A new chain."""
    build_contracts()
    crypto.install_hash_backend()
    with anvil() as running:
        yield running


async def deposit(web3: AsyncWeb3[Any], deployment: Deployment) -> None:
    """Somebody's deposit."""
    bridge = BridgeContract(web3, deployment.address("Bridge"))
    await Sender(web3, funded_account(2)).send(bridge.deposit_eth(10**15, 7, bytes(93)))


async def test_epochs_without_queue_items_end_at_the_first_overdue_one(
    chain: LocalChain, tmp_path: Path
) -> None:
    deployment = read_deployment(deploy(chain, tmp_path, 0, PARAMETERS, (LANES,), SILENT))
    rollup = bytes.fromhex(deployment.address("Rollup")[2:])
    reader, checker = L1Reader(chain.web3, deployment, []), Checker()
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.url))
    try:
        async with HostileProposer(chain.url, deployment, checker) as hostile:
            assert await hostile.commit_valid(0)
            await deposit(web3, deployment)
            assert await hostile.commit_valid(0)
            chain.mine(PARAMETERS["forcedDeadline"])
            assert not await hostile.commit_valid(0)
            assert len(await hostile.waiting()) == 1
            assert await hostile.commit_valid(LANES)
            assert await hostile.waiting() == []
            assert await hostile.commit_garbage(LANES, Random(1))
        assert reader.status() == (4, 0)
        chain.mine(PARAMETERS["provingWindow"] + 1)
        pruned = await prune(web3, rollup, STRANGER)
        assert (pruned.first, pruned.last) == (1, 4)
        assert reader.status() == (0, 0)
        found = checker.violations_of_l1(reader.read())
        assert len(found) == 1
        # Nobody takes it here.
        assert "deposits not credited [0]" in found[0]

        lose(chain, "0x" + pruned.transaction.hex(), Random(2))
        assert reader.status() == (4, 0)
        await prune(web3, rollup, STRANGER)
        steps = [step.kind for step in reader.read().steps]
        assert steps == [StepKind.COMMIT] * 5 + [StepKind.PRUNING]
    finally:
        await web3.provider.disconnect()

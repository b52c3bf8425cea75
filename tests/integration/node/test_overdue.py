"""Queue items that no operator takes are processed by somebody who has an L1 endpoint and an address."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.faults.endpoint import Call, FaultyEndpoint, Reply, Upstream
from tests.integration.node.conftest import Stage, sotto
from tests.support.chain import LocalChain, deploy
from tests.support.node import NodeProcess
from tests.support.scenario import Scenario

from sotto.l1.deployment import read_deployment
from sotto.protocol.l1 import compute_domain

pytestmark = pytest.mark.slow

FORCED_DEADLINE = 100
PROVING_BLOCKS = 60
"""Less than the 64 of an epoch's clock, after which L1 would refuse it in any case."""


@dataclass
class SlowProof:
    """Blocks that L1 grows by before it judges the first epoch."""

    chain: LocalChain
    blocks: int

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if call["method"] == "eth_estimateGas" and self.blocks:
            self.chain.mine(self.blocks)
            self.blocks = 0
        return await upstream(call)


def test_overdue_deposits_are_processed_without_any_operator(chain: LocalChain, tmp_path: Path) -> None:
    deployment = deploy(chain, tmp_path, parameters={"forcedDeadline": FORCED_DEADLINE})
    rollup = read_deployment(deployment).address("Rollup")
    domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
    node = NodeProcess(tmp_path, chain.url, deployment)
    stage = Stage(chain, deployment, node, Scenario(domain=domain))
    command = ("process-overdue", "--database", f"sqlite:///{tmp_path / 'overdue.db'}")
    queued = [stage.scenario.deposit(stage.scenario.users[0], 10**15) for _ in range(3)]
    stage.deposit(queued[0])
    assert sotto(stage, *command)["error"]["code"] == "NothingOverdue"
    chain.mine(PROVING_BLOCKS)
    # This one falls due while the proof is made, and L1 takes no epoch then that leaves it out.
    stage.deposit(queued[1])
    chain.mine(FORCED_DEADLINE - PROVING_BLOCKS)
    # This one is younger, and left to the operators.
    stage.deposit(queued[2])
    with FaultyEndpoint(chain.url) as endpoint:
        endpoint.disturb(SlowProof(chain, PROVING_BLOCKS))
        [processed] = sotto(replace(stage, chain=replace(chain, url=endpoint.url)), *command)["processed"]
    assert (processed["epoch"], processed["start"], processed["end"]) == (1, 0, 2)
    assert stage.l1_status() == (1, 1)
    assert sotto(stage, *command)["error"]["code"] == "NothingOverdue"
    # An operator that comes back adopts the epoch, and goes on with the next item.
    try:
        node.start()
        stage.follow(queued[:2])
        stage.follow(queued[2:])
    finally:
        node.close()
    assert stage.l1_status() == (2, 2)

"""Queue items that no operator takes are processed by somebody who has an L1 endpoint and an address."""

from pathlib import Path

import pytest
from tests.integration.node.conftest import Stage, sotto
from tests.support.chain import LocalChain, deploy
from tests.support.node import NodeProcess
from tests.support.scenario import Scenario

from sotto.l1.deployment import read_deployment
from sotto.protocol.l1 import compute_domain

pytestmark = pytest.mark.slow

FORCED_DEADLINE = 10


def test_overdue_deposits_are_processed_without_any_operator(chain: LocalChain, tmp_path: Path) -> None:
    deployment = deploy(chain, tmp_path, parameters={"forcedDeadline": FORCED_DEADLINE})
    rollup = read_deployment(deployment).address("Rollup")
    domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
    node = NodeProcess(tmp_path, chain.url, deployment)
    stage = Stage(chain, deployment, node, Scenario(domain=domain))
    command = ("process-overdue", "--database", f"sqlite:///{tmp_path / 'overdue.db'}")
    queued = [stage.scenario.deposit(stage.scenario.users[0], 10**15) for _ in range(2)]
    stage.deposit(queued[0])
    assert sotto(stage, *command)["error"]["code"] == "NothingOverdue"
    chain.mine(FORCED_DEADLINE)
    # This one is younger, and left to the operators.
    stage.deposit(queued[1])
    [processed] = sotto(stage, *command)["processed"]
    assert (processed["epoch"], processed["start"], processed["end"]) == (1, 0, 1)
    assert stage.l1_status() == (1, 1)
    assert sotto(stage, *command)["error"]["code"] == "NothingOverdue"
    # An operator that comes back adopts the epoch, and goes on with the next item.
    try:
        node.start()
        stage.follow([queued[0]])
        stage.follow([queued[1]])
    finally:
        node.close()
    assert stage.l1_status() == (2, 2)

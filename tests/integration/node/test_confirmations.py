"""Deposits that must be so many blocks deep: none is in an epoch before, whatever L1 loses until then."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.node.conftest import Stage
from tests.support.chain import LocalChain, deploy
from tests.support.node import NodeProcess, wait_until
from tests.support.scenario import Queued, Scenario

from sotto.l1 import interface
from sotto.l1.deployment import read_deployment
from sotto.protocol.field import field_to_json
from sotto.protocol.l1 import compute_domain

pytestmark = pytest.mark.slow

CONFIRMATIONS = 6


class PatientStage(Stage):
    """A stage whose node waits for confirmations."""

    def followed(self) -> None:
        """Wait until the node has applied L1's last block."""
        head = self.chain.web3.eth.block_number
        wait_until(lambda: self.node.get("/v1/status")["l1_block"] >= head)

    def queued_in(self, index: int) -> int:
        """The L1 block of a queue item."""
        deployment = read_deployment(self.deployment)
        queue = self.chain.web3.eth.contract(
            address=deployment.address("L1Queue"), abi=interface.load("L1Queue")
        )
        logs: Any = queue.events.DepositQueued().get_logs(from_block=deployment.block("L1Queue"))
        return next(int(log["blockNumber"]) for log in logs if log["args"]["index"] == index)

    def confirm(self, index: int, blocks: int) -> None:
        """Let a queue item have so many blocks above its own, and no more."""
        missing = self.queued_in(index) + blocks - self.chain.web3.eth.block_number
        assert missing >= 0
        self.chain.mine(missing)
        self.followed()

    def lose(self, index: int) -> list[bytes]:
        """Lose the block of a queue item and all above, fewer than are waited for; their transactions."""
        depth = self.chain.web3.eth.block_number - self.queued_in(index) + 1
        assert depth < CONFIRMATIONS
        lost = self.chain.transactions(depth)
        self.chain.reorganise(depth)
        return lost

    def ordered(self) -> list[tuple[int, str, int]]:
        """Queue index and h of each item in the blocks of the stream, with the L1 block of its block."""
        blocks = self.node.get("/v1/blocks", start=1, count=256)
        assert not any("rollback" in entry for block in blocks for entry in block["entries"])
        return [
            (entry["queue_index"], entry["id"], block["l1_block"])
            for block in blocks
            for entry in block["entries"]
            if "queue_index" in entry
        ]


def test_deposits_are_credited_after_their_confirmations_and_not_before(
    chain: LocalChain, tmp_path: Path
) -> None:
    deployment = deploy(chain, tmp_path, sizes=(4,))
    rollup = read_deployment(deployment).address("Rollup")
    domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
    node = NodeProcess(tmp_path, chain.url, deployment, confirmations=CONFIRMATIONS)
    stage = PatientStage(chain, deployment, node, Scenario(domain=domain))
    user = stage.scenario.users[0]
    first, instead = (stage.scenario.deposit(user, 10**15 + i) for i in range(2))
    # Made beside the scenario, as it is never in its queue.
    lost = Scenario(domain=domain).deposit(user, 10**15 + 2)
    try:
        node.start()
        stage.deposit(first)
        stage.confirm(0, 2)
        stage.deposit(lost)
        stage.confirm(0, CONFIRMATIONS - 1)
        assert stage.ordered() == []
        # L1 loses the second one before its time, and another one has its place.
        stage.lose(1)
        stage.deposit(instead)
        stage.confirm(0, CONFIRMATIONS)
        stage.follow([first])
        stage.followed()
        assert [index for index, _, _ in stage.ordered()] == [0]

        # It moves to a later block, and waits anew. The epoch that was lost, too, comes again by itself.
        stage.confirm(1, CONFIRMATIONS - 2)
        (raw,) = [raw for raw in stage.lose(1) if is_deposit_of(raw, instead)]
        wait_until(lambda: stage.l1_status() == (1, 1))
        chain.request("eth_sendRawTransaction", ["0x" + raw.hex()])
        stage.confirm(1, CONFIRMATIONS - 1)
        assert [index for index, _, _ in stage.ordered()] == [0]
        stage.confirm(1, CONFIRMATIONS)
        stage.follow([instead])

        ordered = stage.ordered()
        assert [(index, h) for index, h, _ in ordered] == [
            (index, field_to_json(item.deposit.h(domain, index)))
            for index, item in enumerate((first, instead))
        ]
        assert all(block >= stage.queued_in(index) + CONFIRMATIONS for index, _, block in ordered)
        assert "L1 reorganised" in node.log()
    finally:
        node.close()


def is_deposit_of(raw: bytes, queued: Queued) -> bool:
    """Whether a signed transaction makes a deposit."""
    return queued.deposit.partial.to_bytes(32) in raw

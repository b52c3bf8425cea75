"""A real chain, real contracts, real proofs."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from tests.support.chain import KEYS, LocalChain, anvil, build_contracts, deploy
from tests.support.node import NodeProcess
from tests.support.scenario import Queued, Scenario, Signed
from web3 import AsyncHTTPProvider, AsyncWeb3

from sotto import crypto
from sotto.l1.bridge import BridgeContract
from sotto.l1.deployment import read_deployment
from sotto.l1.rollup import RollupContract
from sotto.l1.sender import Sender
from sotto.protocol.l1 import compute_domain
from sotto.protocol.transaction import ProvenTransaction, transaction_to_json

FAR = 10**9


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    build_contracts()
    crypto.install_hash_backend()


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    """A new chain."""
    with anvil() as running:
        yield running


@dataclass
class Stage:
    """A node on a chain, and the users of a scenario that follows it."""

    chain: LocalChain
    deployment: Path
    node: NodeProcess
    scenario: Scenario

    def run(self, action: Any) -> Any:
        """Run a coroutine with a connection of its own."""

        async def connected() -> Any:
            web3 = AsyncWeb3(AsyncHTTPProvider(self.chain.url))
            try:
                return await action(web3)
            finally:
                await web3.provider.disconnect()

        return asyncio.run(connected())

    def deposit(self, *queued: Queued) -> None:
        """Deposit ETH on L1, in one block, so that the node cannot close an epoch between them."""
        addresses = read_deployment(self.deployment)

        async def send(web3: Any) -> None:
            bridge = BridgeContract(web3, addresses.address("Bridge"))
            sender = Sender(web3, Account.from_key(KEYS[2]))
            nonce = await sender.next_nonce()
            signed = []
            for item in queued:
                deposit = bridge.deposit_eth(item.deposit.value, item.deposit.partial, item.ciphertext)
                signed.append(await sender.sign(deposit, nonce + len(signed)))
            self.chain.request("evm_setAutomine", [False])
            for transaction in signed:
                await sender.broadcast(transaction)
            self.chain.mine()
            self.chain.request("evm_setAutomine", [True])
            for transaction in signed:
                await sender.wait(transaction.hash)

        self.run(send)

    def l1_status(self) -> tuple[int, int]:
        """Committed and proven epoch as L1 has them."""
        rollup = read_deployment(self.deployment).address("Rollup")
        answer: tuple[int, int] = self.run(lambda web3: RollupContract(web3, rollup).status())
        return answer

    def l1_record_hash(self, epoch: int) -> str:
        """Hash of a record as L1 has it."""
        rollup = read_deployment(self.deployment).address("Rollup")
        answer: bytes = self.run(lambda web3: RollupContract(web3, rollup).record_hash(epoch))
        return "0x" + answer.hex()

    def fund(self, count: int = 1, user: int = 0) -> None:
        """Deposit notes for a user and wait for their epoch."""
        queued = [self.scenario.deposit(self.scenario.users[user], 10**15) for _ in range(count)]
        self.deposit(*queued)
        self.follow(queued)

    def follow(self, entries: list[Any]) -> dict[str, Any]:
        """Let the scenario close the epoch that the node closes with these entries; compare the states."""
        epoch = self.node.proven(len(self.scenario.history))
        closed = self.scenario.close(entries, epoch["lanes"], oldest=0)
        assert int(epoch["state"], 16) == closed.result.state.hash()
        assert epoch["record_hash"] == self.l1_record_hash(epoch["id"])
        return epoch

    def pay(self, user: int = 0, inputs: int = 1, **options: Any) -> Signed:
        """A payment of notes that nothing spends yet."""
        payer = self.scenario.users[user]
        taken = [self.scenario.take(note) for note in self.scenario.spendable(payer)[:inputs]]
        return self.scenario.pay(payer, taken, self.scenario.users[1], 1000, expiry=FAR, **options)


def prove(signed: Signed) -> dict[str, object]:
    """The API's JSON of a transaction with a new proof."""
    proof = crypto.prove("transfer", json.dumps(signed.witness()).encode()).proof
    return transaction_to_json(ProvenTransaction(signed.transaction, proof))


@pytest.fixture
def stage(chain: LocalChain, tmp_path: Path) -> Iterator[Stage]:
    """A deployment and a node that has not started."""
    deployment = deploy(chain, tmp_path)
    rollup = read_deployment(deployment).address("Rollup")
    domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
    node = NodeProcess(tmp_path, chain.url, deployment)
    yield Stage(chain, deployment, node, Scenario(domain=domain))
    node.close()

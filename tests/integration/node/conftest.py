"""A real chain, real contracts, real proofs."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from tests.faults.endpoint import FaultyEndpoint, NoProofs
from tests.support.chain import KEYS, LocalChain, anvil, build_contracts, deploy
from tests.support.node import NodeProcess, wait_until
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
PROVING_WINDOW = 20
SILENT = "0x" + "99" * 20
"""A policy that fails to answer, which allows."""

STRANGER = Account.from_key(KEYS[2])


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
                await sender.confirm(transaction)

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


@dataclass
class SplitStage(Stage):
    """A stage whose node settles in two steps, through an endpoint of its own."""

    endpoint: FaultyEndpoint

    def start(self, deposits: int) -> None:
        """Start the node; its first epoch has so many deposits, as they are there before it."""
        queued = [self.scenario.deposit(self.scenario.users[0], 10**15) for _ in range(deposits)]
        for item in queued:
            self.deposit(item)
        self.node.start()
        self.follow(queued)

    def withhold_proofs(self) -> None:
        """Let commits through alone, until the endpoint is healed."""
        self.endpoint.disturb(NoProofs())

    def wait_for_l1(self, head: int, proven: int) -> None:
        """Wait until L1 has so many epochs committed and proven."""
        wait_until(lambda: self.l1_status() == (head, proven))

    def status(self, h: str) -> str:
        """Status of a transaction."""
        return str(self.node.get(f"/v1/transactions/{h}")["status"])

    def send(self, signed: Any) -> str:
        """Submit a transaction; its id."""
        answer = self.node.post([prove(signed)])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ids"][0])

    def prune(self) -> dict[str, Any]:
        """Somebody's `sotto prune`."""
        return sotto(self, "prune")


def run_sotto(stage: Stage, *command: str, key: str = KEYS[2]) -> subprocess.CompletedProcess[str]:
    """A command that knows the rollup's address and an L1 endpoint, and writes JSON."""
    key_file = stage.node.folder / "stranger.key"
    key_file.write_text(key)
    rollup = read_deployment(stage.deployment).address("Rollup")
    options = ["--rpc-url", stage.chain.url, "--rollup", rollup, "--l1-key-file", str(key_file), "--json"]
    return subprocess.run(
        [sys.executable, "-m", "sotto.cli", *command, *options], capture_output=True, text=True, check=False
    )


def sotto(stage: Stage, *command: str, key: str = KEYS[2]) -> dict[str, Any]:
    """The JSON of a command, also of one that fails."""
    found: dict[str, Any] = json.loads(run_sotto(stage, *command, key=key).stdout)
    return found


def prove_once(stage: Stage) -> list[dict[str, Any]]:
    """A stranger's `sotto prover`, which ends when nothing is pending; what it proved."""
    database = f"sqlite:///{stage.node.folder / 'prover.db'}"
    options = ("--beneficiary", STRANGER.address, "--database", database)
    done = run_sotto(stage, "prover", "--permissionless", "--once", *options)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["proven"]
    return found


@pytest.fixture
def split(chain: LocalChain, tmp_path: Path) -> Iterator[SplitStage]:
    """A deployment that lets the node commit, and a node that has not started."""
    deployment = deploy(chain, tmp_path, parameters={"provingWindow": PROVING_WINDOW}, proposer_policy=SILENT)
    rollup = read_deployment(deployment).address("Rollup")
    domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
    with FaultyEndpoint(chain.url) as endpoint:
        node = NodeProcess(tmp_path, endpoint.url, deployment, settlement="split")
        yield SplitStage(chain, deployment, node, Scenario(domain=domain), endpoint)
        node.close()

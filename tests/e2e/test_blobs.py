"""Epochs with their data in blobs: settled, followed, proven by a stranger, and left when L1 forgets them.

The tests of this file share one rollup, and each goes on where the one before it ended.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.faults.endpoint import Call, FaultyEndpoint, NoProofs, Reply, Upstream
from tests.support.chain import anvil, deploy
from tests.support.follower import FollowerProcess
from tests.support.node import NodeProcess, wait_until
from tests.support.ruin import ETHER, SILENT, Owner, Ruin, deposit_without_node

from sotto.l1.deployment import read_deployment
from sotto.l1.interface import load
from sotto.protocol.data import check_data
from sotto.protocol.keys import new_phrase
from sotto.protocol.words import words_length
from sotto.testing.chain import CHAIN_ID, funded_account
from sotto.testing.contracts import build_contracts
from sotto.wallet import Connection, SyncWallet, Wallet, create_wallet
from sotto.wallet.inputs import Payment
from sotto.wallet.settlement import Settlement

pytestmark = pytest.mark.slow

CONFIRMATIONS = 8
DEPOSITS = 5
"""More than an epoch of 4 lanes takes."""
FREEZE_TIME = 600
PARAMETERS = {"forcedDeadline": 100, "freezeTime": FREEZE_TIME}
LANES = 16
PASSWORD = "blobs"
STRANGER = funded_account(7)


class NoBlobs:
    """L1 clients forget blobs after some weeks."""

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if call["method"] == "anvil_getBlobByHash":
            return Reply(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": None}).encode())
        return await upstream(call)


@dataclass
class Stage:
    """A rollup whose node puts large epochs into blobs.

    Attributes:
        late: an L1 endpoint that has no blobs any more.
        folder: for files of users and strangers.
    """

    people: Ruin
    node: NodeProcess
    wallet: SyncWallet
    late: FaultyEndpoint
    folder: Path

    @property
    def rollup(self) -> Any:
        """The contract."""
        return self.people.chain.web3.eth.contract(
            address=self.people.deployment.address("Rollup"), abi=load("Rollup")
        )

    def has(self, committed: int, proven: int) -> bool:
        """Whether L1 has come so far."""
        return list(self.rollup.functions.status().call()) == [committed, proven]

    def commit(self, epoch: int) -> Any:
        """The transaction that committed an epoch."""
        [log] = self.rollup.events.EpochCommitted.get_logs(from_block=0, argument_filters={"id": epoch})
        return self.people.chain.web3.eth.get_transaction(log["transactionHash"])

    def lose_proofs(self) -> None:
        """Let the node commit, but not prove."""
        self.people.endpoint.disturb(NoProofs())

    def sotto(self, *command: str, **where: Any) -> Any:
        """The JSON of a command that a stranger gives."""
        return self.people.sotto(*command, home=self.folder, key=STRANGER, **where)

    @property
    def archive(self) -> Path:
        """An honest archive."""
        return self.folder / "archive"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """See Stage. Before the node takes any item, alice deposits more than fit into a small epoch."""
    folder = tmp_path_factory.mktemp("blobs")
    build_contracts()
    with contextlib.ExitStack() as stack:
        chain = stack.enter_context(anvil(folder=folder))
        endpoint, late = (stack.enter_context(FaultyEndpoint(chain.url)) for _ in range(2))
        late.disturb(NoBlobs())
        path = deploy(chain, folder, parameters=PARAMETERS, proposer_policy=SILENT)
        settings = {"settlement": "split", "data": "blob", "confirmations": CONFIRMATIONS, "epoch_wait": 1.0}
        node = NodeProcess(folder, endpoint.url, path, **settings).start()
        stack.callback(node.close)
        alice = Owner("alice", new_phrase(bytes(31) + b"\x02"), funded_account(2))
        people = Ruin(folder, chain, read_deployment(path), endpoint, (alice, alice))
        file, rollup = folder / "alice.json", bytes.fromhex(people.rollup[2:])
        create_wallet(file, PASSWORD, CHAIN_ID, rollup, phrase=alice.words, work=14)
        connection = Connection(node.url, l1=chain.url, l1_account=alice.account)
        wallet = stack.enter_context(SyncWallet(file, PASSWORD, connection))
        alice.address = wallet.address
        outside = folder / "outside"
        outside.mkdir()
        yield Stage(people, node, wallet, late, outside)


def test_killed_between_the_commit_in_a_blob_and_its_proof(stage: Stage) -> None:
    node, wallet = stage.node, stage.wallet
    stage.lose_proofs()
    made = [wallet.deposit("1", ETHER).action.number for _ in range(DEPOSITS)]
    # It finds all of them confirmed at its start, however slow the machine is.
    node.kill()
    stage.people.chain.mine(CONFIRMATIONS)
    node.start()
    wait_until(lambda: stage.has(1, 0))
    node.kill()
    stage.people.endpoint.heal()
    node.start()
    wait_until(lambda: stage.has(1, 1))
    for number in made:
        wallet.wait(number)
    transaction = stage.commit(1)
    [name] = transaction["blobVersionedHashes"]
    # What wallets must read is nowhere but in the blob.
    assert len(transaction["input"]) < words_length(LANES)
    answer = httpx.get(f"{node.url}/v1/blobs/{name.to_0x_hex()}")
    assert check_data(answer.content, LANES, bytes(name)).versioned_hash == bytes(name)


def test_a_stranger_proves_a_blob_from_l1_alone(stage: Stage) -> None:
    stage.lose_proofs()
    sent = stage.wallet.send("1", [Payment(stage.wallet.address, ETHER // 100)] * 2 * DEPOSITS)
    wait_until(lambda: stage.has(2, 1))
    stage.node.kill()
    assert stage.commit(2)["type"] == 3
    key = stage.folder / "key"
    key.write_text("0x" + bytes(STRANGER.key).hex())
    options = ("--beneficiary", STRANGER.address, "--database", f"sqlite:///{stage.folder / 'prover.db'}")
    done = stage.sotto("prover", "--permissionless", "--once", "--l1-key-file", str(key), *options)
    assert [proven["epoch"] for proven in done["proven"]] == [2]
    assert stage.has(2, 2)
    stage.people.endpoint.heal()
    stage.node.start()
    stage.wallet.wait(sent.number)


def test_followers_need_l1_and_anybody_who_has_the_words(stage: Stage) -> None:
    expected = stage.node.get("/v1/state")["proven"]
    stage.sotto("node", "archive", "export", str(stage.archive))
    places = {
        "early": (stage.people.chain.url,),
        "with-a-node": (stage.late.url, "--blob-node", stage.node.url),
        "with-a-beacon-node": (stage.late.url, "--beacon", stage.people.chain.url),
        "with-an-archive": (stage.late.url, "--archive-file", str(stage.archive)),
    }
    for name, (l1, *options) in places.items():
        folder = stage.folder / name
        folder.mkdir()
        follower = FollowerProcess(folder, l1, stage.people.rollup, *options)
        try:
            follower.start()
            assert follower.get("/v1/state")["proven"] == expected
        finally:
            follower.close()


class Asked(httpx.AsyncHTTPTransport):
    """Remembers what a node is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        return await super().handle_async_request(request)


async def test_restored_wallets_find_what_they_spent_in_blobs(stage: Stage, tmp_path: Path) -> None:
    rollup, expected = bytes.fromhex(stage.people.rollup[2:]), stage.wallet.balances()
    # L1 has the blobs; the node has them; nobody has, and L1 cannot judge what the node says was spent.
    for name, l1 in (("l1", stage.people.chain.url), ("node", stage.late.url), ("nobody", stage.late.url)):
        file = tmp_path / name
        create_wallet(file, PASSWORD, CHAIN_ID, rollup, phrase=stage.people.owners[0].words, work=14)
        connection = Connection(stage.node.url, l1=l1, transport=(asked := Asked()))
        async with await Wallet.open(file, PASSWORD, connection) as restored:
            if name != "node":
                restored._context.settlement = Settlement(l1, rollup)
            await restored.sync()
            found = restored.balances()
            assert found[1].available == expected[1].available
            assert bool(found[1].claimed_spent) == (name == "nobody")
            # On the way on which the wallet reaches its node, not beside it.
            assert any(path.startswith("/v1/blobs/") for path in asked.paths) == (name == "node")


def test_who_has_neither_blob_nor_archive_is_told_what_is_missing(stage: Stage) -> None:
    stage.node.kill()
    for file in stage.node.folder.glob("node.db*"):
        file.unlink()
    answer = stage.people.leave(stage.people.owners[0], stage.folder, "--show", rpc_url=stage.late.url)
    assert answer["error"]["code"] == "BlobsMissing"
    for epoch in (1, 2):
        assert stage.commit(epoch)["blobVersionedHashes"][0].to_0x_hex() in answer["error"]["message"]


@pytest.mark.parametrize("at", [-1, -12_304, 0])
def test_a_lying_archive_is_found_out(stage: Stage, tmp_path: Path, at: int) -> None:
    lying = tmp_path / "lying"
    content = bytearray(stage.archive.read_bytes())
    content[at] ^= 1
    lying.write_bytes(content)
    alice, options = stage.people.owners[0], ("--show", "--archive-file", str(lying))
    answer = stage.people.leave(alice, stage.folder, *options, rpc_url=stage.late.url)
    assert answer["error"]["code"] in ("BlobsMissing", "ArchiveInvalid")
    assert str(lying) in answer["error"]["message"]
    # It does no harm beside an honest one.
    options = (*options, "--archive-file", str(stage.archive))
    answer = stage.people.leave(alice, stage.folder, *options, rpc_url=stage.late.url)
    assert "error" not in answer or answer["error"]["code"] == "ArchiveInvalid"


def test_everything_leaves_with_an_archive_when_l1_has_no_blobs(stage: Stage) -> None:
    people, alice = stage.people, stage.people.owners[0]
    deposit_without_node(people, alice)
    people.chain.mine(FREEZE_TIME)
    assert stage.sotto("freeze")["epoch"] == 2
    receiver = "0x" + "ee" * 20
    options = ("--include-dust", "--archive-file", str(stage.archive))
    done = people.leave(alice, stage.folder, *options, receiver=receiver, rpc_url=stage.late.url)
    assert len(done["exits"]) > 1
    assert people.balance(receiver) == DEPOSITS * ETHER

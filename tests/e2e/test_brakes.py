"""An owner who turns every brake against the users: they are paid all the same, before and after the freeze.

The tests of this file share one rollup, and each goes on where the one before it ended.
"""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from eth_utils.address import to_checksum_address
from tests.faults.endpoint import Call, FaultyEndpoint, Reply, Upstream
from tests.support.chain import anvil, build_contracts, deploy
from tests.support.hostile_owner import HostileOwner, create_proposer_list
from tests.support.node import NodeProcess
from tests.support.ruin import ETHER, Owner, Ruin, answer_of

from sotto.l1.deployment import read_deployment
from sotto.protocol.keys import new_phrase
from sotto.protocol.words import Layout
from sotto.testing.chain import CHAIN_ID, funded_account
from sotto.wallet import Connection, SyncWallet, create_wallet
from sotto.wallet.errors import L1Rejected
from sotto.wallet.state import Action

pytestmark = pytest.mark.slow

FORCED_DEADLINE = 60
FREEZE_TIME = 800
PARAMETERS = {"provingWindow": 20, "forcedDeadline": FORCED_DEADLINE, "freezeTime": FREEZE_TIME}
RELATIVE = funded_account(7)
"""Pays gas, and is nobody inside."""
CLAIMANT = to_checksum_address("0x" + "c2" * 20)
HALF, QUARTER = ETHER // 2, ETHER // 4


@dataclass
class Stage:
    """Users of a rollup, its operator, and its owner.

    Attributes:
        people: alice and bob, and what L1 knows of the rollup.
        waiting: alice's withdrawal that was proven and not claimed.
        forced: her forced withdrawal that nobody has processed.
    """

    people: Ruin
    node: NodeProcess
    owner: HostileOwner
    alice: SyncWallet
    waiting: Action
    forced: Action | None = None

    @property
    def block(self) -> int:
        """The last L1 block."""
        return self.people.chain.web3.eth.block_number

    def mine_to(self, block: int) -> None:
        """Mine until a block is the last one."""
        assert block > self.block
        self.people.chain.mine(block - self.block)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Alice and bob have notes, and alice a proven withdrawal, when the owner turns."""
    build_contracts()
    folder = tmp_path_factory.mktemp("brakes")
    with contextlib.ExitStack() as stack:
        chain = stack.enter_context(anvil(folder=folder))
        endpoint = stack.enter_context(FaultyEndpoint(chain.url))
        proposers = create_proposer_list(chain, chain.web3.eth.accounts[1])
        path = deploy(chain, folder, 1, PARAMETERS, sizes=(4, 16), proposer_policy=proposers)
        deployment = read_deployment(path)
        operator = folder / "operator"
        operator.mkdir()
        # The operator builds small epochs only, which spares the tests the large proving key.
        known = json.loads(path.read_text())
        del known["contracts"]["DirectVerifier16"]
        (operator / "deployment.json").write_text(json.dumps(known))
        node = NodeProcess(operator, chain.url, operator / "deployment.json")
        stack.callback(node.close)
        node.start()
        owners = tuple(
            Owner(name, new_phrase(number.to_bytes(32)), funded_account(number))
            for name, number in (("alice", 2), ("bob", 3))
        )
        wallets = []
        for person in owners:
            file = folder / f"{person.name}.json"
            rollup = bytes.fromhex(deployment.address("Rollup")[2:])
            create_wallet(file, "brakes", CHAIN_ID, rollup, phrase=person.words, work=14)
            connection = Connection(node.url, l1=chain.url, l1_account=person.account)
            wallets.append(stack.enter_context(SyncWallet(file, "brakes", connection)))
        alice, bob = wallets
        deposits = [
            (wallet, wallet.deposit("1", value).action)
            for wallet, value in ((alice, 2 * ETHER), (bob, HALF), (alice, ETHER))
        ]
        for wallet, action in deposits:
            wallet.wait(action.number)
        alice.wait(alice.withdraw("1", HALF, CLAIMANT).number)
        (waiting,) = alice.claimable()
        people = Ruin(folder, chain, deployment, endpoint, (owners[0], owners[1]))
        yield Stage(people, node, HostileOwner(chain, deployment, proposers), alice, waiting)


def test_all_brakes_at_once_leave_claims_and_forced_transactions(stage: Stage) -> None:
    owner, alice, people = stage.owner, stage.alice, stage.people
    small, large = (people.deployment.verifiers()[Layout(lanes)] for lanes in (4, 16))
    operator = people.chain.web3.eth.accounts[1]
    assert owner.send(owner.proposers.functions.setProposer(operator, False)) is None
    assert owner.pause() == (None, None)
    assert owner.send(owner.bridge.functions.setCap(1, 0)) is None
    assert owner.schedule(small, False) is None
    # There is no more to be had.
    assert owner.pause() == ("PauseTooSoon", "PauseTooSoon")
    assert owner.schedule(large, False) == "NoVerifierLeft"

    with pytest.raises(L1Rejected, match="DepositsArePaused"):
        alice.deposit("1", ETHER)
    assert alice.claim(stage.waiting) is not None
    assert people.balance(CLAIMANT) == HALF
    stage.forced = alice.withdraw("1", QUARTER, CLAIMANT, force=True)
    assert stage.forced.queue_index == 3
    assert stage.block <= owner.paused_until()


def test_anybody_processes_overdue_items_though_all_is_paused(stage: Stage, tmp_path: Path) -> None:
    owner, alice, people = stage.owner, stage.alice, stage.people
    # The operator obeys: it is not listed, and its epoch would not be taken.
    stage.node.kill()
    proven = owner.rollup.functions.status().call()[1]
    command = ("process-overdue", "--database", f"sqlite:///{tmp_path / 'overdue.db'}")
    assert people.sotto(*command, home=tmp_path, key=RELATIVE)["error"]["code"] == "NothingOverdue"
    people.chain.mine(FORCED_DEADLINE)
    [processed] = people.sotto(*command, home=tmp_path, key=RELATIVE)["processed"]
    assert (processed["epoch"], processed["start"], processed["end"]) == (proven + 1, 3, 4)
    # The operator's epoch of the same item is void, and it serves wallets as before.
    stage.node.start()
    assert stage.forced is not None
    alice.wait(stage.forced.number)
    (waiting,) = alice.claimable()
    assert alice.claim(waiting) is not None
    assert people.balance(CLAIMANT) == HALF + QUARTER
    assert stage.block <= owner.paused_until()


def test_freeze_comes_in_spite_of_pause_and_pending_switch(stage: Stage, tmp_path: Path) -> None:
    owner, alice, people = stage.owner, stage.alice, stage.people
    small = people.deployment.verifiers()[Layout(4)]
    alice.sync()
    people.notes = {"alice": {1: alice.balances()[1].available}, "bob": {1: HALF}}
    people.forced = alice.withdraw("1", QUARTER, CLAIMANT, force=True).queue_index or 0
    queued = stage.block
    stage.node.kill()
    for file in stage.node.folder.glob("node.db*"):
        file.unlink()
    # The next pause comes as soon as it may, and lies over the block in which the rollup may be frozen.
    last_pause = owner.rollup.functions.lastPause().call()[0]
    stage.mine_to(last_pause + owner.pause_interval + 1)
    assert owner.pause() == (None, None)
    assert owner.schedule(small, False) is None
    stage.mine_to(queued + FREEZE_TIME - 1)
    assert people.sotto("freeze", home=tmp_path, key=RELATIVE)["error"]["code"] == "FreezeTooEarly"
    people.chain.mine()
    # No epoch is pending: the item in the queue is the reason.
    head, proven = owner.rollup.functions.status().call()
    assert head == proven
    answer = people.sotto("freeze", home=tmp_path, key=RELATIVE)
    assert answer["epoch"] == proven
    assert stage.block <= owner.paused_until()
    assert stage.block < owner.switched_from(small)


def test_after_the_freeze_the_owner_has_no_power(stage: Stage) -> None:
    owner, people = stage.owner, stage.people
    members = list(people.deployment.verifiers().values())
    tried = owner.all_powers(people.token, members)
    assert tried == dict.fromkeys(tried, "RollupFrozen")
    assert len(tried) == 6 + 2 * len(members)
    # What is left is a list that nobody asks any more, and an ownership of nothing.
    operator = people.chain.web3.eth.accounts[1]
    assert owner.send(owner.proposers.functions.setProposer(operator, True)) is None
    assert owner.send(owner.bridge.functions.transferOwnership(operator)) is None
    assert stage.block <= owner.paused_until()


class KilledAt:
    """SIGKILL for a process in the moment in which its first transaction is sent.

    Args:
        taken: whether L1 has the transaction by then.
    """

    def __init__(self, taken: bool) -> None:
        self._taken = taken
        self.process: subprocess.Popen[str] | None = None

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if call["method"] != "eth_sendRawTransaction":
            return await upstream(call)
        if self._taken:
            await upstream(call)
        assert self.process is not None
        self.process.kill()
        return None


class Waiting:
    """Passes everything on, and tells when somebody asks for transactions that are in no block."""

    def __init__(self) -> None:
        self.asked = Event()

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if call["method"] == "eth_getTransactionCount" and call["params"][1] == "pending":
            self.asked.set()
        return await upstream(call)


def test_exits_pay_once_while_paused_though_they_are_killed(stage: Stage, tmp_path: Path) -> None:
    people, (alice, bob) = stage.people, stage.people.owners
    receiver = "0x" + "a2" * 20
    through = {"receiver": receiver, "rpc_url": people.endpoint.url}
    # After the proofs, before L1 hears of them.
    _kill(people, alice, tmp_path / "proven", KilledAt(taken=False), through)
    assert people.balance(receiver) == 0
    # After L1 has the transaction, but no block.
    people.chain.request("evm_setAutomine", [False])
    nonce = people.chain.web3.eth.get_transaction_count(alice.account.address)
    _kill(people, alice, tmp_path / "sent", KilledAt(taken=True), through)
    assert people.balance(receiver) == 0
    again = Waiting()
    people.endpoint.disturb(again)
    process = people.leaving(alice, tmp_path / "again", **through)
    assert again.asked.wait(120)
    people.chain.request("evm_setAutomine", [True])
    people.chain.mine()
    done = answer_of(process)
    people.endpoint.heal()
    assert done["exits"] == []
    assert done["pulled_back"] == [people.forced]
    assert people.balance(receiver) == people.notes["alice"][1]
    # One for all notes, and one for the item of the queue.
    assert people.chain.web3.eth.get_transaction_count(alice.account.address) == nonce + 2
    done = people.leave(bob, tmp_path / "bob", receiver="0x" + "b2" * 20)
    assert len(done["exits"]) == 1
    assert people.balance("0x" + "b2" * 20) == HALF
    # Nothing is owed any more but the operators' fees; there were none.
    assert stage.owner.bridge.functions.assets(1).call()[0] == people.balance(stage.owner.bridge.address)
    assert stage.block <= stage.owner.paused_until()
    assert stage.block < stage.owner.switched_from(people.deployment.verifiers()[Layout(4)])


def _kill(people: Ruin, owner: Owner, home: Path, moment: KilledAt, through: dict[str, str]) -> None:
    people.endpoint.disturb(moment)
    moment.process = people.leaving(owner, home, **through)
    assert moment.process.wait(300) == -9
    moment.process.communicate()
    people.endpoint.heal()

"""Every operator is gone: users freeze the rollup and leave, each with what is theirs, once.

The tests of this file share one rollup, and each goes on where the one before it ended.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

import pytest
from tests.faults.endpoint import Call, LostAnswers, Reply, Upstream
from tests.support.ruin import CLAIMANT, DOLLAR, ETHER, FREEZE_TIME, QUEUED, Owner, Ruin, open_ruin
from web3 import AsyncHTTPProvider, AsyncWeb3

from sotto.l1.bridge import BridgeContract
from sotto.l1.errors import ContractRejected
from sotto.l1.exit import ExitContract
from sotto.l1.history import History
from sotto.l1.queue import L1QueueContract
from sotto.l1.sender import Sender
from sotto.protocol.errors import ValueOnRing
from sotto.protocol.field import MODULUS
from sotto.protocol.keys import derive, seed_from_phrase
from sotto.testing.chain import funded_account
from sotto.wallet.leaving import ExitMaker, ExitOptions
from sotto.wallet.recovery import recover

pytestmark = pytest.mark.slow

RELATIVE = funded_account(7)
"""Pays gas, and is nobody inside."""

T = TypeVar("T")


@pytest.fixture(scope="module")
def ruin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruin]:
    """A rollup without operators."""
    with open_ruin(tmp_path_factory.mktemp("ruin")) as found:
        yield found


def on_l1(ruin: Ruin, action: Callable[[AsyncWeb3[Any]], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine with a connection of its own."""

    async def connected() -> T:
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(ruin.chain.url))
        try:
            return await action(web3)
        finally:
            await web3.provider.disconnect()

    return asyncio.run(connected())


def test_before_its_time_nobody_ends_a_rollup(ruin: Ruin, tmp_path: Path) -> None:
    for owner in ruin.owners:
        answer = ruin.leave(owner, tmp_path / owner.name)
        assert answer["error"]["code"] == "RollupNotFrozen"
        assert "L1 block" in answer["error"]["message"]
    answer = ruin.sotto("freeze", home=tmp_path, key=RELATIVE)
    assert answer["error"]["code"] == "FreezeTooEarly"
    shown = ruin.leave(ruin.owners[0], tmp_path / "shown", "--show")
    assert (shown["frozen"], shown["queued"]) == (False, [ruin.forced, ruin.forced + 1])


def test_anybody_ends_it_when_an_epoch_waits_for_too_long(ruin: Ruin, tmp_path: Path) -> None:
    ruin.chain.mine(FREEZE_TIME)
    answer = ruin.sotto("freeze", home=tmp_path, key=RELATIVE)
    assert answer["epoch"] == ruin.proven
    answer = ruin.sotto("freeze", home=tmp_path, key=RELATIVE)
    assert answer["error"]["code"] == "RollupAlreadyFrozen"


class Liar:
    """An archive that changes what it shows. `change` gets a result that is no error, and its method."""

    def __init__(self, change: Callable[[str, Any], Any]) -> None:
        self._change = change

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        answer = json.loads((await upstream(call)).body)
        if answer.get("result") is not None:
            answer["result"] = self._change(call["method"], answer["result"])
        return Reply(json.dumps(answer).encode())


def changed_words(method: str, result: Any) -> Any:
    if method == "eth_getTransactionByHash" and len(result["input"]) > 4_000:
        # In the middle of the words.
        at = 3_000
        digit = "0" if result["input"][at] != "0" else "1"
        return {**result, "input": result["input"][:at] + digit + result["input"][at + 1 :]}
    return result


def other_commit(method: str, result: Any) -> Any:
    return {**result, "input": "0x"} if method == "eth_getTransactionByHash" else result


def changed_ciphertext(method: str, result: Any) -> Any:
    if method != "eth_getLogs":
        return result
    return [
        # Those of deposits are shorter than those of commits.
        {**log, "data": log["data"][:-80] + "ab" * 8 + log["data"][-64:]}
        if 100 < len(log["data"]) < 700
        else log
        for log in result
    ]


def garbage(method: str, result: Any) -> Any:
    return [{**log, "data": "0xgarbage"} for log in result] if method == "eth_getLogs" else result


def no_logs(method: str, result: Any) -> Any:
    return [] if method == "eth_getLogs" else result


def last_log_missing(method: str, result: Any) -> Any:
    return result[:-1] if method == "eth_getLogs" else result


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (changed_words, "HistoryMismatch"),
        (other_commit, "HistoryMismatch"),
        (changed_ciphertext, "HistoryMismatch"),
        (garbage, "HistoryMismatch"),
        (no_logs, "HistoryIncomplete"),
        (last_log_missing, "HistoryIncomplete"),
    ],
)
def test_lying_archive_is_found_out(
    ruin: Ruin, tmp_path: Path, lie: Callable[[str, Any], Any], code: str
) -> None:
    ruin.endpoint.disturb(Liar(lie))
    answer = ruin.leave(ruin.owners[0], tmp_path / "home", "--show", "--archive", ruin.endpoint.url)
    ruin.endpoint.heal()
    assert answer["error"]["code"] == code


def test_no_proof_takes_a_note_that_is_not_there(ruin: Ruin) -> None:
    """Exits against an old state, with an old record, of spent notes, and of notes in a void epoch."""
    alice = ruin.owners[0]

    async def try_all(web3: AsyncWeb3[Any]) -> None:
        rollup = bytes.fromhex(ruin.rollup[2:])
        history, earlier = await History.open(web3, rollup), await History.open(web3, rollup)
        earlier.proven = 1
        keys = derive(seed_from_phrase(alice.words), history.domain)
        now = await recover(history, keys.viewing)
        before = await recover(earlier, keys.viewing)
        spent = [note for note in before.notes if note.commitment not in {n.commitment for n in now.notes}]
        assert spent
        bridge = BridgeContract(web3, await history.rollup.bridge())
        contract = ExitContract(web3, await bridge.exit())
        sender = Sender(web3, RELATIVE)

        async def refused(transaction: Any) -> str:
            with pytest.raises(ContractRejected) as caught:
                await sender.sign(transaction, await sender.next_nonce())
            return caught.value.name

        options = ExitOptions(int(RELATIVE.address, 16))
        old = ExitMaker(keys.viewing, [keys.account_seed], before.state)
        leaving = await old.prove(spent[0], options)
        assert await refused(contract.exit(before.record, leaving)) == "NotFinal"
        assert await refused(contract.exit(now.record, leaving)) == "ProofInvalid"
        # In the final state the note is spent: no proof exists.
        maker = ExitMaker(keys.viewing, [keys.account_seed], now.state)
        with pytest.raises(ValueOnRing):
            await maker.prove(spent[0], options)
        # What a proof says cannot be changed by who carries it.
        leaving = await maker.prove(now.notes[0], options)
        stolen = bytes.fromhex(funded_account(8).address[2:])
        for change in (
            {"recipient": stolen},
            {"executor": stolen, "fee": 1},
            {"value": leaving.value + 1},
            {"nullifier": leaving.nullifier + 1},
            {"asset": 3 - leaving.asset},
        ):
            changed = replace(leaving, **change)
            assert await refused(contract.exit(now.record, changed)) == "ProofInvalid"
            assert await refused(contract.exit_many(now.record, [leaving, changed])) == "ProofInvalid"
        canonical = replace(leaving, nullifier=leaving.nullifier + MODULUS)
        assert await refused(contract.exit(now.record, canonical)) == "NonCanonicalField"

    on_l1(ruin, try_all)


def test_owner_leaves_from_an_empty_folder_though_the_answer_is_lost(ruin: Ruin, tmp_path: Path) -> None:
    alice = ruin.owners[0]
    receiver = "0x" + "a1" * 20
    before, fee = ruin.balance(alice.account.address), on_l1(ruin, lambda web3: queue_fee(ruin, web3))
    assert fee > 0
    # L1 takes the transactions, and the command does not learn it.
    ruin.endpoint.disturb(LostAnswers(Random(1), 0.0))
    failed = ruin.leave(alice, tmp_path / "a", receiver=receiver, key=RELATIVE, rpc_url=ruin.endpoint.url)
    assert failed["error"]["code"] == "L1Unavailable"
    ruin.endpoint.heal()
    done = ruin.leave(alice, tmp_path / "b", receiver=receiver)
    assert done["exits"] == []
    assert len(done["claims"]) == 1
    assert ruin.balance(receiver) == ruin.notes["alice"][1]
    assert ruin.tokens(receiver) == ruin.notes["alice"][2] == 500 * DOLLAR
    # The withdrawal that was proven, to whom it named, and not the one that was forced and never processed;
    # the deposit that nobody took and the fee of the forced transaction, to who paid them.
    assert (ruin.balance(CLAIMANT), ruin.tokens(CLAIMANT)) == (ruin.claim, 0)
    assert done["pulled_back"] == [ruin.forced, ruin.forced + 1]
    gas = sum(paid(ruin, digest) for digest in done["l1_txs"])
    assert ruin.balance(alice.account.address) == before + QUEUED + fee - gas


async def queue_fee(ruin: Ruin, web3: AsyncWeb3[Any]) -> int:
    """Wei that alice's forced transaction has brought."""
    return await L1QueueContract(web3, ruin.deployment.address("L1Queue")).fees_of([ruin.forced])


def paid(ruin: Ruin, digest: str) -> int:
    """Wei that a transaction cost."""
    receipt = ruin.chain.web3.eth.get_transaction_receipt(cast(Any, digest))
    return int(receipt["gasUsed"] * receipt["effectiveGasPrice"])


class Overtaken:
    """Somebody else acts just before the first transaction of whoever uses the endpoint."""

    def __init__(self, act: Callable[[], dict[str, Any]]) -> None:
        self._act = act
        self.answers: list[dict[str, Any]] = []

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if call["method"] == "eth_estimateGas" and not self.answers:
            self.answers.append(await asyncio.to_thread(self._act))
        return await upstream(call)


def test_executor_takes_another_out_for_a_fee(ruin: Ruin, tmp_path: Path) -> None:
    bob, executor = ruin.owners[1], funded_account(9)
    receiver, file = "0x" + "b0" * 20, tmp_path / "exits.json"
    options = ("--out", str(file), "--executor", executor.address, "--executor-fee", "1")
    made = ruin.leave(bob, tmp_path / "bob", *options, receiver=receiver)
    assert made["exits"] == 1
    before = ruin.balance(executor.address)
    # Bob tries by himself at the same time: his note has left, whoever took it out.
    overtaken = Overtaken(lambda: ruin.sotto("exit", "--submit", str(file), home=tmp_path, key=executor))
    ruin.endpoint.disturb(overtaken)
    own = ruin.leave(bob, tmp_path / "bob", receiver=receiver, rpc_url=ruin.endpoint.url)
    ruin.endpoint.heal()
    assert (own["exits"], len(own["left_before"]), own["refused"]) == ([], 1, [])
    [done] = overtaken.answers
    assert len(done["paid"]) == 1
    # Nothing of the payment in the void epoch.
    assert ruin.notes["bob"] == {1: ETHER}
    assert ruin.balance(receiver) == ETHER - ETHER // 100
    gas = sum(paid(ruin, digest) for digest in done["l1_txs"])
    assert ruin.balance(executor.address) == before + ETHER // 100 - gas
    again = ruin.sotto("exit", "--submit", str(file), home=tmp_path, key=executor)
    assert (again["paid"], again["l1_txs"]) == ([], [])


def test_twice_pays_nothing_more(ruin: Ruin, tmp_path: Path) -> None:
    for owner in ruin.owners:
        done = ruin.leave(owner, tmp_path / owner.name, "--include-dust", receiver="0x" + "dd" * 20)
        assert (done["exits"], done["claims"], done["pulled_back"], done["l1_txs"]) == ([], [], [], [])
        assert len(done["left_before"]) == len(owned(ruin, owner))
    assert ruin.balance("0x" + "dd" * 20) == 0
    # What is left of the books are the operators' fees.
    bridge = ruin.deployment.address("Bridge")

    async def liabilities(web3: AsyncWeb3[Any]) -> tuple[int, int]:
        contract = BridgeContract(web3, bridge)
        return (await contract.asset(1)).liabilities, (await contract.asset(2)).liabilities

    ether, tokens = on_l1(ruin, liabilities)
    assert tokens == ruin.tokens(bridge) == 0
    assert ether == ruin.balance(bridge)
    inside = 5 * ETHER - sum(notes[1] for notes in ruin.notes.values()) - ruin.claim
    assert ether == inside


def owned(ruin: Ruin, owner: Owner) -> list[Any]:
    """The notes that an owner's seed finds."""

    async def find(web3: AsyncWeb3[Any]) -> list[Any]:
        history = await History.open(web3, bytes.fromhex(ruin.rollup[2:]))
        keys = derive(seed_from_phrase(owner.words), history.domain)
        return list((await recover(history, keys.viewing)).notes)

    return on_l1(ruin, find)

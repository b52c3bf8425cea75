"""Contract classes, sender and watcher against a real chain."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hexbytes import HexBytes
from tests.integration.node.conftest import Stage
from tests.support.chain import KEYS
from tests.support.node import wait_until
from web3.types import TxParams, Wei

from sotto.l1.bridge import BridgeContract
from sotto.l1.deployment import read_deployment
from sotto.l1.errors import (
    ContractRejected,
    DeploymentInvalid,
    L1Unavailable,
    ReorgTooDeep,
    TransactionReverted,
    TransactionTimeout,
)
from sotto.l1.events import ReceivedCommit, ReceivedDeposit
from sotto.l1.queue import L1QueueContract
from sotto.l1.rollup import RollupContract
from sotto.l1.sender import Sender, SignedTransaction
from sotto.l1.watcher import BlockAdded, BlockHead, Change, RolledBack, Watcher
from sotto.protocol.l1 import QueueItem, deposit_item, genesis_record


def watcher_of(web3: Any, stage: Stage, known: list[BlockHead]) -> Watcher:
    """A watcher from genesis, or from known blocks on."""
    deployment = read_deployment(stage.deployment)
    queue = L1QueueContract(web3, deployment.address("L1Queue"))
    rollup = RollupContract(web3, deployment.address("Rollup"))
    return Watcher(web3, {queue.address: queue.decode, rollup.address: rollup.decode}, 0, known)


def changes(stage: Stage, known: list[BlockHead]) -> list[Change]:
    """All changes since the known blocks, which are kept up to date."""

    async def read(web3: Any) -> list[Change]:
        return [change async for change in watcher_of(web3, stage, known).changes()]

    found: list[Change] = stage.run(read)
    for change in found:
        match change:
            case BlockAdded():
                known.append(change.head)
            case RolledBack():
                known[:] = [head for head in known if head.number <= change.number]
    return found


def deposits_of(found: list[Change]) -> list[ReceivedDeposit]:
    """Deposits among the changes' events."""
    added = [change for change in found if isinstance(change, BlockAdded)]
    return [event for change in added for event in change.events if isinstance(event, ReceivedDeposit)]


def test_reads_genesis_and_deposits_as_the_contracts_store_them(stage: Stage) -> None:
    queued = stage.scenario.deposit(stage.scenario.users[0], 10**15)
    stage.deposit(queued)
    found = changes(stage, [])
    events = [event for change in found if isinstance(change, BlockAdded) for event in change.events]
    commit, deposit = events
    assert isinstance(commit, ReceivedCommit)
    assert commit.record == genesis_record(commit.position.block_number)
    assert commit.record.hash() == commit.record_hash
    assert isinstance(deposit, ReceivedDeposit)
    assert (deposit.index, deposit.value, deposit.partial) == (0, 10**15, queued.deposit.partial)
    item: QueueItem = deposit_item(queued.deposit, deposit.depositor, deposit.ciphertext)
    queue = read_deployment(stage.deployment).address("L1Queue")
    slot = stage.run(lambda web3: L1QueueContract(web3, queue).item(0))
    assert slot == (item.digest(), deposit.position.block_number)


def test_reports_a_reorganisation_before_the_new_blocks(stage: Stage) -> None:
    users, known = stage.scenario.users, list[BlockHead]()
    changes(stage, known)
    snapshot = stage.chain.request("evm_snapshot", [])
    stage.deposit(stage.scenario.deposit(users[0], 111))
    stage.chain.mine(3)
    assert [event.value for event in deposits_of(changes(stage, known))] == [111]
    stage.chain.request("evm_revert", [snapshot])
    stage.chain.mine(1)
    stage.deposit(stage.scenario.deposit(users[0], 222))
    fork = known[-5].number
    found = changes(stage, known)
    assert found[0] == RolledBack(fork)
    assert [event.value for event in deposits_of(found)] == [222]
    assert changes(stage, known) == []


def test_reads_a_long_way_in_few_questions(stage: Stage) -> None:
    stage.deposit(stage.scenario.deposit(stage.scenario.users[0], 5))
    stage.chain.mine(800)
    stage.deposit(stage.scenario.deposit(stage.scenario.users[0], 6))
    found = changes(stage, [])
    assert len(found) < 270
    assert [event.value for event in deposits_of(found)] == [5, 6]


def test_stops_when_no_known_block_is_left(stage: Stage) -> None:
    with pytest.raises(ReorgTooDeep):
        changes(stage, [BlockHead(1, b"\x01" * 32), BlockHead(2, b"\x02" * 32)])


def test_a_revert_has_the_name_and_arguments_of_the_contracts_error(stage: Stage) -> None:
    bridge = read_deployment(stage.deployment).address("Bridge")

    async def send(web3: Any, value: int, ciphertext: bytes, gas: int | None = None) -> None:
        transaction = BridgeContract(web3, bridge).deposit_eth(value, 5, ciphertext)
        sender = Sender(web3, Account.from_key(KEYS[2]))
        if gas is None:
            await sender.send(transaction)
            return
        # Past the estimate, as a transaction that fails only in its block.
        hash_ = await web3.eth.send_transaction({**transaction, "from": sender.address, "gas": gas})
        await sender.confirm(SignedTransaction(b"", bytes(hash_), 0))

    with pytest.raises(ContractRejected) as short:
        stage.run(lambda web3: send(web3, 1, b"\x01" * 92))
    assert (short.value.name, short.value.arguments) == ("WrongCiphertextLength", (93, 92))
    with pytest.raises(ContractRejected, match="ZeroValue"):
        stage.run(lambda web3: send(web3, 0, b"\x01" * 93))
    with pytest.raises(TransactionReverted, match="ZeroValue"):
        stage.run(lambda web3: send(web3, 0, b"\x01" * 93, gas=300_000))
    queue = read_deployment(stage.deployment).address("L1Queue")
    with pytest.raises(ContractRejected, match=r"NoSuchItem\(0, 0\)"):
        stage.run(lambda web3: L1QueueContract(web3, queue).item(0))


def test_an_unreachable_l1_is_told_from_a_refusing_contract(stage: Stage) -> None:
    rollup = read_deployment(stage.deployment).address("Rollup")

    async def ask(web3: Any) -> None:
        web3.provider.endpoint_uri = "http://127.0.0.1:1"
        await RollupContract(web3, rollup).domain()

    with pytest.raises(L1Unavailable):
        stage.run(ask)


def test_views_name_what_they_return(stage: Stage) -> None:
    deployment = read_deployment(stage.deployment)
    stage.deposit(stage.scenario.deposit(stage.scenario.users[0], 777))

    async def ask(web3: Any) -> None:
        rollup = RollupContract(web3, deployment.address("Rollup"))
        assert await rollup.bridge() == deployment.address("Bridge")
        assert await rollup.queue() == deployment.address("L1Queue")
        eth = await BridgeContract(web3, await rollup.bridge()).asset(1)
        assert (eth.liabilities, eth.cap, int(eth.token, 16)) == (777, 10**27, 0)

    stage.run(ask)


def test_malformed_deployment_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.json"
    with pytest.raises(DeploymentInvalid, match="ape run deploy"):
        read_deployment(path)
    for content in (
        "{",
        "[]",
        json.dumps({"chain_id": 1, "contracts": {"Rollup": {"address": "0x12", "block": 1}}}),
    ):
        path.write_text(content)
        with pytest.raises(DeploymentInvalid):
            read_deployment(path)


def test_what_a_client_lost_is_sent_again(stage: Stage) -> None:
    chain = stage.chain

    async def send(sender: Sender, nonce: int) -> None:
        signed = await sender.sign({"to": sender.address, "value": Wei(1)}, nonce)
        await sender.broadcast(signed)
        waiting = asyncio.create_task(sender.confirm(signed, 30))
        assert chain.request("anvil_dropTransaction", ["0x" + signed.hash.hex()])
        assert chain.request("txpool_status", [])["pending"] == "0x0"
        await asyncio.to_thread(wait_until, lambda: chain.request("txpool_status", [])["pending"] != "0x0")
        # While it waits in the pool it is known already.
        await asyncio.sleep(1)
        chain.mine()
        assert (await waiting)["status"] == 1
        other = await sender.sign({"to": sender.address, "value": Wei(2)}, nonce + 1)
        with pytest.raises(TransactionTimeout):
            await sender.confirm(other, 1.2)

    without_blocks(stage, send, resend_seconds=0.5)


CALL: TxParams = {"to": "0x" + "11" * 20, "data": b"", "value": Wei(1)}  # type: ignore[typeddict-item]
OTHER_CALL: TxParams = {**CALL, "value": Wei(2)}
PATIENCE = 0.5


def without_blocks(stage: Stage, act: Callable[[Sender, int], Awaitable[None]], **options: float) -> None:
    """Let an account act, given its sender and next nonce, while no block comes by itself."""
    stage.chain.request("evm_setAutomine", [False])

    async def with_sender(web3: Any) -> None:
        sender = Sender(web3, Account.from_key(KEYS[2]), **options)
        await act(sender, await sender.next_nonce())

    stage.run(with_sender)


def set_base_fee(stage: Stage, fee: int) -> None:
    """Let the last block have a base fee, in wei."""
    stage.chain.request("anvil_setNextBlockBaseFeePerGas", [hex(fee)])
    stage.chain.mine()


async def send_in_vain(sender: Sender, call: TxParams) -> None:
    """Send what no block takes."""
    with pytest.raises(TransactionTimeout):
        await sender.send(call, PATIENCE)


def in_pool(stage: Stage, sender: Sender) -> dict[int, SignedTransaction]:
    """An account's transactions in the pool by nonce."""
    content = stage.chain.request("txpool_content", [])
    own = [each for part in content.values() for each in part.get(sender.address.lower(), {}).items()]
    found = {}
    for nonce, transaction in sorted(own, key=lambda each: int(each[0])):
        raw = stage.chain.request("eth_getRawTransactionByHash", [transaction["hash"]])
        found[int(nonce)] = SignedTransaction(HexBytes(raw), HexBytes(transaction["hash"]), int(nonce))
    return found


def drop(stage: Stage, signed: SignedTransaction) -> None:
    """Let the pool forget a transaction."""
    assert stage.chain.request("anvil_dropTransaction", ["0x" + signed.hash.hex()])


def test_a_call_that_is_sent_again_keeps_its_nonce_and_is_outbid_when_outpriced(stage: Stage) -> None:
    chain = stage.chain

    async def send(sender: Sender, nonce: int) -> None:
        await send_in_vain(sender, CALL)
        first = in_pool(stage, sender)
        assert list(first) == [nonce]
        await send_in_vain(sender, CALL)
        assert in_pool(stage, sender) == first

        set_base_fee(stage, 10**12)
        await send_in_vain(sender, CALL)
        second = in_pool(stage, sender)
        assert list(second) == [nonce]
        assert second != first
        chain.mine()
        receipt = await sender.send(CALL, PATIENCE)
        assert (receipt["status"], receipt["transactionHash"]) == (1, second[nonce].hash)
        assert (await sender.next_nonce(), in_pool(stage, sender)) == (nonce + 1, {})
        # It has had its effect: the same call is another one now.
        await send_in_vain(sender, CALL)
        assert list(in_pool(stage, sender)) == [nonce + 1]

    without_blocks(stage, send)


def test_an_outbid_transaction_that_a_block_takes_all_the_same_counts(stage: Stage) -> None:
    chain = stage.chain

    async def send(sender: Sender, nonce: int) -> None:
        await send_in_vain(sender, CALL)
        first = in_pool(stage, sender)[nonce]
        set_base_fee(stage, 10**12)
        await send_in_vain(sender, CALL)
        # The client that makes the next block has not heard of the second.
        drop(stage, in_pool(stage, sender)[nonce])
        set_base_fee(stage, 10**9)
        await sender.broadcast(first)
        chain.mine()
        receipt = await sender.send(CALL, PATIENCE)
        assert (receipt["status"], receipt["transactionHash"]) == (1, first.hash)
        assert (await sender.next_nonce(), in_pool(stage, sender)) == (nonce + 1, {})

    without_blocks(stage, send)


def test_a_remembered_call_ends_when_it_reverts_or_its_nonce_is_another_transactions(stage: Stage) -> None:
    chain = stage.chain

    async def send(sender: Sender, nonce: int) -> None:
        await send_in_vain(sender, CALL)
        # PUSH0, PUSH0, REVERT.
        chain.request("anvil_setCode", [CALL["to"], "0x5f5ffd"])
        chain.mine()
        with pytest.raises(TransactionReverted):
            await sender.send(CALL, PATIENCE)
        chain.request("anvil_setCode", [CALL["to"], "0x"])

        await send_in_vain(sender, CALL)
        drop(stage, in_pool(stage, sender)[nonce + 1])
        await sender.broadcast(await sender.sign(OTHER_CALL, nonce + 1))
        chain.mine()
        await send_in_vain(sender, CALL)
        assert list(in_pool(stage, sender)) == [nonce + 2]

    without_blocks(stage, send)


def test_another_call_waits_behind_a_stuck_one_or_takes_its_nonce(stage: Stage) -> None:
    chain = stage.chain

    async def send(sender: Sender, nonce: int) -> None:
        await send_in_vain(sender, CALL)
        stuck = in_pool(stage, sender)[nonce]
        await send_in_vain(sender, OTHER_CALL)
        behind = in_pool(stage, sender)
        assert list(behind) == [nonce, nonce + 1]
        third: TxParams = {**CALL, "value": Wei(3)}
        with pytest.raises(TransactionTimeout):
            await sender.send(third, PATIENCE, instead_of=stuck)
        replacement = in_pool(stage, sender)[nonce]
        assert in_pool(stage, sender) == {nonce: replacement, nonce + 1: behind[nonce + 1]}
        assert replacement != stuck
        chain.mine()
        assert (await sender.send(third, PATIENCE))["transactionHash"] == replacement.hash

    without_blocks(stage, send)

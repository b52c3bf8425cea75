"""Calls that are cancelled in the middle: nothing is paid twice, and nothing waits for ever."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import CHAIN_ID, ETHER, PASSWORD, PRICE, ROLLUP, WORK, RecordedNode

from sotto.wallet import Connection, Payment, SyncWallet, Wallet, create_wallet
from sotto.wallet.errors import WalletInUse
from sotto.wallet.state import ActionStatus


class HangingProver:
    """Says when it was asked for a proof, and never has it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def prove(self, _witness: dict[str, object]) -> bytes:
        """Does not return."""
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError


class HangingAnswer(httpx.AsyncBaseTransport):
    """Carries transactions to the node, whose answer does not come back."""

    def __init__(self, node: RecordedNode) -> None:
        self._transport = node.transport()
        self.submitted = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        response = await self._transport.handle_async_request(request)
        if request.method == "POST":
            self.submitted.set()
            await asyncio.Event().wait()
        return response


async def first_of(task: "asyncio.Task[Any]", event: asyncio.Event) -> None:
    """Wait for the event; a task that ends before shows its error."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        raise AssertionError(f"it ended: {await task}")


async def funded(node: RecordedNode, wallet: Wallet) -> None:
    node.deposit(wallet.address, ETHER)
    node.close(4)
    await wallet.sync()


async def test_payment_cancelled_while_proving_is_dropped(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet("alice")
    await funded(node, alice)
    prover: Any = HangingProver()
    prover, alice._context.prover = alice._context.prover, prover
    task = asyncio.create_task(alice.send("ETH", [Payment(alice.address, 1)]))
    await first_of(task, alice._context.prover.asked)  # type: ignore[attr-defined]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    action = alice.history()[-1]
    assert (action.status, action.cause) == (ActionStatus.DROPPED, "interrupted before it was sent")
    assert alice.balances()[1].available == ETHER
    alice._context.prover = prover
    await alice.send("ETH", [Payment(alice.address, 1)])
    assert alice.balances()[1].pending_out == PRICE


async def test_payment_cancelled_while_sending_is_settled_by_sync(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice)
    transport = HangingAnswer(node)
    client, alice._context.client = alice._context.client, type(alice._context.client)("http://n", transport)
    task = asyncio.create_task(alice.send("ETH", [Payment(bob.address, 5)]))
    await first_of(task, transport.submitted)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await alice._context.client.close()
    alice._context.client = client
    assert alice.history()[-1].status == ActionStatus.PENDING
    assert alice.balances()[1].available == 0
    await alice.sync()
    node.close(4)
    await alice.sync()
    await bob.sync()
    assert [a.status for a in alice.history()] == [ActionStatus.PROVEN] * 2
    assert bob.balances()[1].available == 5
    assert alice.balances()[1].available == ETHER - 5 - PRICE


async def test_tasks_that_pay_at_once_share_no_note(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    node.deposit(alice.address, ETHER)
    await funded(node, alice)
    await asyncio.gather(*(alice.send("ETH", [Payment(bob.address, 7)]) for _ in range(3)))
    node.close(16)
    await bob.sync()
    assert bob.balances()[1].available == 21


async def test_closing_twice_does_nothing(open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    await alice.close()
    await alice.close()


def test_sync_wallet_closes_once_and_frees_its_file(node: RecordedNode, tmp_path: Path) -> None:
    path = tmp_path / "alice.json"
    create_wallet(path, PASSWORD, CHAIN_ID, ROLLUP, work=WORK)
    connection = Connection("http://node", transport=node.transport())
    with SyncWallet(path, PASSWORD, connection) as opened:
        with pytest.raises(WalletInUse):
            SyncWallet(path, PASSWORD, connection)
        opened.close()
    opened.close()
    with SyncWallet(path, PASSWORD, connection) as again:
        assert again.address == opened.address

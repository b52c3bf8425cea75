"""Batches: everybody is paid once, whatever happens in the middle."""

from typing import Any

import httpx
import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import DOMAIN, ETHER, PRICE, TOKEN, RecordedNode
from tests.unit.wallet.test_payments import available, funded

from sotto.protocol.address import Address, encode_address
from sotto.protocol.ciphertext import public_key
from sotto.protocol.field import Field
from sotto.wallet import Payment, Wallet
from sotto.wallet.batch import BatchProgress
from sotto.wallet.errors import (
    BatchUnfinished,
    BatchUnknown,
    FeeTooHigh,
    InsufficientFunds,
    InvalidAddress,
    NodeRejected,
    SubmissionUncertain,
    TransactionDropped,
    WalletLocked,
)
from sotto.wallet.state import ActionStatus


def stranger(number: int) -> str:
    """An address of nobody here."""
    return encode_address(Address(Field(1000 + number), public_key(bytes([number + 1]) * 32)), DOMAIN)


def strangers(count: int, value: int = 100) -> list[Payment]:
    """Payments to strangers."""
    return [Payment(stranger(number), value + number) for number in range(count)]


def small_epochs(node: RecordedNode) -> None:
    """Let the node have epochs of 4 lanes only, so that a bundle has room for 8 receivers."""
    node.tamper = lambda path, answer: {**answer, "lanes": [4]} if path == "/v1/status" else answer


def closing(node: RecordedNode, wallet: Wallet) -> None:
    """Close an epoch whenever a wallet waits."""
    status = wallet._context.client.status

    async def closed() -> Any:
        if len(node.pool):
            node.close()
        return await status()

    wallet._context.client.status = closed  # type: ignore[method-assign]


async def finish(wallet: Wallet, number: int) -> BatchProgress:
    """Continue until it is done."""
    while not (progress := await wallet.continue_batch(number)).finished:
        assert progress.open
    return progress


def paid(wallet: Wallet) -> list[tuple[str, int]]:
    """What a wallet has paid by its history, sorted."""
    return sorted(
        (payment.address, payment.value)
        for action in wallet.history()
        for payment in action.payments
        if action.status == ActionStatus.PROVEN and payment.address
    )


async def test_one_bundle_is_all_or_nothing(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    payments = [*strangers(6), Payment(bob.address, 77)]
    action = await alice.send("ETH", payments)
    (bundle,) = node.pool
    assert len(bundle.members) == 4
    assert action.fee == 4 * PRICE
    node.close()
    await alice.wait(action.number)
    await bob.sync()
    assert available(bob) == 77
    assert available(alice) == ETHER - sum(p.value for p in payments) - 4 * PRICE


async def test_batch_takes_several_epochs(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    small_epochs(node)
    payments = [*strangers(18), Payment(bob.address, 77)]
    plan = await alice.plan_batch("ETH", payments)
    assert [(b.receivers, b.transactions, b.fee) for b in plan.bundles] == [
        (8, 4, 4 * PRICE),
        (8, 4, 4 * PRICE),
        (3, 2, 2 * PRICE),
    ]
    number = await alice.start_batch("ETH", payments)
    assert not len(node.pool)
    closing(node, alice)
    progress = await finish(alice, number)
    assert (progress.proven, progress.pending, progress.open) == (19, 0, 0)
    await bob.sync()
    assert available(bob) == 77
    assert paid(alice) == sorted((p.address, p.value) for p in payments)
    assert available(alice) == ETHER - sum(p.value for p in payments) - plan.fee
    assert await finish(alice, number) == progress


async def test_tokens_with_the_fee_in_eth(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, 300, 900, 800, asset=TOKEN)
    await funded(node, alice, 50 * PRICE, 60 * PRICE)
    small_epochs(node)
    payments = [*strangers(9, 50), Payment(bob.address, 77)]
    plan = await alice.plan_batch("TUSD", payments)
    closing(node, alice)
    await finish(alice, await alice.start_batch("TUSD", payments))
    await bob.sync()
    assert available(bob, TOKEN) == 77
    assert available(alice, TOKEN) == 2000 - plan.value
    assert available(alice) == 110 * PRICE - plan.fee


async def test_plan_is_refused_before_anybody_is_paid(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, 2000, 8 * PRICE)
    small_epochs(node)
    with pytest.raises(InsufficientFunds):
        await alice.start_batch("ETH", strangers(17, 600))
    with pytest.raises(FeeTooHigh):
        await alice.start_batch("ETH", strangers(9), max_fee=4 * PRICE)
    with pytest.raises(InvalidAddress):
        await alice.start_batch("ETH", [*strangers(9), Payment("sotto1x", 1)])
    with pytest.raises(BatchUnknown):
        await alice.continue_batch(0)
    alice.lock()
    with pytest.raises(WalletLocked):
        await alice.start_batch("ETH", strangers(9))
    assert not alice.batches()
    assert not len(node.pool)


async def test_same_batch_twice_is_refused_until_the_first_has_ended(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    small_epochs(node)
    closing(node, alice)
    number = await alice.start_batch("ETH", strangers(9))
    await alice.continue_batch(number)
    with pytest.raises(BatchUnfinished):
        await alice.start_batch("ETH", strangers(9))
    stopped = alice.stop_batch(number)
    assert (stopped.proven, stopped.open, stopped.finished) == (8, 1, True)
    assert (await alice.continue_batch(number)).proven == 8
    again = await alice.start_batch("ETH", strangers(9))
    assert again == 1


async def test_refused_bundle_is_sent_again_with_a_note_of_the_refused_one(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, *([ETHER] * 6))
    small_epochs(node)
    number = await alice.start_batch("ETH", strangers(9))
    good = dict(node.fees)

    def dearer() -> None:
        node.fees = {1: 2 * PRICE}

    node.before_submit = dearer
    with pytest.raises(NodeRejected, match="FeeTooLow"):
        await alice.continue_batch(number)
    node.fees = good
    refused = [p.draft for p in alice._context.state.pending]
    closing(node, alice)
    progress = await finish(alice, number)
    assert progress.proven == 9
    spent = {c for n in alice._context.state.notes.values() if n.spent_epoch for c in [n.commitment]}
    assert {e.commitment for d in refused for e in d.inputs} & spent
    assert paid(alice) == sorted((p.address, p.value) for p in strangers(9))


async def test_uncertain_bundle_is_followed_not_repeated(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, *([ETHER] * 6))
    small_epochs(node)
    number = await alice.start_batch("ETH", strangers(9))

    def lost() -> None:
        raise httpx.ReadTimeout("no answer")

    node.before_submit = lost
    with pytest.raises(SubmissionUncertain):
        await alice.continue_batch(number)
    assert alice.batches()[0].pending == 8
    await alice.close()
    again = await open_wallet()
    closing(node, again)
    assert (await finish(again, number)).proven == 9
    assert paid(again) == sorted((p.address, p.value) for p in strangers(9))


async def test_dropped_bundle_is_told_and_repeated_on_demand(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    small_epochs(node)
    number = await alice.start_batch("ETH", strangers(9))
    status = alice._context.client.status

    async def dropping() -> Any:
        node.drop("FeeTooLow: it says")
        return await status()

    alice._context.client.status = dropping  # type: ignore[method-assign]
    with pytest.raises(TransactionDropped):
        await alice.continue_batch(number)
    assert alice.batches()[0].open == 9
    alice._context.client.status = status  # type: ignore[method-assign]
    closing(node, alice)
    assert (await finish(alice, number)).proven == 9
    assert paid(alice) == sorted((p.address, p.value) for p in strangers(9))


async def test_lost_epoch_leaves_its_payments_on_their_way(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    """L1 loses the epoch: the payments are sent again by themselves, and nobody is paid by a second one."""
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    small_epochs(node)
    payments = [*strangers(8), Payment(bob.address, 77)]
    number = await alice.start_batch("ETH", payments)
    kept = node.snapshot()
    waiting = alice.wait
    alice.wait = lambda *_: alice.sync()  # type: ignore[assignment, method-assign]
    await alice.continue_batch(number)
    node.close()
    await alice.sync()
    assert alice.batches()[0].proven == 8

    node.restore(kept)
    node.statuses.clear()
    await alice.sync()
    assert (alice.batches()[0].proven, alice.batches()[0].pending) == (0, 8)
    assert available(alice) == 0
    assert len(node.pool) == 4
    alice.wait = waiting  # type: ignore[method-assign]
    closing(node, alice)
    assert (await finish(alice, number)).proven == 9
    await bob.sync()
    assert available(bob) == 77
    assert paid(alice) == sorted((p.address, p.value) for p in payments)


async def test_rescan_keeps_batches(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    small_epochs(node)
    closing(node, alice)
    number = await alice.start_batch("ETH", strangers(9))
    await alice.continue_batch(number)
    await alice.sync(rescan=True)
    assert (alice.batches()[0].proven, alice.batches()[0].open) == (8, 1)
    assert (await finish(alice, number)).proven == 9
    assert paid(alice) == sorted((p.address, p.value) for p in strangers(9))

"""Payments against the recorded node: every witness satisfies the circuit, every balance is exact."""

from typing import Any

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import DOMAIN, ETHER, PRICE, TOKEN, RecordedNode

from sotto.node.pool import Pool
from sotto.wallet import Payment, Wallet
from sotto.wallet.errors import (
    AmountNotPositive,
    AmountTooLarge,
    FeeAssetUnavailable,
    FeeTooHigh,
    InsufficientFunds,
    InvalidAddress,
    L1NotConfigured,
    NodeRejected,
    RecipientsInvalid,
    TransactionDropped,
    UnknownAsset,
    WalletLocked,
    WrongDomainAddress,
)
from sotto.wallet.state import ActionKind, ActionStatus, Balance


def available(wallet: Wallet, asset: int = 1) -> int:
    """Spendable units."""
    balances = wallet.balances()
    return balances[asset].available if asset in balances else 0


async def funded(node: RecordedNode, wallet: Wallet, *values: int, asset: int = 1) -> None:
    """Give a wallet notes of these values."""
    for value in values:
        node.deposit(wallet.address, value, asset)
    node.close(16)
    await wallet.sync()


async def test_payment_moves_exactly_amount_and_fee(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, 2 * ETHER)
    assert available(alice) == 2 * ETHER

    action = await alice.send("ETH", [Payment(bob.address, ETHER)])
    await bob.sync()
    assert available(alice) == 0
    assert alice.balances()[1].pending_in == ETHER - PRICE
    assert alice.balances()[1].pending_out == ETHER + PRICE
    assert bob.balances()[1].pending_in == ETHER
    assert available(bob) == 0

    node.close()
    proven = await alice.wait(action.number)
    await bob.sync()
    assert (available(alice), available(bob)) == (ETHER - PRICE, ETHER)
    assert alice.balances()[1].pending_in == alice.balances()[1].pending_out == 0
    assert (proven.status, proven.epoch, proven.value, proven.fee) == (ActionStatus.PROVEN, 2, ETHER, PRICE)
    assert [a.kind for a in bob.history()] == [ActionKind.RECEIVED]


async def test_two_receivers_and_a_reference(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob, carol = [await open_wallet(name) for name in ("alice", "bob", "carol")]
    await funded(node, alice, 3 * ETHER)
    await alice.send("1", [Payment(bob.address, ETHER, b"r" * 20), Payment(carol.address, 7)])
    node.close()
    for wallet in (alice, bob, carol):
        await wallet.sync()
    assert (available(alice), available(bob), available(carol)) == (2 * ETHER - 7 - PRICE, ETHER, 7)
    assert bob.history()[0].payments[0].reference == (b"r" * 20).hex()


async def test_payment_to_oneself_costs_the_fee(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(alice.address, ETHER // 2)])
    node.close()
    await alice.sync()
    assert available(alice) == ETHER - PRICE
    assert [a.kind for a in alice.history()] == [ActionKind.DEPOSIT, ActionKind.SENT]


async def test_tokens_with_fee_in_eth_are_joined(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, 30, 40, 50, asset=TOKEN)
    await funded(node, alice, 4 * PRICE)
    action = await alice.send("TUSD", [Payment(bob.address, 115)])
    assert len(node.pool) == 3
    assert action.fee == 3 * PRICE
    node.close(16)
    await alice.wait(action.number)
    await bob.sync()
    assert (available(alice, TOKEN), available(bob, TOKEN), available(alice)) == (5, 115, PRICE)


async def test_two_token_receivers_take_two_transactions(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob, carol = [await open_wallet(name) for name in ("alice", "bob", "carol")]
    await funded(node, alice, 100, asset=TOKEN)
    await funded(node, alice, 5 * PRICE)
    await alice.send("TUSD", [Payment(bob.address, 10), Payment(carol.address, 20)])
    node.close()
    for wallet in (alice, bob, carol):
        await wallet.sync()
    balances = (available(alice, TOKEN), available(bob, TOKEN), available(carol, TOKEN), available(alice))
    assert balances == (70, 10, 20, 3 * PRICE)


async def test_own_change_and_received_notes_are_spent_before_an_epoch_has_them(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 1000)])
    await alice.send("ETH", [Payment(bob.address, 2000)])
    await bob.send("ETH", [Payment(alice.address, 500)])
    assert len(node.pool) == 3
    node.close()
    await alice.sync()
    await bob.sync()
    assert available(alice) == ETHER - 2500 - 2 * PRICE
    assert available(bob) == 2500 - PRICE


async def test_child_is_proved_again_when_its_parents_epoch_closed_first(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 1000)])
    node.before_submit = node.close
    action = await alice.send("ETH", [Payment(bob.address, 2000)])
    assert [m.transaction.named for b in node.pool for m in b.members] == [(0, 0)]
    node.close()
    assert (await alice.wait(action.number)).status == ActionStatus.PROVEN
    await bob.sync()
    assert available(bob) == 3000


@pytest.mark.parametrize("reason", ["ChainedCommitmentUnknown: 0x1", "reprove: its anchor was pruned"])
async def test_dropped_child_is_proved_again_by_sync(
    node: RecordedNode, open_wallet: OpenWallet, reason: str
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 1000)])
    parent = next(iter(node.pool))
    action = await alice.send("ETH", [Payment(bob.address, 2000)])
    child = list(node.pool)[1]
    node.pool.remove([child])
    node.close()
    node.statuses[child.id] = {"status": "dropped", "epoch": None, "reason": reason}
    await alice.sync()
    assert parent.id != child.id
    assert len(node.pool) == 1
    node.close()
    await alice.wait(action.number)
    await bob.sync()
    assert available(bob) == 3000


async def test_dropped_transaction_unlocks_its_notes(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    action = await alice.send("ETH", [Payment(alice.address, 5)])
    node.drop("NullifierSpent")
    with pytest.raises(TransactionDropped):
        await alice.wait(action.number)
    assert available(alice) == ETHER
    assert alice.history()[action.number].status == ActionStatus.DROPPED


async def test_expired_transaction_is_refused_and_unlocks_its_notes(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    action = await alice.send("ETH", [Payment(alice.address, 5)])
    node.statuses.clear()
    node.pool = Pool()
    node.l1_block += 1000
    await alice.sync()
    assert available(alice) == ETHER
    assert alice.history()[action.number].cause.startswith("ExpiryTooClose")


async def test_expiry_lies_on_the_grid_and_outputs_carry_ciphertexts(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(alice.address, ETHER - PRICE)])
    transaction = next(iter(node.pool)).members[0].transaction
    assert transaction.expiry % 64 == 0
    assert transaction.expiry >= node.l1_block + 5 + 64
    assert all(transaction.ext[3:])


async def test_spending_the_same_notes_again_never_reuses_a_ciphertext_key(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, 600, 700)
    keys = []
    for value in (1, 2, 3, 4):
        node.fees = {}
        await alice.send("ETH", [Payment(alice.address, 1200 + value)])
        transaction = next(iter(node.pool)).members[0].transaction
        keys += [transaction.ext[3 + 3 * output] for output in range(3)]
        node.drop("NullifierSpent")
        await alice.sync()
    assert len(set(keys)) == 12


async def test_bad_input_is_refused_and_locks_nothing(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    foreign = "sotto1" + "q" * 117
    cases = [
        (RecipientsInvalid, alice.send("ETH", [])),
        (RecipientsInvalid, alice.send("ETH", [Payment(bob.address, 1)] * 33)),
        (AmountNotPositive, alice.send("ETH", [Payment(bob.address, 0)])),
        (AmountNotPositive, alice.withdraw("ETH", -1, "0x" + "11" * 20)),
        (AmountTooLarge, alice.send("ETH", [Payment(bob.address, 1 << 120)])),
        (AmountTooLarge, alice.send("ETH", [Payment(bob.address, 1 << 119)] * 2)),
        (InvalidAddress, alice.send("ETH", [Payment(foreign, 1)])),
        (InvalidAddress, alice.withdraw("ETH", 1, "0x" + "00" * 20)),
        (InvalidAddress, alice.withdraw("ETH", 1, bob.address)),
        (UnknownAsset, alice.send("DOGE", [Payment(bob.address, 1)])),
        (FeeAssetUnavailable, alice.send("ETH", [Payment(bob.address, 1)], fee_asset="TUSD")),
        (FeeTooHigh, alice.send("ETH", [Payment(bob.address, 1)], max_fee=PRICE - 1)),
        (InsufficientFunds, alice.send("ETH", [Payment(bob.address, ETHER)])),
        (InsufficientFunds, alice.send("TUSD", [Payment(bob.address, 1)])),
        (L1NotConfigured, alice.deposit("ETH", 1)),
    ]
    for expected, call in cases:
        with pytest.raises(expected):
            await call
    assert available(alice) == ETHER
    assert len(alice.history()) == 1


@pytest.mark.parametrize(
    ("price", "value", "allowed"),
    [(10**15, 1, True), (10**15 + 1, 1, False), (ETHER // 20, ETHER, True), (ETHER // 20 + 1, ETHER, False)],
)
async def test_default_limit_of_the_fee_in_eth(
    node: RecordedNode, open_wallet: OpenWallet, price: int, value: int, allowed: bool
) -> None:
    alice = await open_wallet()
    await funded(node, alice, 3 * ETHER)
    node.fees = {1: price}
    if not allowed:
        with pytest.raises(FeeTooHigh):
            await alice.send("ETH", [Payment(alice.address, value)])
        assert available(alice) == 3 * ETHER
        await alice.send("ETH", [Payment(alice.address, value)], max_fee=price)
    else:
        await alice.send("ETH", [Payment(alice.address, value)])


async def test_default_limit_of_the_fee_in_tokens(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, 10_000, asset=TOKEN)
    await funded(node, alice, ETHER)
    node.fees = {TOKEN: 5}
    with pytest.raises(FeeTooHigh):
        await alice.send("ETH", [Payment(alice.address, ETHER // 2)], fee_asset="TUSD")
    with pytest.raises(FeeTooHigh):
        await alice.withdraw("TUSD", 99, "0x" + "5a" * 20, fee_asset="TUSD")
    await alice.withdraw("TUSD", 100, "0x" + "5a" * 20, fee_asset="TUSD")


async def test_shortage_says_how_much(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    with pytest.raises(InsufficientFunds) as caught:
        await alice.send("ETH", [Payment(bob.address, ETHER)])
    assert (caught.value.needed, caught.value.available) == (ETHER + PRICE, ETHER)


async def test_address_of_another_deployment_is_refused(node: RecordedNode, open_wallet: OpenWallet) -> None:
    from sotto.protocol.address import decode_address, encode_address

    alice = await open_wallet()
    other = encode_address(decode_address(alice.address, DOMAIN), DOMAIN ^ (1 << 247))
    with pytest.raises(WrongDomainAddress):
        await alice.send("ETH", [Payment(other, 1)])


async def test_locked_wallet_reads_but_does_not_pay(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    alice.lock()
    await alice.sync()
    with pytest.raises(WalletLocked):
        await alice.send("ETH", [Payment(alice.address, 1)])


async def test_refusal_of_the_node_unlocks(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    node.tamper = lambda path, answer: [{**answer[0], "fee": 1}] if path == "/v1/fees" else answer
    with pytest.raises(NodeRejected, match="FeeTooLow"):
        await alice.send("ETH", [Payment(alice.address, 1)])
    assert available(alice) == ETHER
    assert alice.history()[-1].status == ActionStatus.DROPPED


async def test_withdrawal_is_recorded_with_its_place(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    action = await alice.withdraw("ETH", 1000, "0x" + "5a" * 20)
    node.close()
    done = await alice.wait(action.number)
    assert (done.epoch, done.lane, done.l1_recipient) == (2, 0, int("5a" * 20, 16))
    assert [a.number for a in alice.claimable()] == [action.number]


async def test_what_was_found_in_a_lost_epoch_does_not_wait_for_ever(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    """Whoever paid may never do so again: only what this wallet has made itself is still on its way."""
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    alice, bob = await open_wallet("alice", words), await open_wallet("bob")
    await funded(node, bob, ETHER)
    kept = node.snapshot()
    await funded(node, alice, ETHER)
    sent = await bob.send("ETH", [Payment(alice.address, 7)])
    node.close()
    copy = await open_wallet("copy", words)
    for wallet in (alice, bob, copy):
        await wallet.sync()
    found = [(a.kind, a.value) for a in alice.history()]
    assert found == [(ActionKind.DEPOSIT, ETHER), (ActionKind.RECEIVED, 7)]
    landed = node.snapshot()
    node.restore(kept)
    for wallet in (alice, bob, copy):
        await wallet.sync()
    for wallet in (alice, copy):
        assert {(a.status, a.epoch, bool(a.cause)) for a in wallet.history()} == {
            (ActionStatus.DROPPED, None, True)
        }
        assert wallet.balances().get(1, Balance()) == Balance()
    assert bob.history()[sent.number].status == ActionStatus.PENDING
    node.restore(landed)
    for wallet in (alice, copy):
        await wallet.sync()
        assert [(a.kind, a.value) for a in wallet.history()] == found
        assert {(a.status, a.cause) for a in wallet.history()} == {(ActionStatus.PROVEN, "")}
        assert available(wallet) == ETHER + 7


async def test_line_names_the_bytes_that_landed(node: RecordedNode, open_wallet: OpenWallet) -> None:
    """Proven again, a payment has the same outputs under another id; L1 may take either of the two."""
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 1000)])
    node.close()
    kept = node.snapshot()
    sent = await alice.send("ETH", [Payment(bob.address, 7)])
    earlier = list(node.pool)
    node.close()
    for wallet in (alice, bob):
        await wallet.sync()
    node.restore(kept)
    node.statuses[sent.h] = {"status": "dropped", "epoch": None, "reason": "reprove: its anchor was pruned"}
    node.l1_block += 64
    kept = node.snapshot()
    await alice.sync()
    assert [bundle.id for bundle in node.pool] != [bundle.id for bundle in earlier]
    for landing in (list(node.pool), earlier):
        node.restore(kept)
        for wallet in (alice, bob):
            await wallet.sync()
        node.pool = Pool()
        for bundle in landing:
            node.pool.add(bundle)
        node.close()
        for wallet in (alice, bob):
            await wallet.sync()
            line = wallet.history()[-1]
            assert (line.status, line.h) == (ActionStatus.PROVEN, landing[0].id)
        assert available(bob) == 1007


async def test_restored_wallet_finds_everything(node: RecordedNode, open_wallet: OpenWallet) -> None:
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    alice, bob = await open_wallet("alice", words), await open_wallet("bob")
    await funded(node, alice, 2 * ETHER)
    await alice.send("ETH", [Payment(bob.address, ETHER)])
    node.close()
    await alice.withdraw("ETH", 1000, "0x" + "5a" * 20)
    node.close()
    await alice.sync()
    again = await open_wallet("again", words)
    await again.sync()
    assert again.address == alice.address
    assert available(again) == available(alice)
    assert again.balances()[1].claimed_spent == 2 * ETHER + ETHER - PRICE
    shown = [(a.kind, a.value, a.fee, a.epoch) for a in again.history()]
    assert shown == [(a.kind, a.value, a.fee, a.epoch) for a in alice.history()]


async def test_dropped_child_waits_for_a_parent_whose_epoch_is_not_proven(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 1000)])
    action = await alice.send("ETH", [Payment(bob.address, 2000)])
    child = list(node.pool)[1]
    node.pool.remove([child])
    node.statuses[child.id] = {"status": "dropped", "epoch": None, "reason": "ChainedCommitmentUnknown: 0x1"}

    def closed(path: str, answer: Any) -> Any:
        return [{**entry, "epoch": 2, "lane": 0} for entry in answer] if path == "/v1/pending" else answer

    node.tamper = closed
    await alice.sync()
    assert len(node.pool) == 1
    assert alice.history()[action.number].status == ActionStatus.PENDING
    with pytest.raises(InsufficientFunds):
        await alice.send("ETH", [Payment(bob.address, 1)])
    node.tamper = lambda _path, answer: answer
    node.close()
    await alice.sync()
    node.close()
    assert (await alice.wait(action.number)).status == ActionStatus.PROVEN
    await bob.sync()
    assert available(bob) == 3000


async def test_change_in_a_block_of_the_open_epoch_is_spent_by_naming_its_parent(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 1000)])

    def soft_final(path: str, answer: Any) -> Any:
        return [{**entry, "epoch": 2, "lane": 0} for entry in answer] if path == "/v1/pending" else answer

    node.tamper = soft_final
    with pytest.raises(InsufficientFunds):
        await alice.send("ETH", [Payment(bob.address, 2000)])
    node.opened = 2
    await alice.send("ETH", [Payment(bob.address, 2000)])
    assert any(list(node.pool)[1].members[0].transaction.named)
    node.tamper = lambda _path, answer: answer
    node.close()
    await bob.sync()
    assert available(bob) == 3000


async def test_child_falls_with_its_dropped_parent(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    first = await alice.send("ETH", [Payment(bob.address, 1000)])
    second = await alice.send("ETH", [Payment(bob.address, 2000)])
    node.drop("ChainedCommitmentUnknown: 0x1")
    node.statuses[first.h]["reason"] = "ExpiredTransaction: 1"
    await alice.sync()
    await alice.sync()
    assert [alice.history()[a.number].status for a in (first, second)] == [ActionStatus.DROPPED] * 2
    assert available(alice) == ETHER
    assert alice.balances()[1].pending_in == alice.balances()[1].pending_out == 0

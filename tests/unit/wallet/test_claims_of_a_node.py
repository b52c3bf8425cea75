"""Nullifiers and ids are under no root: what a node says of them moves no money by itself."""

from typing import Any

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import ETHER, PRICE, RecordedL1, RecordedNode
from tests.unit.wallet.test_hostile_node import lie, set_in

from sotto.node.pool import Pool
from sotto.protocol.field import Field, field_to_json
from sotto.wallet import Payment, Wallet
from sotto.wallet.errors import StateMismatch
from sotto.wallet.state import ActionStatus

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


async def strangers_payment(node: RecordedNode, open_wallet: OpenWallet, alice: Wallet) -> None:
    """Two deposits, and a payment among others in the second epoch: entry 2 of the notes."""
    bob = await open_wallet("bob")
    node.deposit(alice.address, ETHER)
    node.deposit(bob.address, ETHER)
    node.close()
    await alice.sync()
    await bob.sync()
    await bob.send("ETH", [Payment(bob.address, 5)])


async def test_id_on_a_lane_of_others_settles_nothing(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await strangers_payment(node, open_wallet, alice)
    others = node.pool
    node.pool = Pool()
    action = await alice.send("ETH", [Payment(alice.address, 5)])
    mine, node.pool = node.pool, others
    node.close()
    lie(node, "/v1/notes", set_in("entries", 2, "id", value=field_to_json(Field(action.h))))
    await alice.sync()
    assert alice.history()[action.number].status == ActionStatus.PENDING
    assert alice.balances()[1].available == 0
    node.tamper = lambda _path, answer: answer
    node.pool = mine
    node.close()
    await alice.sync()
    assert alice.history()[action.number].status == ActionStatus.PROVEN
    assert alice.balances()[1].available == ETHER - PRICE


async def lied_about(node: RecordedNode, open_wallet: OpenWallet, alice: Wallet) -> None:
    """A lane of others with a nullifier of this wallet."""
    await strangers_payment(node, open_wallet, alice)
    node.close()
    own = next(iter(alice._context.state.notes.values())).nullifier
    lie(node, "/v1/notes", set_in("entries", 2, "nullifiers", 1, value=field_to_json(Field(own))))


async def test_nullifier_on_a_lane_of_others_is_a_claim_until_a_rescan(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await lied_about(node, open_wallet, alice)
    await alice.sync()
    assert (alice.balances()[1].available, alice.balances()[1].claimed_spent) == (0, ETHER)
    node.tamper = lambda _path, answer: answer
    await alice.sync(rescan=True)
    assert (alice.balances()[1].available, alice.balances()[1].claimed_spent) == (ETHER, 0)
    assert [a.value for a in alice.history()] == [ETHER]


async def test_l1_refutes_a_nullifier_on_a_lane_of_others(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=RecordedL1(node))
    await lied_about(node, open_wallet, alice)
    with pytest.raises(StateMismatch, match="1 notes as spent"):
        await alice.sync()
    assert (alice.balances()[1].available, alice.balances()[1].claimed_spent) == (ETHER, 0)
    assert alice.history()[-1].status == ActionStatus.DROPPED


async def test_claims_that_l1_cannot_judge_stay_claims(node: RecordedNode, open_wallet: OpenWallet) -> None:
    l1 = RecordedL1(node)
    l1.words_known = False
    alice = await open_wallet(l1=l1)
    await lied_about(node, open_wallet, alice)
    await alice.sync()
    assert alice.balances()[1].claimed_spent == ETHER


async def test_spending_by_another_copy_is_confirmed_by_l1(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice", WORDS), await open_wallet("bob")
    node.deposit(alice.address, ETHER)
    node.close()
    await alice.send("ETH", [Payment(bob.address, 7)])
    node.close()
    copy = await open_wallet("copy", WORDS, l1=RecordedL1(node))
    await copy.sync()
    assert copy.balances()[1].available == ETHER - 7 - PRICE
    assert copy.balances()[1].claimed_spent == 0
    assert copy.history()[-1].cause == ""


async def test_rescan_keeps_what_is_on_its_way(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    for value in (ETHER, 2 * ETHER):
        node.deposit(alice.address, value)
    node.close()
    first = await alice.send("ETH", [Payment(bob.address, 7)])
    node.close()
    await alice.sync()
    waiting = await alice.send("ETH", [Payment(bob.address, 8)])
    before = alice.balances()
    await alice.sync(rescan=True)
    assert alice.balances() == before
    made = {a.h: a.status for a in alice.history() if a.created is not None}
    assert made == {first.h: ActionStatus.PROVEN, waiting.h: ActionStatus.PENDING}
    node.close()
    await alice.sync()
    assert alice.balances()[1].available == 3 * ETHER - 15 - 2 * PRICE


async def test_idle_chain_expires_by_l1s_block_unless_an_epoch_is_pending(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    l1 = RecordedL1(node)
    alice = await open_wallet(l1=l1)
    node.deposit(alice.address, ETHER)
    node.close()
    await alice.sync()
    action = await alice.send("ETH", [Payment(alice.address, 7)])
    node.l1_block = alice._context.state.pending[0].expiry + 63
    await alice.sync()
    assert alice.history()[action.number].status == ActionStatus.PENDING
    node.l1_block += 1
    l1.pending = 1
    await alice.sync()
    assert alice.history()[action.number].status == ActionStatus.PENDING
    l1.pending = 0
    node.pool = Pool()
    await alice.sync()
    assert alice.history()[action.number].status == ActionStatus.EXPIRED
    assert alice.balances()[1].available == ETHER


def test_recorded_l1_answers_like_the_real_one() -> None:
    """Its methods have the names and parameters of those that a wallet calls."""
    from inspect import signature

    from sotto.wallet.settlement import Settlement

    names: Any = ("connect", "close", "has_epoch", "check_epoch", "check_asset", "clock", "words")
    for name in names:
        assert signature(getattr(RecordedL1, name)) == signature(getattr(Settlement, name))

"""Memos: both sides read them, also after a restore; nothing depends on them."""

from typing import Any

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import ETHER, RecordedNode
from tests.unit.wallet.test_payments import available, funded

from sotto.protocol.memo import MEMO_BYTES
from sotto.wallet import Payment, Wallet
from sotto.wallet.errors import MemoInvalid, NodeMalformed

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
TEXT = "Rent for May \u2014 thanks \x1b[2J"


def memos(wallet: Wallet) -> list[str]:
    """All memos of the history."""
    return [payment.memo for action in wallet.history() for payment in action.payments if payment.memo]


async def test_receiver_reads_it_and_a_restored_sender_too(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob, carol = [
        await open_wallet(name, words) for name, words in (("alice", WORDS), ("bob", None), ("carol", None))
    ]
    await funded(node, alice, ETHER)
    reference = b"\x07" * 20
    await alice.send("ETH", [Payment(bob.address, 1000, reference, TEXT), Payment(carol.address, 7)])
    assert memos(alice) == [TEXT]
    node.close()
    for wallet in (alice, bob, carol):
        await wallet.sync()
    assert memos(bob) == [TEXT]
    assert memos(carol) == []

    again = await open_wallet("again", WORDS)
    await again.sync()
    (sent,) = [action for action in again.history() if action.kind == "sent"]
    found = sorted((p.address, p.value, p.reference, p.memo) for p in sent.payments)
    assert found == [("", 7, "00" * 20, ""), (bob.address, 1000, reference.hex(), TEXT)]
    node.requests.clear()
    await again.sync()
    assert not [request for request in node.requests if "attachments" in request]


async def test_each_memo_of_many_arrives(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob, carol = [await open_wallet(name) for name in ("alice", "bob", "carol")]
    await funded(node, alice, ETHER)
    action = await alice.send(
        "ETH",
        [Payment(bob.address, 5, memo="one"), Payment(carol.address, 6, memo="two"), Payment(bob.address, 7)],
    )
    node.close()
    await alice.wait(action.number)
    await bob.sync()
    await carol.sync()
    assert (memos(bob), memos(carol)) == (["one"], ["two"])
    assert available(bob) == 12


async def test_memos_are_read_again_after_a_rescan_and_a_fork(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    kept = node.snapshot()
    await alice.send("ETH", [Payment(bob.address, 5, memo="one")])
    node.close()
    await bob.sync()
    await bob.sync(rescan=True)
    assert memos(bob) == ["one"]
    node.restore(kept)
    node.statuses.clear()
    await alice.sync()
    node.deposit(alice.address, 1)
    node.close()
    await bob.sync()
    assert "one" in memos(bob)


@pytest.mark.parametrize("size", [0, 511])
async def test_node_that_loses_or_garbles_memos_moves_no_money(
    node: RecordedNode, open_wallet: OpenWallet, size: int
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 5, memo="one")])
    node.close()
    for h in node.attachments:
        node.attachments[h] = bytes(512) if not size else bytes(size)
    if size:
        with pytest.raises(NodeMalformed):
            await bob.sync()
    else:
        await bob.sync()
    assert available(bob) == 5
    assert memos(bob) == []


async def test_node_without_attachments_is_no_obstacle(node: RecordedNode, open_wallet: OpenWallet) -> None:
    from sotto.node.errors import TransactionUnknown

    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 5, memo="one")])
    node.close()

    def missing(path: str, answer: Any) -> Any:
        if path == "/v1/attachments":
            raise TransactionUnknown("no such path")
        return answer

    node.tamper = missing
    await bob.sync()
    assert available(bob) == 5


async def test_long_memos_are_refused(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    for memo in ("x" * (MEMO_BYTES + 1), "\u00fc" * 191, "\ud800"):
        with pytest.raises(MemoInvalid):
            await alice.send("ETH", [Payment(alice.address, 5, memo=memo)])
    await alice.send("ETH", [Payment(alice.address, 5, memo="x" * MEMO_BYTES)])
    assert len(node.attachments) == 1


async def test_memo_is_sent_again_with_its_transaction(node: RecordedNode, open_wallet: OpenWallet) -> None:
    """The node loses both; the same bytes with the same attachment come again."""
    from sotto.node.pool import Pool

    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await funded(node, alice, ETHER)
    await alice.send("ETH", [Payment(bob.address, 5, memo="one")])
    node.pool = Pool()
    node.statuses.clear()
    node.attachments.clear()
    await alice.sync()
    node.close()
    await bob.sync()
    assert memos(bob) == ["one"]

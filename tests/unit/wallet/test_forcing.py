"""Forced payments: nobody but L1 is asked, each is queued once, and a process may end anywhere."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import DOMAIN, ETHER, RecordedL1, RecordedNode

from sotto.l1.sender import SignedTransaction
from sotto.protocol.forced import decode_forced
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.transaction import Kind
from sotto.wallet import Wallet
from sotto.wallet.errors import (
    AnchorTooOld,
    InsufficientFunds,
    L1NotConfigured,
    L1Rejected,
    L1Unconfirmed,
    MemoInvalid,
    QueueFeeTooHigh,
    RecipientsInvalid,
    RollupFrozen,
    StaleSuccessor,
    TooManyNotes,
)
from sotto.wallet.inputs import Payment
from sotto.wallet.receipts import L1Receipt, QueuedItem
from sotto.wallet.state import ActionStatus

RECIPIENT = "0x" + "5a" * 20


class RecordedQueue(RecordedL1):
    """A queue on L1.

    Attributes:
        fee: wei.
        on_sign, on_send: called before L1 answers; what they raise, L1 answers.
        sent: bytes that L1 has seen, in order; it puts them into blocks as they come unless `lost`.
        broadcasts: how often each signed transaction came.
        dear: whether gas has become dearer than what was sent offers.
    """

    def __init__(self, node: RecordedNode) -> None:
        super().__init__(node)
        self.fee = 10**14
        self.on_sign: Callable[[], None] = lambda: None
        self.on_send: Callable[[], None] = lambda: None
        self.lost = False
        self.dear = False
        self.reverted: set[bytes] = set()
        self.signed: dict[bytes, tuple[bytes, int]] = {}
        self.queued: dict[bytes, int] = {}
        self.broadcasts: list[bytes] = []

    async def queue_fee(self) -> int:
        """See Settlement."""
        return self.fee

    async def sign_forced(
        self, transaction: bytes, proof: bytes, anchor_record: EpochRecord, value: int
    ) -> SignedTransaction:
        """See Settlement."""
        self.on_sign()
        tx = decode_forced(transaction, DOMAIN)
        assert anchor_record.own_anchor == tx.anchor
        assert anchor_record.hash() == self._node.records[anchor_record.id].hash()
        digest = len(self.signed).to_bytes(32)
        self.signed[digest] = transaction, value
        return SignedTransaction(b"raw" + digest, digest, len(self.signed) - 1)

    async def send_forced(self, signed: SignedTransaction, transaction: bytes) -> QueuedItem:
        """See Settlement."""
        self.on_send()
        found = await self.find_forced(signed, self.address, transaction)
        if found is None:
            raise L1Unconfirmed("in no block yet")
        return found

    async def find_forced(
        self, signed: SignedTransaction, sender: str, transaction: bytes, outbid: Sequence[bytes] = ()
    ) -> QueuedItem | None:
        """See Settlement."""
        assert sender == self.address
        if signed.hash in self.reverted:
            raise L1Rejected("reverted")
        for digest in outbid:
            if digest in self.queued:
                return QueuedItem(self.queued[digest], L1Receipt("0x" + digest.hex(), 21_000, 1))
        if signed.hash not in self.queued:
            self.broadcasts.append(signed.hash)
            if self.lost:
                return None
            self.queued[signed.hash] = self._node.queue_cursor + len(self._node.forced)
            self._node.forced.append(decode_forced(transaction, DOMAIN))
        return QueuedItem(self.queued[signed.hash], L1Receipt("0x" + signed.hash.hex(), 21_000, 1))

    async def outbid_forced(
        self, signed: SignedTransaction, sender: str, limit: int
    ) -> SignedTransaction | None:
        """See Settlement."""
        assert (sender, limit) == (self.address, 10**16)
        if not self.dear:
            return None
        digest = len(self.signed).to_bytes(32)
        self.signed[digest] = self.signed[signed.hash]
        return SignedTransaction(b"raw" + digest, digest, signed.nonce)

    async def resend(self, signed: SignedTransaction) -> None:
        """See Settlement."""
        self.on_send()
        self.broadcasts.append(signed.hash)


@pytest.fixture
def l1(node: RecordedNode) -> RecordedQueue:
    """The queue of the recorded node's deployment."""
    return RecordedQueue(node)


async def funded(node: RecordedNode, wallet: Wallet, *values: int) -> None:
    """Give a wallet notes in a proven epoch."""
    for value in values:
        node.deposit(wallet.address, value)
    node.close()
    await wallet.sync()


def available(wallet: Wallet) -> int:
    return wallet.balances()[1].available


async def test_payment_goes_through_the_queue_alone(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice", l1=l1), await open_wallet("bob")
    await funded(node, alice, ETHER)
    node.requests.clear()
    action = await alice.send("ETH", [Payment(bob.address, ETHER // 4)], force=True)
    assert not [request for request in node.requests if request.startswith("POST")]
    assert (action.status, action.fee, action.queue_index) == (ActionStatus.PENDING, 0, 1)
    ((_, value),) = l1.signed.values()
    assert value == 2 * l1.fee
    assert available(alice) == 0
    (queued,) = node.forced
    assert queued.kind == Kind.FORCED
    node.close()
    await alice.sync()
    await bob.sync()
    assert alice.history()[-1].status == ActionStatus.PROVEN
    assert (available(alice), available(bob)) == (3 * ETHER // 4, ETHER // 4)


async def test_withdrawal_can_be_claimed(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)
    await alice.withdraw("ETH", ETHER, RECIPIENT, force=True)
    node.close()
    await alice.sync()
    (waiting,) = alice.claimable()
    assert (waiting.value, waiting.epoch, waiting.lane) == (ETHER, 2, 0)


@pytest.mark.parametrize("error", [asyncio.CancelledError, L1Unconfirmed])
async def test_killed_before_the_answer(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet, error: type[BaseException]
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)

    def die() -> None:
        raise error

    l1.on_send = die
    with pytest.raises(error):
        await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    await alice.close()
    # Nothing had left. The file has the bytes, and whoever opens it sends them, once.
    assert not l1.broadcasts
    again = await open_wallet(l1=l1)
    assert available(again) == 0
    l1.lost = True
    await again.sync()
    await again.sync()
    assert len(l1.broadcasts) == 2
    with pytest.raises(InsufficientFunds):
        await again.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    l1.lost = False
    await again.sync()
    assert again.history()[-1].queue_index == 1
    node.close()
    await again.sync()
    assert set(l1.broadcasts) == set(l1.signed) == {bytes(32)}
    paid = [action for action in again.history() if action.value == ETHER // 2]
    assert [action.status for action in paid] == [ActionStatus.PROVEN]


@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_waiting_for_dearer_gas_is_outbid_and_lands_once(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet, taken: int
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)
    l1.lost = True
    with pytest.raises(L1Unconfirmed):
        await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    await alice.sync()
    assert set(l1.broadcasts) == {bytes(32)}

    def die() -> None:
        raise asyncio.CancelledError

    # Gas rises, and rises again; the process ends between signing and sending.
    l1.dear, l1.on_send = True, die
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await alice.sync()
        await alice.close()
        alice = await open_wallet(l1=l1)
    l1.dear = False
    await alice.sync()
    assert l1.broadcasts[-1] == (2).to_bytes(32)
    assert alice.history()[-1].l1_transaction == "0x" + (2).to_bytes(32).hex()
    # Whichever of the three a block has: it is found, and nothing is sent any more.
    digest, (data, _) = list(l1.signed.items())[taken]
    l1.queued[digest] = node.queue_cursor
    node.forced.append(decode_forced(data, DOMAIN))
    sent = len(l1.broadcasts)
    await alice.sync()
    assert (alice.history()[-1].queue_index, len(l1.broadcasts)) == (1, sent)
    assert alice.history()[-1].l1_transaction == "0x" + digest.hex()
    node.close()
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PROVEN


async def test_killed_before_it_was_stored(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)

    def die() -> None:
        raise asyncio.CancelledError

    l1.on_sign = die
    with pytest.raises(asyncio.CancelledError):
        await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    assert alice.history()[-1].status == ActionStatus.DROPPED
    assert available(alice) == ETHER


async def test_epoch_that_comes_between_is_followed_by_a_new_proof(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)

    def overtaken() -> None:
        l1.on_send = lambda: None
        l1.reverted.add((len(l1.signed) - 1).to_bytes(32))
        node.close()
        raise StaleSuccessor("WrongSuccessorCount")

    l1.on_send = overtaken
    action = await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    first, second = (decode_forced(data, DOMAIN) for data, _ in l1.signed.values())
    # Whatever L1 does with either, one of them lands.
    assert first.anchor != second.anchor
    assert first.nullifiers == second.nullifiers
    assert first.commitments == second.commitments
    node.close()
    await alice.sync()
    assert alice.history()[action.number].status == ActionStatus.PROVEN
    assert available(alice) == ETHER // 2


@pytest.mark.parametrize("lost", [True, False])
async def test_notes_that_are_gone_when_it_is_to_be_proven_again_are_not_spent(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet, lost: bool
) -> None:
    phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    alice, copy = await open_wallet("alice", phrase, l1=l1), await open_wallet("copy", phrase)
    before = node.snapshot()
    await funded(node, alice, ETHER)
    await copy.sync()

    def overtaken() -> None:
        l1.reverted |= set(l1.signed)
        if lost:
            node.restore(before)
        else:
            node.close()
        raise StaleSuccessor("WrongSuccessorCount")

    l1.on_send = overtaken
    if not lost:
        await copy.send("ETH", [Payment(copy.address, ETHER // 8)])
        waiting, node.pool = node.pool, type(node.pool)()
        l1.on_sign = lambda: setattr(node, "pool", waiting)
    with pytest.raises(StaleSuccessor):
        await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    assert len(l1.signed) == 1
    assert alice.history()[-1].status == ActionStatus.DROPPED


@pytest.mark.parametrize("error", [AnchorTooOld, RollupFrozen])
@pytest.mark.parametrize("sent", [False, True])
async def test_refusal_of_l1_unlocks(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet, error: type[L1Rejected], sent: bool
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)

    def refuse() -> None:
        l1.reverted |= set(l1.signed)
        raise error("no")

    if sent:
        l1.on_send = refuse
    else:
        l1.on_sign = refuse
    with pytest.raises(error):
        await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    assert alice.history()[-1].status == ActionStatus.DROPPED
    await alice.sync()
    assert available(alice) == ETHER
    # If L1 is reorganised the reverted one might succeed: what repeats it spends the same note.
    l1.on_sign = l1.on_send = lambda: None
    await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    txs = [decode_forced(data, DOMAIN) for data, _ in l1.signed.values()]
    shared = set(txs[0].nullifiers).intersection(*(tx.nullifiers for tx in txs))
    assert shared


async def test_item_that_was_skipped_unlocks(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)
    await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    (queued,) = node.forced
    node.forced.insert(0, queued)
    node.close(lanes=4)
    await alice.sync()
    # The first copy ran, the second was skipped: one payment, and nothing is locked.
    assert alice.history()[-1].status == ActionStatus.PROVEN
    assert available(alice) == ETHER // 2


async def test_spent_elsewhere_first(node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet) -> None:
    phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    alice, copy = await open_wallet("alice", phrase, l1=l1), await open_wallet("copy", phrase)
    await funded(node, alice, ETHER)
    await copy.sync()
    await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    (late,), node.forced = node.forced, []
    await copy.send("ETH", [Payment(copy.address, ETHER // 8)])
    node.close()
    await alice.sync()
    node.forced = [late]
    node.close()
    await alice.sync()
    forced = next(action for action in alice.history() if action.value == ETHER // 2)
    assert forced.status == ActionStatus.DROPPED
    await copy.sync()
    assert available(alice) == available(copy) > ETHER // 2


async def test_what_was_never_queued_expires_with_final_blocks_only(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)
    l1.lost = True
    with pytest.raises(L1Unconfirmed):
        await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    node.l1_block += 1_000
    l1.final = 10
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PENDING
    l1.final = node.l1_block
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.EXPIRED
    assert available(alice) == ETHER


async def test_what_is_queued_never_expires(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)
    await alice.withdraw("ETH", ETHER // 2, RECIPIENT, force=True)
    node.l1_block += 10_000
    l1.final = node.l1_block
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PENDING
    assert available(alice) == 0


async def test_refused_before_anything_is_locked(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice", l1=l1), await open_wallet("bob")
    await funded(node, alice, ETHER, ETHER, ETHER)
    lines = len(alice.history())
    with pytest.raises(QueueFeeTooHigh):
        await alice.withdraw("ETH", 1, RECIPIENT, max_fee=l1.fee - 1, force=True)
    l1.fee = 10**16 + 1
    with pytest.raises(QueueFeeTooHigh):
        await alice.withdraw("ETH", 1, RECIPIENT, force=True)
    l1.fee = 1
    with pytest.raises(TooManyNotes):
        await alice.withdraw("ETH", 3 * ETHER, RECIPIENT, force=True)
    with pytest.raises(MemoInvalid):
        await alice.send("ETH", [Payment(bob.address, 1, memo="hello")], force=True)
    with pytest.raises(RecipientsInvalid):
        await alice.send("ETH", [Payment(bob.address, n) for n in (1, 2, 3)], force=True)
    with pytest.raises(L1NotConfigured):
        await bob.withdraw("ETH", 1, RECIPIENT, force=True)
    assert len(alice.history()) == lines
    assert available(alice) == 3 * ETHER
    assert not l1.signed


async def test_largest_margin_is_what_the_caller_allows(
    node: RecordedNode, l1: RecordedQueue, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet(l1=l1)
    await funded(node, alice, ETHER)
    await alice.withdraw("ETH", 1, RECIPIENT, max_fee=l1.fee + 5, force=True)
    assert [value for _, value in l1.signed.values()] == [l1.fee + 5]

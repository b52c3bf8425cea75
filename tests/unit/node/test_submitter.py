"""What the node pays for a stuck transaction, which refusals it blames on lanes, and when it prunes."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from tests.unit.node.conftest import World, commit_row, proven, record_of_result
from web3.types import TxParams

from sotto.l1.errors import ContractRejected, FeeCapReached, L1Unavailable
from sotto.l1.rollup import CommitInput, RollupContract
from sotto.l1.sender import Sender, SignedTransaction
from sotto.node.config import NodeConfig
from sotto.node.core import epoch_row, lane_rows
from sotto.node.metrics import Metrics
from sotto.node.sequencer import Sequencer
from sotto.node.settlement import StepOutdated
from sotto.node.submitter import Submitter
from sotto.node.tables import Action, SubmissionRow
from sotto.protocol.epoch import replay
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.l1 import EpochRecord, genesis_record
from sotto.protocol.words import DataMode, Layout

ADDRESS = to_checksum_address("0x" + "11" * 20)
OTHER_ADDRESS = to_checksum_address("0x" + "22" * 20)
GWEI = 10**9


class Market:
    """The L1 node's answers about gas, as web3 has them."""

    def __init__(self, base_fee: int, tip: int) -> None:
        self.base_fee, self.tip = base_fee, tip

    async def estimate_gas(self, _transaction: TxParams) -> int:
        """Gas of anything."""
        return 100_000

    async def get_block(self, _block: str) -> dict[str, int]:
        """The head."""
        return {"baseFeePerGas": self.base_fee}

    @property
    async def max_priority_fee(self) -> int:
        """The market's tip."""
        return self.tip

    @property
    async def chain_id(self) -> int:
        """Of a local chain."""
        return 31337


async def bid(
    market: Market, replaces: bytes | None = None, max_fee: int | None = None
) -> tuple[int, int, bytes]:
    """Tip, fee and bytes of a transaction signed in a market."""
    sender = Sender(cast(Any, SimpleNamespace(eth=market)), Account.create(), max_fee=max_fee)
    signed = await sender.sign({"to": ADDRESS, "data": b"", "value": 0}, 3, replaces)  # type: ignore[typeddict-item]
    fields = TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()
    return cast(int, fields["maxPriorityFeePerGas"]), cast(int, fields["maxFeePerGas"]), signed.raw


async def test_a_replacement_outbids_the_last_one_in_a_market_that_fell() -> None:
    tip, fee, raw = await bid(Market(100 * GWEI, 4 * GWEI))
    assert (tip, fee) == (4 * GWEI, 204 * GWEI)
    for _ in range(3):
        next_tip, next_fee, raw = await bid(Market(1, 1), raw)
        assert next_tip >= tip * 5 // 4
        assert next_fee >= fee * 5 // 4
        tip, fee = next_tip, next_fee


async def test_a_replacement_follows_a_market_that_rose() -> None:
    _, _, raw = await bid(Market(1, 1))
    tip, fee, _ = await bid(Market(100 * GWEI, 4 * GWEI), raw)
    assert (tip, fee) == (4 * GWEI, 204 * GWEI)


async def test_the_fee_cap_is_never_passed() -> None:
    market = Market(100 * GWEI, 4 * GWEI)
    assert (await bid(market, max_fee=204 * GWEI))[1] == 204 * GWEI
    tip, fee, raw = await bid(market, max_fee=104 * GWEI)
    assert (tip, fee) == (4 * GWEI, 104 * GWEI)
    with pytest.raises(FeeCapReached):
        await bid(market, max_fee=104 * GWEI - 1)
    with pytest.raises(FeeCapReached):
        await bid(Market(1, 1), raw, max_fee=104 * GWEI * 5 // 4)
    assert (await bid(Market(1, 1), raw, max_fee=104 * GWEI * 5 // 4 + 1))[1] == 104 * GWEI * 5 // 4 + 1


async def test_what_l1_may_let_wait_for_ever_is_outpriced() -> None:
    _, _, raw = await bid(Market(100 * GWEI, 4 * GWEI))
    for base_fee, tip, outpriced in (
        (100, 4, False),
        (1, 8, False),
        (1, 9, True),
        (202, 4, False),
        (203, 4, True),
        (205, 0, True),
    ):
        eth = Market(base_fee * GWEI, tip * GWEI)
        sender = Sender(cast(Any, SimpleNamespace(eth=eth)), Account.create())
        assert await sender.is_outpriced(raw) == outpriced, (base_fee, tip)


class RefusingSender(Sender):
    """An account whose epochs L1 refuses when it estimates their gas."""

    def __init__(self, cause: str = "") -> None:
        self._cause = cause
        self.sent: list[TxParams] = []
        self.replaced: list[SignedTransaction | None] = []

    async def next_nonce(self, block: object = "latest") -> int:
        """See Sender."""
        return 0

    async def sign(
        self,
        transaction: TxParams,
        nonce: int,
        replaces: bytes | None = None,
        blob: CommittedBlob | None = None,
    ) -> SignedTransaction:
        """See Sender."""
        raise ContractRejected(self._cause)

    async def send(
        self,
        transaction: TxParams,
        timeout_seconds: float = 120,
        *,
        blob: CommittedBlob | None = None,
        instead_of: SignedTransaction | None = None,
    ) -> Any:
        """See Sender."""
        self.sent.append(transaction)
        self.replaced.append(instead_of)


class Calls(RollupContract):
    """Transactions that name what they would do."""

    def __init__(self) -> None:
        pass

    def commit(self, commit: CommitInput) -> TxParams:
        """See RollupContract."""
        return {"data": b"commit" + commit.parent.hash()}

    def prove(
        self,
        record: EpochRecord,
        fee_assets: Sequence[int],
        fee_totals: Sequence[int],
        beneficiary: ChecksumAddress,
        proof: bytes,
        queue_fees: int = 0,
    ) -> TxParams:
        """See RollupContract."""
        return {"data": b"prove" + record.hash()}

    def commit_and_prove(self, commit: CommitInput, beneficiary: ChecksumAddress, proof: bytes) -> TxParams:
        """See RollupContract; fees may go to nobody but whom the proof names."""
        assert commit.fee_recipient == beneficiary
        return {"data": b"commitAndProve"}

    async def open_verifiers(self) -> dict[Layout, ChecksumAddress]:
        """See RollupContract. The owner has closed the one for 4 lanes."""
        return {Layout(16): OTHER_ADDRESS}

    def prune(self, record: EpochRecord) -> TxParams:
        """See RollupContract."""
        return {"data": record.hash()}


def submitter_of(world: World, sender: Sender, **settings: Any) -> Submitter:
    """A submitter of the world's epochs."""
    config = NodeConfig(deployment="x", poll_interval=0, retry_wait=0, **settings)
    verifiers = {Layout(4): ADDRESS, Layout(16): OTHER_ADDRESS}
    return Submitter(world.core, config, Calls(), sender, verifiers, ADDRESS, Metrics())


async def take_next(submitter: Submitter) -> bool:
    """Do what L1 needs now. True if it failed."""
    step = await submitter._next_step()
    assert step is not None
    return await submitter._take(step)


async def proven_epoch(world: World) -> bytes:
    """An epoch of one transaction whose proof is made. Returns the transaction's id."""
    world.fund(1)
    core, signed = world.core, world.pay()
    await world.mempool.admit([proven(signed)], [])
    core.pool.remove(list(core.pool))
    result = world.scenario.close([signed], 4).result
    core.store.assign(epoch_row(result), lane_rows(result))
    core.store.save_proof(2, bytes(256))
    core.ledger.append(result)
    core.results[2] = result
    return signed.transaction.h.to_bytes(32)


@pytest.mark.parametrize(("cause", "suspected"), [("ProofInvalid", True), ("EpochsPending", False)])
async def test_only_refusals_of_lanes_make_their_transactions_suspect(
    world: World, cause: str, suspected: bool
) -> None:
    await proven_epoch(world)
    assert await take_next(submitter_of(world, RefusingSender(cause)))
    assert (len(world.core.pool), world.core.in_flight) == (1, 0)
    assert (len(world.core.trials) == 1) == suspected


async def test_epochs_of_a_closed_verifier_are_built_anew_for_an_open_one(world: World) -> None:
    h = await proven_epoch(world)
    core = world.core
    assert await take_next(submitter_of(world, RefusingSender("VerifierClosed")))
    assert (core.layouts, core.policy.max_lanes) == ((Layout(16),), 16)
    assert (len(core.pool), core.in_flight, len(core.trials)) == (1, 0, 0)
    sequencer = Sequencer(core, NodeConfig(deployment="x", epoch_wait=0), Metrics())
    await sequencer._make()
    [row] = core.store.epochs(2)
    assert row.lanes == 16
    transaction = core.store.transaction(h)
    assert transaction is not None
    assert transaction.epoch == 2


async def test_an_unexpected_failure_gives_the_epoch_up_and_goes_on(world: World) -> None:
    await proven_epoch(world)
    submitter = submitter_of(world, RefusingSender())
    step = await submitter._next_step()
    assert await submitter._fail(step, KeyError("x"))
    assert (len(world.core.pool), world.core.in_flight, len(world.core.trials)) == (1, 0, 1)
    assert await submitter._fail(step, KeyError("x"))


async def test_prunes_the_oldest_pending_epoch_after_its_deadline(world: World) -> None:
    sender = RefusingSender()
    submitter = submitter_of(world, sender)
    first, second = (
        replace(genesis_record(5), id=number, deadline=world.core.l1_block + number - 1) for number in (1, 2)
    )
    for record in (second, first):
        world.core.store.save_commit(commit_row(record), ours=False)
    await submitter._prune()
    assert sender.sent == []
    world.core.l1_block += 1
    await submitter._prune()
    assert sender.sent == [{"data": first.hash()}]
    world.core.store.prune_commits(1, world.core.l1_block)
    await submitter._prune()
    assert len(sender.sent) == 1


class Mine(RefusingSender):
    """An account whose transactions are signed as they are, and wait in no block."""

    def __init__(self) -> None:
        super().__init__()
        self.outbid: list[bytes | None] = []

    async def sign(
        self,
        transaction: TxParams,
        nonce: int,
        replaces: bytes | None = None,
        blob: CommittedBlob | None = None,
    ) -> SignedTransaction:
        """See Sender."""
        self.outbid.append(replaces)
        raw = self.bytes_of(transaction)
        return SignedTransaction(raw, raw[:32].ljust(32, b"\0"), nonce)

    def bytes_of(self, transaction: TxParams) -> bytes:
        """What a signed transaction is here."""
        return bytes(cast(bytes, transaction["data"]))

    async def broadcast(self, signed: SignedTransaction) -> None:
        """See Sender."""

    async def receipt(self, transaction_hash: bytes) -> Any:
        """See Sender."""
        return None


async def closed_epochs(world: World, count: int) -> None:
    """Epochs 2 and so on, of one transaction each, without proofs."""
    world.fund(count)
    core = world.core
    for signed in [world.pay() for _ in range(count)]:
        await world.mempool.admit([proven(signed)], [])
        core.pool.remove(list(core.pool))
        result = world.scenario.close([signed], 4).result
        core.store.assign(epoch_row(result), lane_rows(result))
        core.ledger.append(result)
        core.results[result.words.header.epoch_id] = result


def record_on_l1(world: World, epoch: int) -> EpochRecord:
    """L1 holds the commit of a closed epoch."""
    record = record_of_result(world.core.results[epoch], world.core.l1_block)
    world.core.store.save_commit(commit_row(record), ours=True)
    return record


async def test_split_settlement_commits_without_waiting_for_proofs(world: World) -> None:
    await closed_epochs(world, 3)
    store, sender = world.core.store, Mine()
    submitter = submitter_of(world, sender, settlement="split", pending_epochs=2)
    assert not await take_next(submitter)
    [commit] = store.submissions(2)
    assert (commit.action, commit.raw) == ("commit", b"commit" + world.core.ledger.records[1].hash())
    # It is under way: nothing else is sent.
    assert not await take_next(submitter)
    assert store.submissions(3) == []

    second = record_on_l1(world, 2)
    assert not await take_next(submitter)
    [commit] = store.submissions(3)
    # The parent is pending, so its record is the database's.
    assert commit.raw == b"commit" + second.hash()
    record_on_l1(world, 3)
    assert list(store.unproven(2)) == [2, 3, 4]
    # Two are pending: the third waits for a proof.
    assert await submitter._next_step() is None

    store.save_proof(3, bytes(256))
    assert await submitter._next_step() is None
    store.save_proof(2, bytes(256))
    assert not await take_next(submitter)
    _, proof = store.submissions(2)
    assert (proof.action, proof.raw) == ("prove", b"prove" + second.hash())


async def test_a_proof_that_l1_refuses_is_made_again_and_the_epoch_stays(world: World) -> None:
    await closed_epochs(world, 1)
    core, store = world.core, world.core.store
    record_on_l1(world, 2)
    store.save_proof(2, bytes(256))
    refused = submitter_of(world, RefusingSender("ProofInvalid"), settlement="split")
    assert await take_next(refused)
    assert (core.in_flight, list(store.unproven(2))) == (1, [2])
    store.save_proof(2, bytes(256))
    # Somebody else was faster.
    assert await take_next(submitter_of(world, RefusingSender("NotNextToProve"), settlement="split"))
    assert (core.in_flight, list(store.unproven(2))) == (1, [])


async def test_a_stale_proof_of_the_same_nonce_is_outbid(world: World) -> None:
    await closed_epochs(world, 1)
    sender = Mine()
    world.core.store.save_submission(
        SubmissionRow(hash=b"\1" * 32, epoch=2, nonce=0, raw=b"stale", action=Action.PROVE)
    )
    assert not await take_next(submitter_of(world, sender, settlement="split"))
    assert sender.outbid == [b"stale"]


async def test_joint_settlement_proves_what_split_settlement_left_pending(world: World) -> None:
    await closed_epochs(world, 2)
    store, submitter = world.core.store, submitter_of(world, Mine())
    record = record_on_l1(world, 2)
    store.save_proof(3, bytes(256))
    assert await submitter._next_step() is None
    store.save_proof(2, bytes(256))
    assert not await take_next(submitter)
    assert [row.raw for row in store.submissions(2)] == [b"prove" + record.hash()]


async def test_a_proof_that_l1_refuses_does_not_keep_the_next_commit_back(world: World) -> None:
    await closed_epochs(world, 2)
    record_on_l1(world, 2)
    world.core.store.save_proof(2, bytes(256))
    submitter = submitter_of(world, RefusingSender("ProverRefused"), settlement="split")
    step = await submitter._next_step()
    assert step is not None
    assert (step.row.id, step.action) == (2, Action.PROVE)
    submitter._commit_next = True
    step = await submitter._next_step()
    assert step is not None
    assert (step.row.id, step.action) == (3, Action.COMMIT)


@pytest.mark.parametrize("cause", ["CommitNeedsPolicy", "ProposerRefused"])
async def test_an_epoch_waits_when_the_operator_may_not_commit(world: World, cause: str) -> None:
    await closed_epochs(world, 1)
    assert await take_next(submitter_of(world, RefusingSender(cause), settlement="split"))
    assert world.core.in_flight == 1


async def test_what_cannot_be_proven_stays_until_it_is_pruned_and_is_then_suspected(world: World) -> None:
    await closed_epochs(world, 1)
    core = world.core
    record_on_l1(world, 2)
    async with core.lock:
        await core.not_provable(core.results[2], "ProvingFailed")
    assert (core.in_flight, len(core.trials)) == (1, 0)
    await core.abandon(2, "pruned")
    assert (core.in_flight, len(core.pool), len(core.trials)) == (0, 1, 1)


async def test_an_own_epoch_whose_proof_is_made_is_proven_after_its_deadline_not_pruned(world: World) -> None:
    await closed_epochs(world, 1)
    record, sender = record_on_l1(world, 2), RefusingSender()
    assert record.deadline < world.core.l1_block
    submitter = submitter_of(world, sender, settlement="split")
    await submitter._prune()
    assert sender.sent == [{"data": record.hash()}]
    world.core.store.save_proof(2, bytes(256))
    await submitter._prune()
    assert len(sender.sent) == 1


async def test_a_due_prune_neither_holds_up_what_is_begun_nor_lets_anything_begin(world: World) -> None:
    await closed_epochs(world, 2)
    record, store, sender = record_on_l1(world, 2), world.core.store, Mine()
    submitter = submitter_of(world, sender, settlement="split")
    commit = begun(world, 3, Action.COMMIT)
    store.save_submission(commit)
    # It was sent long ago, and gas has become dearer.
    submitter._sent[commit.hash] = world.core.reorgs
    step = await submitter._due_step()
    assert step is not None
    assert not await submitter._take(step)
    assert (sender.outbid, sender.sent) == ([commit.raw], [])
    store.forget_submissions(3, Action.COMMIT)
    step = await submitter._next_step()
    assert step is not None
    assert step.action == Action.COMMIT
    assert await submitter._due_step() is None
    assert (sender.sent, sender.replaced) == ([{"data": record.hash()}], [None])


async def test_a_pruning_takes_the_nonce_of_a_proof_that_nobody_waits_for(world: World) -> None:
    await closed_epochs(world, 2)
    store, sender = world.core.store, RefusingSender()
    proof = begun(world, 2, Action.PROVE)
    store.save_submission(proof)
    # Somebody else was faster.
    world.core.ledger.confirm(record_on_l1(world, 2))
    store.save_confirmation(2, world.core.l1_block, bytes(32))
    record = record_on_l1(world, 3)
    assert await submitter_of(world, sender, settlement="split")._due_step() is None
    assert sender.sent == [{"data": record.hash()}]
    assert sender.replaced == [SignedTransaction(proof.raw, proof.hash, proof.nonce)]


async def test_no_block_follows_a_pending_epoch_as_old_as_an_anchor(world: World) -> None:
    await closed_epochs(world, 1)
    record_on_l1(world, 2)
    assert not await world.core.is_blocked()
    world.core.l1_block += world.core.policy.anchor_life
    assert await world.core.is_blocked()


class Carrying(Mine):
    """An account that notes which of its transactions carry a blob."""

    def __init__(self) -> None:
        super().__init__()
        self._account = Account.create()
        self.signed: list[tuple[int, bytes, bytes | None, bool]] = []
        self.broadcasts = 0

    async def sign(
        self,
        transaction: TxParams,
        nonce: int,
        replaces: bytes | None = None,
        blob: CommittedBlob | None = None,
    ) -> SignedTransaction:
        """See Sender."""
        data = bytes(cast(bytes, transaction["data"]))
        self.signed.append((nonce, data[:6], replaces, blob is not None))
        return SignedTransaction((b"\3" if blob else b"\2") + data, data[:32].ljust(32, b"\0"), nonce)

    async def broadcast(self, signed: SignedTransaction) -> None:
        """See Sender."""
        self.broadcasts += 1


async def test_a_commit_in_a_blob_never_replaces_a_transaction_without_one(world: World) -> None:
    await closed_epochs(world, 2)
    core, store, sender = world.core, world.core.store, Carrying()
    stale = SubmissionRow(hash=bytes(32), epoch=2, nonce=0, raw=b"\2stale", action=Action.PROVE)
    store.save_submission(stale)
    core.ledger.confirm(record_on_l1(world, 2))
    before = core.results.pop(2).state
    store.save_confirmation(2, core.l1_block, bytes(32))
    core.results[3] = replay(before, core.results[3].words, DataMode.BLOB)
    submitter = submitter_of(world, sender, settlement="split")
    submitter._verifiers[Layout(4, DataMode.BLOB)] = ADDRESS
    # Somebody else was faster, and the node's own proof still waits for its block.
    assert await take_next(submitter)
    assert sender.signed == [(0, b"", stale.raw, False)]
    assert (sender.broadcasts, list(store.submissions(3))) == (1, [])
    # Once its nonce is used, the commit goes.
    store.forget_submissions(2, Action.PROVE)
    assert not await take_next(submitter)
    assert sender.signed[1:] == [(0, b"commit", None, True)]
    [commit] = store.submissions(3)
    assert commit.raw[:1] == b"\3"


async def test_what_is_given_up_while_it_is_signed_is_not_sent(world: World) -> None:
    await closed_epochs(world, 1)
    core = world.core

    class Pruned(Mine):
        async def sign(
            self,
            transaction: TxParams,
            nonce: int,
            replaces: bytes | None = None,
            blob: CommittedBlob | None = None,
        ) -> SignedTransaction:
            async with core.lock:
                await core.abandon(2, "pruned")
            return await super().sign(transaction, nonce, replaces)

        async def broadcast(self, signed: SignedTransaction) -> None:
            raise AssertionError("sent")

    assert not await take_next(submitter_of(world, Pruned(), settlement="split"))
    assert core.store.submissions(2) == []


async def test_a_step_whose_parent_l1_has_lost_meanwhile_blames_nobody(world: World) -> None:
    await closed_epochs(world, 2)
    core = world.core
    core.l1_block += 1
    record_on_l1(world, 2)
    submitter = submitter_of(world, Mine(), settlement="split", pending_epochs=2)
    step = await submitter._next_step()
    assert step is not None
    assert step.row.id == 3
    core.store.roll_back(core.l1_block - 1)
    with pytest.raises(StepOutdated):
        await submitter._take(step)
    assert (core.in_flight, len(core.trials), core.store.submissions(3)) == (2, 0, [])


def begun(world: World, epoch: int, action: Action, signed_at: float = 0) -> SubmissionRow:
    """A transaction of an epoch, signed long ago unless it is said otherwise."""
    return SubmissionRow(
        hash=b"\1" * 32, epoch=epoch, nonce=0, raw=b"stuck", action=action, signed_at=signed_at
    )


class Choosy(Mine):
    """An account whose client refuses each transaction in the same words until it has enough of them."""

    def __init__(self, words: str, refusals: int) -> None:
        super().__init__()
        self._words, self.refusals = words, refusals
        self.offered: list[bytes] = []

    def bytes_of(self, transaction: TxParams) -> bytes:
        """See Mine."""
        return b"bid %d" % len(self.outbid)

    async def broadcast(self, signed: SignedTransaction) -> None:
        """See Sender."""
        self.offered.append(signed.raw)
        if self.refusals:
            self.refusals -= 1
            raise L1Unavailable(self._words)

    async def is_outpriced(self, raw: bytes) -> bool:
        """See Sender."""
        return False


@pytest.mark.parametrize(
    "words",
    [
        "transaction underpriced: gas tip cap 1, minimum needed 2",
        "max fee per gas less than block base fee",
        "replacement transaction underpriced",
        "ReplacementNotAllowed",
    ],
)
async def test_what_a_client_refuses_for_its_fees_is_outbid_again_and_again(world: World, words: str) -> None:
    await closed_epochs(world, 1)
    stuck, sender = begun(world, 2, Action.COMMIT), Choosy(words, 3)
    world.core.store.save_submission(stuck)
    # As after a restart: this process has never sent it.
    submitter = submitter_of(world, sender, settlement="split", resend_after=0.01)
    with pytest.raises(L1Unavailable):
        await take_next(submitter)
    await asyncio.sleep(0.02)
    assert not await take_next(submitter)
    assert sender.outbid == [b"stuck", b"bid 1"]
    assert sender.offered == [b"stuck", b"bid 1", b"bid 1", b"bid 2"]
    assert [row.raw for row in world.core.store.submissions(2)] == [b"stuck", b"bid 1", b"bid 2"]


async def test_a_refused_transaction_is_sent_as_it_is_while_it_is_new(world: World) -> None:
    await closed_epochs(world, 1)
    sender = Choosy("transaction underpriced", 1)
    world.core.store.save_submission(begun(world, 2, Action.COMMIT, signed_at=time.time()))
    submitter = submitter_of(world, sender, settlement="split", resend_after=3600)
    with pytest.raises(L1Unavailable):
        await take_next(submitter)
    assert not await take_next(submitter)
    assert (sender.offered, sender.outbid) == ([b"stuck"] * 2, [])


async def test_an_account_without_money_does_not_offer_more(world: World) -> None:
    await closed_epochs(world, 1)
    sender = Choosy("insufficient funds for gas * price + value", 2)
    world.core.store.save_submission(begun(world, 2, Action.COMMIT))
    submitter = submitter_of(world, sender, settlement="split")
    for _ in range(2):
        with pytest.raises(L1Unavailable):
            await take_next(submitter)
    # Somebody has given it some.
    assert not await take_next(submitter)
    assert (sender.offered, sender.outbid) == ([b"stuck"] * 3, [])


async def test_what_may_not_offer_more_says_so_though_the_client_refuses_it(world: World) -> None:
    await closed_epochs(world, 1)

    class Capped(Choosy):
        def bytes_of(self, transaction: TxParams) -> bytes:
            raise FeeCapReached("max_fee")

    world.core.store.save_submission(begun(world, 2, Action.COMMIT))
    with pytest.raises(FeeCapReached):
        await take_next(submitter_of(world, Capped("transaction underpriced", 9), settlement="split"))

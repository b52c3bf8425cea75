"""Brings epochs to L1, one transaction at a time, each with effect at most once.

A transaction is stored before it is sent. While one with an unused nonce exists, the epoch is never given up:
the same bytes are sent again, or replaced under the same nonce. So whatever L1 includes is known here, also
after a kill. What L1 holds as committed is never given up either: it is proven, or pruned.
"""

import asyncio
import contextlib
import time

import structlog
from eth_typing import ChecksumAddress
from sqlalchemy.exc import SQLAlchemyError
from web3.types import TxParams, Wei

from sotto.l1.blob_transaction import is_blob_transaction
from sotto.l1.errors import ContractRejected, FeeCapReached, L1Error
from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import RollupContract
from sotto.l1.sender import Sender, SignedTransaction
from sotto.node.config import NodeConfig
from sotto.node.core import Core
from sotto.node.errors import StateDiverged
from sotto.node.metrics import Metrics
from sotto.node.settlement import Calls, Step, StepOutdated, next_step, open_layouts
from sotto.node.tables import Action, SubmissionRow
from sotto.protocol.words import Layout

log = structlog.get_logger(category="block")

LONGEST_RETRY_SECONDS = 60.0
PRUNE_SECONDS = 20.0
"""Wait for a pruning before what else is due is looked at; the next one goes on with it."""

OF_LANES = frozenset(
    {
        "ProofInvalid",
        "NonCanonicalField",
        "LaneKindRefused",
        "FeeAssetUnlisted",
        "FeeAssetRepeated",
        "FeeWithoutAsset",
        "ReservedWordUsed",
        "WrongClientProofsLength",
        "WrongProofLength",
        "Panic",
        "Empty",
    }
)
"""Errors of the contracts that a transaction in the epoch may cause; all others are of the moment."""

OF_OPERATION = frozenset(
    {
        "CommitNeedsPolicy",
        "EpochsArePaused",
        "GasTooLowForPolicy",
        "ProposerRefused",
        "ProverRefused",
        "RollupFrozen",
    }
)
"""Errors that another order of transactions would not change: the epoch waits as it is."""


class Submitter:
    """Sends epochs until cancelled.

    Args:
        verifiers: address of each.
        fee_recipient: who gets fees and is named in the proofs.
    """

    def __init__(
        self,
        core: Core,
        config: NodeConfig,
        rollup: RollupContract,
        sender: Sender,
        verifiers: dict[Layout, ChecksumAddress],
        fee_recipient: ChecksumAddress,
        metrics: Metrics,
    ) -> None:
        self._core = core
        self._config = config
        self._rollup = rollup
        self._sender = sender
        self._verifiers = verifiers
        self._calls = Calls(core, rollup, verifiers, fee_recipient)
        self._metrics = metrics
        self._pending = config.pending_epochs if config.settlement == "split" else 0
        self._sent: dict[bytes, int] = {}
        self._with_proof: set[int] = set()
        self._commit_next = False

    async def run(self) -> None:
        """Loop. What L1 refuses is given up and built anew, after a pause that grows."""
        failures = 0
        while True:
            await self._core.submit.wait(self._config.poll_interval)
            confirmed, step = self._core.ledger.confirmed_id, None
            try:
                step = await self._due_step()
                failed = step is not None and await self._take(step)
            except StepOutdated as reason:
                log.info("submission overtaken", cause=str(reason))
                failed = False
            except L1Error as error:
                epoch = confirmed + 1 if step is None else step.row.id
                log.warning("submission delayed", epoch=epoch, cause=str(error))
                failed = True
            except (StateDiverged, SQLAlchemyError):
                raise
            except Exception as error:
                failed = await self._fail(step, error)
            if self._core.ledger.confirmed_id > confirmed:
                failures = 0
            self._commit_next = failed and step is not None and step.action == Action.PROVE
            if failed:
                failures += 1
                self._metrics.submission_failures.inc()
                await asyncio.sleep(min(self._config.retry_wait * 2 ** (failures - 1), LONGEST_RETRY_SECONDS))

    async def _due_step(self) -> Step | None:
        """The next step, unless pending epochs are to be pruned first.

        What is begun comes before that: its nonce does, and nobody else would outbid it.
        """
        step = await self._next_step()
        if step is not None and step.submissions:
            return step
        return None if await self._prune() else step

    async def _prune(self) -> bool:
        """Remove pending epochs that nobody proved in time, as nothing can be built before they are gone.

        True if there were any.
        """
        core = self._core
        pending = await core.store.run(core.store.pending_commits)
        if not pending:
            return False
        record = record_from_bytes(pending[0].record)
        if core.l1_block <= record.deadline:
            return False
        if record.id in core.results:
            row = await core.store.run(core.store.epoch, record.id)
            if row is not None and row.proof is not None:
                # Late, but L1 still takes it.
                return False
        log.warning("pruning pending epochs", first=record.id, deadline=record.deadline)
        _, stale = await self._next_nonce()
        stuck = None if stale is None else SignedTransaction(stale.raw, stale.hash, stale.nonce)
        await self._sender.send(self._rollup.prune(record), PRUNE_SECONDS, instead_of=stuck)
        core.follow.set()
        return True

    async def _next_nonce(self) -> tuple[int, SubmissionRow | None]:
        """The first nonce that is not used, and what was signed with it for an epoch that is done."""
        # Behind one address there may be several L1 nodes, not all of them up to date.
        nonce = max(await self._sender.next_nonce(), await self._sender.next_nonce(self._core.l1_block))
        # A proof that somebody else was faster with may still wait for its block.
        store = self._core.store
        return nonce, await store.run(store.submission_of_nonce, nonce)

    async def _next_step(self) -> Step | None:
        core, store = self._core, self._core.store
        start = core.ledger.confirmed_id + 1
        rows = await store.run(store.epochs, start)
        submissions = await store.run(store.submissions_from, start)
        return next_step(
            rows, core.results, submissions, self._pending, self._with_proof, proofs=not self._commit_next
        )

    async def _take(self, step: Step) -> bool:
        """Do what an epoch needs now. True if it failed."""
        if step.submissions:
            return await self._follow_up(step)
        nonce, stale = await self._next_nonce()
        if stale is not None and is_blob_transaction(stale.raw) != (step.blob is not None):
            # Clients take no transaction with a blob in place of one without, nor the other way round.
            await self._sender.broadcast(await self._sender.sign(self._nothing(), nonce, stale.raw))
            return True
        try:
            transaction = await self._calls.make(step)
            signed = await self._sender.sign(
                transaction, nonce, None if stale is None else stale.raw, step.blob
            )
        except ContractRejected as error:
            # The estimate of gas runs the whole transaction, so that a refusal costs nothing.
            log.error("L1 refuses epoch", epoch=step.row.id, action=step.action, cause=str(error))
            return await self._refused(step, error)
        await self._send(step, signed)
        return False

    async def _send(self, step: Step, signed: SignedTransaction) -> None:
        submission = SubmissionRow(
            hash=signed.hash, epoch=step.row.id, nonce=signed.nonce, raw=signed.raw, action=step.action
        )
        core = self._core
        async with core.lock:
            # It may have been given up, or proven by somebody else, while this was signed.
            if core.results.get(step.row.id) is not step.result:
                return
            await core.store.run(core.store.save_submission, submission)
        await self._broadcast(submission)

    async def _broadcast(self, submission: SubmissionRow) -> None:
        signed = SignedTransaction(submission.raw, submission.hash, submission.nonce)
        await self._sender.broadcast(signed)
        self._sent[submission.hash] = self._core.reorgs
        l1_tx = "0x" + submission.hash.hex()
        log.info("epoch sent", epoch=submission.epoch, action=submission.action, l1_tx=l1_tx)
        self._core.follow.set()

    async def _follow_up(self, step: Step) -> bool:
        # In the block whose events are applied: if that or an earlier one had its effect, it was here.
        next_nonce = await self._sender.next_nonce(self._core.l1_block)
        last = step.submissions[-1]
        for submission in step.submissions:
            receipt = await self._sender.receipt(submission.hash)
            if receipt is None:
                continue
            if receipt["status"] == 1 and receipt["to"] == self._rollup.address:
                # The event brings what follows; the watcher is on its way.
                self._core.follow.set()
                return False
            if receipt["status"] == 1:
                return await self._give_up(step, "cancelled")
            error = await self._sender.reverted(submission.hash, receipt)
            log.error("epoch failed on L1", epoch=step.row.id, action=step.action, cause=str(error))
            return await self._refused(step, error.cause or ContractRejected("Unknown"))
        if next_nonce > last.nonce:
            return await self._give_up(step, "another transaction took the nonce")
        is_old = time.time() - last.signed_at > self._config.resend_after
        # Not sent by this process, or lost with a block.
        if self._sent.get(last.hash) != self._core.reorgs:
            try:
                await self._broadcast(last)
            except L1Error as error:
                if not is_old or not await self._sender.is_too_cheap(last.raw, error):
                    raise
                await self._replace(step, last)
        elif is_old:
            await self._replace(step, last)
        return False

    async def _replace(self, step: Step, last: SubmissionRow) -> None:
        try:
            transaction = await self._calls.make(step)
            signed = await self._sender.sign(transaction, last.nonce, last.raw, step.blob)
        except FeeCapReached:
            # L1's nodes may have forgotten it, and it costs no more than it did; they may refuse it for that.
            with contextlib.suppress(L1Error):
                await self._broadcast(last)
            raise
        except ContractRejected as error:
            # It would fail now, but after a reorganisation its old form might not: use up the nonce.
            log.error("stuck epoch is cancelled", epoch=step.row.id, action=step.action, cause=str(error))
            signed = await self._sender.sign(self._nothing(), last.nonce, last.raw)
        await self._send(step, signed)

    def _nothing(self) -> TxParams:
        """A transaction that only uses up a nonce."""
        return {"to": self._sender.address, "data": b"", "value": Wei(0)}

    async def _refused(self, step: Step, cause: ContractRejected) -> bool:
        """L1 does not take it. A commit is built anew, a proof is sent or made again."""
        store = self._core.store
        if step.action == Action.PROVE and cause.name in OF_LANES:
            # It may name another beneficiary, since a setting was changed.
            await store.run(store.drop_proof, step.row.id)
            self._core.prove.set()
        elif cause.name == "VerifierClosed":
            await self._choose_verifiers()
        elif cause.name == "CommitNeedsProof":
            # A queue item has waited so long that only an epoch with its proof may take it.
            self._with_proof.add(step.row.id)
            await store.run(store.forget_submissions, step.row.id, step.action)
            return True
        elif cause.name in OF_OPERATION:
            await store.run(store.forget_submissions, step.row.id, step.action)
            return True
        return await self._give_up(step, str(cause), cause.name in OF_LANES)

    async def _choose_verifiers(self) -> None:
        """The owner has closed one: from now on epochs are built for those that are open."""
        core = self._core
        layouts = await open_layouts(self._rollup, self._verifiers, self._config.data)
        if layouts and layouts != core.layouts:
            log.warning("verifiers switched", circuits=[layout.circuit for layout in layouts])
            async with core.lock:
                await core.abandon(core.open_id, "the set of open verifiers changed")
                core.use(layouts)

    async def _give_up(self, step: Step, reason: str, suspect: bool = False) -> bool:
        """Forget what was signed for a step, and unless L1 holds the epoch already, the epoch, too."""
        core, epoch = self._core, step.row.id
        if step.action == Action.PROVE:
            log.warning("proof not taken", epoch=epoch, cause=reason)
            await core.store.run(core.store.forget_submissions, epoch, step.action)
            # The epoch may be proven or pruned by now.
            core.follow.set()
            return True
        async with core.lock:
            if core.results.get(epoch) is step.result:
                row = await core.store.run(core.store.epoch, epoch)
                if row is None or row.record is not None:
                    return True
                if suspect:
                    await core.reject(step.result, reason)
                else:
                    await core.abandon(epoch, reason)
        return True

    async def _fail(self, step: Step | None, error: Exception) -> bool:
        """What nobody expected must not end the process again and again: build the epoch anew."""
        log.exception("submission failed", epoch=None if step is None else step.row.id)
        if step is None or step.action == Action.PROVE or self._core.results.get(step.row.id) is None:
            return True
        if await self._core.store.run(self._core.store.submissions, step.row.id):
            return True
        return await self._give_up(step, f"{type(error).__name__}: {error}", suspect=True)

"""Brings proven epochs to L1, one at a time, each with effect at most once.

A transaction is stored before it is sent. While one with an unused nonce exists, the epoch is never given up:
the same bytes are sent again, or replaced under the same nonce. So whatever L1 includes is known here, also
after a kill.
"""

import asyncio
import time
from collections.abc import Sequence
from itertools import islice

import structlog
from eth_typing import ChecksumAddress
from sqlalchemy.exc import SQLAlchemyError
from web3.types import TxParams, Wei

from sotto.l1.errors import ContractRejected, FeeCapReached, L1Error
from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import CommitInput, RollupContract
from sotto.l1.sender import Sender, SignedTransaction
from sotto.node.config import NodeConfig
from sotto.node.core import Core, deposit_of
from sotto.node.errors import StateDiverged
from sotto.node.metrics import Metrics
from sotto.node.tables import EpochRow, SubmissionRow
from sotto.protocol.epoch import EpochResult
from sotto.protocol.l1 import deposit_item
from sotto.protocol.transaction import Kind

log = structlog.get_logger(category="block")

LONGEST_RETRY_SECONDS = 60.0
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


class Submitter:
    """Sends epochs until cancelled.

    Args:
        verifiers: address by number of lanes.
        fee_recipient: who gets fees and is named in the proofs.
    """

    def __init__(
        self,
        core: Core,
        config: NodeConfig,
        rollup: RollupContract,
        sender: Sender,
        verifiers: dict[int, ChecksumAddress],
        fee_recipient: ChecksumAddress,
        metrics: Metrics,
    ) -> None:
        self._core = core
        self._config = config
        self._rollup = rollup
        self._sender = sender
        self._verifiers = verifiers
        self._fee_recipient = fee_recipient
        self._metrics = metrics
        self._sent: dict[bytes, int] = {}

    async def run(self) -> None:
        """Loop. What L1 refuses is given up and built anew, after a pause that grows."""
        failures = 0
        while True:
            await self._core.submit.wait(self._config.poll_interval)
            confirmed = self._core.ledger.confirmed_id
            try:
                await self._prune()
                given_up = await self._step(confirmed + 1)
            except L1Error as error:
                log.warning("submission delayed", epoch=confirmed + 1, cause=str(error))
                given_up = True
            except (StateDiverged, SQLAlchemyError):
                raise
            except Exception as error:
                given_up = await self._fail(confirmed + 1, error)
            if self._core.ledger.confirmed_id > confirmed:
                failures = 0
            if given_up:
                failures += 1
                self._metrics.submission_failures.inc()
                await asyncio.sleep(min(self._config.retry_wait * 2 ** (failures - 1), LONGEST_RETRY_SECONDS))

    async def _prune(self) -> None:
        """Remove pending epochs that nobody proved in time, as nothing can be built before they are gone."""
        core = self._core
        pending = await core.store.run(core.store.pending_commits)
        if not pending:
            return
        record = record_from_bytes(pending[0].record)
        if core.l1_block > record.deadline:
            log.warning("pruning pending epochs", first=record.id, deadline=record.deadline)
            await self._sender.send(self._rollup.prune(record))
            core.follow.set()

    async def _step(self, epoch: int) -> bool:
        """Do what the next epoch needs now. True if it failed."""
        store = self._core.store
        row = await store.run(store.epoch, epoch)
        result = self._core.results.get(epoch)
        if row is None or result is None or row.proof is None or row.record is not None:
            return False
        submissions = await store.run(store.submissions, epoch)
        if submissions:
            return await self._follow_up(row, result, submissions)
        # Behind one address there may be several L1 nodes, not all of them up to date.
        nonce = max(await self._sender.next_nonce(), await self._sender.next_nonce(self._core.l1_block))
        try:
            signed = await self._sender.sign(await self._transaction(row, result), nonce)
        except ContractRejected as error:
            # The estimate of gas runs the whole transaction, so that a refusal costs nothing.
            log.error("L1 refuses epoch", epoch=epoch, cause=str(error))
            return await self._give_up(result, str(error), _of_lanes(error))
        await self._send(epoch, signed)
        return False

    async def _send(self, epoch: int, signed: SignedTransaction) -> None:
        submission = SubmissionRow(hash=signed.hash, epoch=epoch, nonce=signed.nonce, raw=signed.raw)
        await self._core.store.run(self._core.store.save_submission, submission)
        await self._broadcast(submission)

    async def _broadcast(self, submission: SubmissionRow) -> None:
        signed = SignedTransaction(submission.raw, submission.hash, submission.nonce)
        await self._sender.broadcast(signed)
        self._sent[submission.hash] = self._core.reorgs
        log.info("epoch sent", epoch=submission.epoch, l1_tx="0x" + submission.hash.hex())
        self._core.follow.set()

    async def _follow_up(
        self, row: EpochRow, result: EpochResult, submissions: Sequence[SubmissionRow]
    ) -> bool:
        # In the block whose events are applied: if that or an earlier one had the epoch, its record was here.
        next_nonce = await self._sender.next_nonce(self._core.l1_block)
        last = submissions[-1]
        for submission in submissions:
            receipt = await self._sender.receipt(submission.hash)
            if receipt is None:
                continue
            if receipt["status"] == 1 and receipt["to"] == self._rollup.address:
                # The event brings the record; the watcher is on its way.
                self._core.follow.set()
                return False
            if receipt["status"] == 1:
                return await self._give_up(result, "cancelled")
            error = await self._sender.reverted(submission.hash, receipt)
            log.error("epoch failed on L1", epoch=row.id, cause=str(error))
            return await self._give_up(result, str(error), _of_lanes(error.cause))
        if next_nonce > last.nonce:
            return await self._give_up(result, "another transaction took the nonce")
        # Not sent by this process, or lost with a block.
        if self._sent.get(last.hash) != self._core.reorgs:
            await self._broadcast(last)
        elif time.time() - last.signed_at > self._config.resend_after:
            await self._replace(row, result, last)
        return False

    async def _replace(self, row: EpochRow, result: EpochResult, last: SubmissionRow) -> None:
        try:
            signed = await self._sender.sign(await self._transaction(row, result), last.nonce, last.raw)
        except FeeCapReached:
            # L1's nodes may have forgotten it, and it costs no more than it did.
            await self._broadcast(last)
            raise
        except ContractRejected as error:
            # It would fail now, but after a reorganisation its old form might not: use up the nonce.
            log.error("stuck epoch is cancelled", epoch=row.id, cause=str(error))
            empty: TxParams = {"to": self._sender.address, "data": b"", "value": Wei(0)}
            signed = await self._sender.sign(empty, last.nonce, last.raw)
        await self._send(row.id, signed)

    async def _give_up(self, result: EpochResult, reason: str, suspect: bool = False) -> bool:
        core, epoch = self._core, result.words.header.epoch_id
        async with core.lock:
            if core.results.get(epoch) is result:
                row = await core.store.run(core.store.epoch, epoch)
                if row is None or row.record is not None:
                    return True
                if suspect:
                    await core.reject(result, reason)
                else:
                    await core.abandon(epoch, reason)
        return True

    async def _fail(self, epoch: int, error: Exception) -> bool:
        """What nobody expected must not end the process again and again: build the epoch anew."""
        log.exception("submission failed", epoch=epoch)
        store, result = self._core.store, self._core.results.get(epoch)
        submissions = await store.run(store.submissions, epoch)
        if result is None or submissions:
            return True
        return await self._give_up(result, f"{type(error).__name__}: {error}", suspect=True)

    async def _transaction(self, row: EpochRow, result: EpochResult) -> TxParams:
        assert row.proof is not None, "epochs are proven before they are sent"
        records, header = self._core.ledger.records, result.words.header
        commit = CommitInput(
            parent=records[row.id - 1],
            verifier=self._verifiers[row.lanes],
            fee_recipient=self._fee_recipient,
            c=result.c,
            words=row.words,
            queue_tails=await self._tails(header.queue_start, header.queue_end),
            client_proofs=await self._client_proofs(result),
            oldest_successor=None if header.oldest == row.id - 1 else records[header.oldest + 1],
        )
        return self._rollup.commit_and_prove(commit, self._fee_recipient, row.proof)

    async def _tails(self, start: int, end: int) -> list[bytes]:
        store = self._core.store
        rows = islice(await store.run(store.deposits, start, end - start), end - start)
        return [deposit_item(deposit_of(row), row.depositor, row.ciphertext).tail for row in rows]

    async def _client_proofs(self, result: EpochResult) -> bytes:
        ids = [
            lane.link.to_bytes(32)
            for lane in result.words.lanes
            if lane.kind in (Kind.TRANSFER, Kind.ACCOUNT)
        ]
        rows = await self._core.store.run(self._core.store.transactions, ids)
        return b"".join(rows[h].proof for h in ids)


def _of_lanes(cause: ContractRejected | None) -> bool:
    return cause is not None and cause.name in OF_LANES

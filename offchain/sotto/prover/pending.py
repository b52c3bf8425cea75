"""Proves what others have committed, from L1 data alone and without anybody's permission.

The words of a pending epoch are in its commit or that one's blob, the state before it in the epochs that L1
has proven. A proof names its beneficiary (docs/spec/05-epoch.md, m), so nobody who sees it on its way can use
it for himself.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from sotto.l1.errors import BlobUnreadable, ContractRejected, HistoryMismatch, L1Error, TransactionReverted
from sotto.l1.history import check_words, read_words
from sotto.l1.records import record_from_bytes
from sotto.l1.sender import Sender
from sotto.node.errors import ProverUnavailable, ProvingFailed
from sotto.node.follower import FollowConfig, Followed, follow
from sotto.node.tables import CommitRow
from sotto.protocol.epoch import EpochResult, replay
from sotto.protocol.errors import ProtocolError
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import decode_words
from sotto.prover.cluster import ClusterProver
from sotto.prover.interface import Prover

log = structlog.get_logger(category="block")

OVERTAKEN = frozenset({"NotNextToProve"})
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Proven:
    """An epoch that this prover has proven, by an L1 transaction whose hash has 32 bytes."""

    epoch: int
    transaction: bytes


class PendingProver:
    """Proves one pending epoch after the other.

    Args:
        beneficiary: 20 bytes, bound into each proof.
    """

    def __init__(
        self, followed: Followed, prover: Prover, account: LocalAccount, beneficiary: bytes, poll: float
    ) -> None:
        self._followed = followed
        self._prover = prover
        self._sender = Sender(followed.web3, account)
        self._beneficiary = beneficiary
        self._poll = poll
        self._proofs: dict[int, bytes] = {}
        self._false: set[bytes] = set()

    async def next(self) -> Proven | None:
        """Prove the oldest pending epoch. None if there is none, if its words are false, or if somebody else
        was faster.

        Raises L1Error, ProvingFailed, ProverUnavailable, StateDiverged.
        """
        await self._catch_up()
        commit = await self._pending()
        if commit is None or commit.record_hash in self._false:
            return None
        record = record_from_bytes(commit.record)
        result = await self._read(commit, record)
        if result is None:
            self._false.add(commit.record_hash)
            log.error("pending epoch cannot be proven", epoch=record.id, deadline=record.deadline)
            return None
        proof = self._proofs.get(record.z) or await self._prove(commit, result)
        if proof is None:
            log.info("somebody else was faster", epoch=record.id)
            return None
        # After a reorganisation of L1, or an outage, the same words need no other proof.
        self._proofs = {record.z: proof}
        return await self._send(record, result, proof)

    async def _catch_up(self) -> None:
        followed = self._followed
        await followed.following.catch_up(followed.core, followed.chain)

    async def _pending(self) -> CommitRow | None:
        store = self._followed.core.store
        pending = await store.run(store.pending_commits)
        return pending[0] if pending else None

    async def _read(self, commit: CommitRow, record: EpochRecord) -> EpochResult | None:
        """The state transition that was committed; None if the words are not one."""
        followed = self._followed
        published = await followed.rollup.published(commit.l1_tx)
        if published is None:
            return None
        layout = (await followed.rollup.verifiers())[published.verifier]
        try:
            check_words(record, published, followed.core.policy.domain)
            encoded = await read_words(record.id, published, layout, record.commit_block, followed.blobs)
            words = decode_words(encoded, layout.lanes)
            result = await asyncio.to_thread(replay, followed.core.ledger.tip, words, layout.data_mode)
        except (ProtocolError, HistoryMismatch, BlobUnreadable) as error:
            log.warning("false words", epoch=record.id, cause=f"{type(error).__name__}: {error}")
            return None
        return result if result.c == record.c else None

    async def _prove(self, commit: CommitRow, result: EpochResult) -> bytes | None:
        """The proof; None if the epoch is no longer the oldest pending one before it is made."""
        witness = await asyncio.to_thread(lambda: json.dumps(result.witness(self._beneficiary)).encode())
        making = asyncio.create_task(self._prover.prove(result.layout.circuit, witness))
        try:
            while not (await asyncio.wait({making}, timeout=self._poll))[0]:
                # An outage of L1 is no reason to give the proof up.
                with contextlib.suppress(L1Error):
                    await self._catch_up()
                    current = await self._pending()
                    if current is None or current.record_hash != commit.record_hash:
                        return None
            return making.result()
        finally:
            making.cancel()

    async def _send(self, record: EpochRecord, result: EpochResult, proof: bytes) -> Proven | None:
        header, store = result.words.header, self._followed.core.store
        transaction = self._followed.rollup.prove(
            record,
            header.fee_assets,
            header.fee_totals,
            to_checksum_address(self._beneficiary),
            proof,
            await store.run(store.queue_fees, header.queue_start, header.queue_end),
        )
        try:
            receipt = await self._sender.send(transaction)
        except (ContractRejected, TransactionReverted) as error:
            if error.cause_name in OVERTAKEN:
                log.info("somebody else was faster", epoch=record.id)
                return None
            raise
        log.info("epoch proven", epoch=record.id, l1_tx="0x" + bytes(receipt["transactionHash"]).hex())
        return Proven(record.id, bytes(receipt["transactionHash"]))


async def prove_pending(
    config: FollowConfig,
    account: LocalAccount,
    beneficiary: bytes,
    report: Callable[[Proven], None],
    once: bool = False,
) -> None:
    """Prove pending epochs until cancelled, or with `once` until none is left that can be proven.

    Raises StateDiverged, DeploymentInvalid, and with `once` also what is waited for else: L1Error,
    ProvingFailed, ProverUnavailable.
    """
    async with follow(config) as followed:
        cluster = ClusterProver([layout.circuit for layout in followed.core.layouts])
        prover = PendingProver(followed, cluster, account, beneficiary, config.poll_interval)
        try:
            while True:
                try:
                    proven = await prover.next()
                except (L1Error, ProvingFailed, ProverUnavailable) as error:
                    if once:
                        raise
                    log.warning("not proven", cause=f"{type(error).__name__}: {error}")
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if proven is not None:
                    report(proven)
                elif once:
                    return
                else:
                    await asyncio.sleep(config.poll_interval)
        finally:
            await cluster.close()

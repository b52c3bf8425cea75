"""Applies what L1 says to store, ledger and pool.

Epochs of other proposers are adopted from their calldata, or calldata and blob, once they are proven. Before
that they may be false; the node only knows that they are pending, and builds nothing until L1 has proven or
pruned them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from sotto.l1.blobs import BlobReader
from sotto.l1.errors import HistoryMismatch, L1Error
from sotto.l1.events import (
    Event,
    ReceivedCommit,
    ReceivedDeposit,
    ReceivedForced,
    ReceivedFreeze,
    ReceivedProof,
    ReceivedPruning,
)
from sotto.l1.history import read_words
from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import RollupContract
from sotto.l1.watcher import BlockAdded, Change, RolledBack
from sotto.node.core import Core, epoch_row, lane_rows
from sotto.node.errors import StateDiverged
from sotto.node.ledger import Ledger
from sotto.node.rebuild import BASE_LOST, OTHER_EPOCH, is_lost, is_of
from sotto.node.snapshots import INTERVAL, Snapshots, save_snapshot
from sotto.node.tables import CommitRow, DepositRow, EpochRow, EpochStatus, ForcedRow
from sotto.protocol.epoch import EpochResult, replay
from sotto.protocol.errors import ProtocolError
from sotto.protocol.forced import decode_forced
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import Layout, decode_words

log = structlog.get_logger(category="state")

PRUNED = "pruned"
"""Cause of the rollback block that follows a pruning (docs/spec/12-blocks.md)."""


@dataclass(frozen=True, slots=True)
class _FoundWords:
    """All words of an epoch that somebody has committed, unchecked; `layout` says how they are laid out."""

    words: bytes
    layout: Layout


@dataclass(frozen=True, slots=True)
class Progress:
    """The last epochs that are committed and proven, and the length of the queue."""

    head: int
    proven: int
    queue: int


_Found = _FoundWords | StateDiverged | L1Error


class Chain:
    """Keeps a Core in step with L1, and copies its state to `snapshots` from time to time.

    Args:
        blobs: has the data words that are in blobs; None: nobody has them.
        proposer: the account whose commits are this node's, 20 bytes; None: it makes none.
    """

    def __init__(
        self,
        core: Core,
        rollup: RollupContract,
        snapshots: Snapshots | None = None,
        blobs: BlobReader | None = None,
        proposer: bytes | None = None,
    ) -> None:
        self._core = core
        self._rollup = rollup
        self._blobs = blobs or BlobReader(())
        self._proposer = proposer
        self._snapshots = snapshots
        self._saving: asyncio.Task[None] | None = None

    async def apply(self, change: Change) -> None:
        """Apply one change of the watcher. Raises StateDiverged, L1Unavailable, BlobsMissing."""
        core = self._core
        if isinstance(change, RolledBack):
            async with core.lock:
                await self._roll_back(change.number)
        else:
            # Sources of blobs may be slow, and whoever asks this node waits for the lock.
            wanted = await self._to_adopt(change.events)
            found = {commit.record_hash: await self._words_or_cause(commit) for commit in wanted}
            async with core.lock:
                await self._add(change, found)
        await self._take_back()
        core.submit.set()

    async def check(self) -> None:
        """Compare the last confirmed epoch with L1's storage. Raises StateDiverged, L1Unavailable."""
        core = self._core
        async with core.lock:
            confirmed = core.ledger.confirmed_id
            if confirmed not in core.ledger.records:
                raise StateDiverged("L1 holds no record of genesis: is the deployment file of this chain?")
            ours = core.ledger.records[confirmed].hash()
            theirs = await self._rollup.record_hash(confirmed, core.l1_block)
            if ours != theirs:
                raise StateDiverged(
                    f"record of epoch {confirmed}: 0x{ours.hex()} here, 0x{theirs.hex()} on L1"
                )
        await self._take_back()

    async def progress(self) -> Progress:
        """What L1's events up to the last applied block have told."""
        core = self._core
        async with core.lock:
            proven = core.ledger.confirmed_id
            pending = await core.store.run(core.store.pending_commits)
            queue = await core.store.run(core.store.queue_length)
        return Progress(pending[-1].epoch if pending else proven, proven, queue)

    async def finalize(self, block: int) -> None:
        """L1 can no longer lose this block."""
        await self._core.store.run(self._core.store.finalize, block)

    async def _add(self, added: BlockAdded, found: Mapping[bytes, _Found]) -> None:
        core = self._core
        for event in added.events:
            await self._handle(event, found)
        await core.store.run(core.store.save_cursor, added.head)
        core.l1_block = added.head.number
        core.assemble.set()

    async def _handle(self, event: Event, found: Mapping[bytes, _Found]) -> None:
        match event:
            case ReceivedDeposit():
                row = DepositRow(
                    index=event.index,
                    depositor=event.depositor,
                    asset=event.asset,
                    value=event.value,
                    partial=event.partial,
                    ciphertext=event.ciphertext,
                    l1_block=event.position.block_number,
                    l1_tx=event.position.transaction_hash,
                )
                await self._core.store.run(self._core.store.save_deposit, row)
                log.info("deposit queued", index=event.index, asset=event.asset)
            case ReceivedForced():
                forced = ForcedRow(
                    index=event.index,
                    id=decode_forced(event.transaction, self._core.policy.domain).h.to_bytes(32),
                    sender=event.sender,
                    fee=event.fee,
                    body=event.transaction,
                    l1_block=event.position.block_number,
                    l1_tx=event.position.transaction_hash,
                )
                await self._core.store.run(self._core.store.save_forced, forced)
                log.info("forced transaction queued", index=event.index)
            case ReceivedCommit():
                await self._commit(event)
            case ReceivedProof():
                await self._prove(event, found.get(event.record_hash))
            case ReceivedPruning():
                await self._prune(event)
            case ReceivedFreeze():
                await self._core.store.run(self._core.store.save_freeze, event.position.block_number)
                await self._core.end(event.position.block_number)

    async def _commit(self, event: ReceivedCommit) -> None:
        core, store = self._core, self._core.store
        # A crash between an event and the cursor behind it lets the event come again.
        if event.id in core.ledger.records:
            return
        if event.id == 0:
            await store.run(store.save_genesis, genesis_row(event, core.ledger))
            core.ledger.confirm(event.record)
            return
        ours = self._is_ours(event.record)
        if not ours:
            await core.abandon(event.id, OTHER_EPOCH)
        await store.run(store.save_commit, _commit_row(event), ours)

    async def _to_adopt(self, events: Sequence[Event]) -> list[CommitRow]:
        """Commits of other proposers that events of a block prove, as far as can be told before."""
        core, store = self._core, self._core.store
        here = {
            event.record_hash: _commit_row(event) for event in events if isinstance(event, ReceivedCommit)
        }
        wanted = []
        for event in events:
            if isinstance(event, ReceivedProof) and event.id not in core.ledger.records:
                commit = here.get(event.record_hash) or await store.run(store.commit, event.record_hash)
                if commit is not None and not self._is_ours(record_from_bytes(commit.record)):
                    wanted.append(commit)
        return wanted

    async def _prove(self, event: ReceivedProof, found: _Found | None) -> None:
        core, store = self._core, self._core.store
        if event.id in core.ledger.records:
            return
        commit = await store.run(store.commit, event.record_hash)
        if commit is None:
            raise StateDiverged(f"L1 proved a record of epoch {event.id} whose commit was not seen")
        record = record_from_bytes(commit.record)
        if not self._is_ours(record):
            # What was built here, after a pruning that L1 has lost since, does not follow it.
            await core.abandon(event.id, OTHER_EPOCH)
            await self._adopt(commit, found or await self._words_or_cause(commit))
        core.ledger.confirm(record)
        core.results.pop(event.id, None)
        position = event.position
        await store.run(store.save_confirmation, event.id, position.block_number, position.transaction_hash)
        log.info("epoch proven", epoch=event.id, l1_block=position.block_number)
        self._take_snapshot()

    async def _prune(self, event: ReceivedPruning) -> None:
        core = self._core
        # It comes again behind the proof of a later epoch with this id.
        if event.first in core.ledger.records:
            return
        await core.store.run(core.store.prune_commits, event.first, event.position.block_number)
        await core.abandon(event.first, PRUNED)
        log.warning("epochs pruned", first=event.first, last=event.last)

    def _take_snapshot(self) -> None:
        """Write the confirmed state beside the work, unless the last one is still being written."""
        ledger, snapshots = self._core.ledger, self._snapshots
        if snapshots is None or ledger.confirmed_id % INTERVAL or (self._saving and not self._saving.done()):
            return
        # States are never changed once the ledger has them.
        self._saving = asyncio.create_task(
            asyncio.to_thread(save_snapshot, snapshots, ledger.confirmed), name="snapshot"
        )

    def _is_ours(self, record: EpochRecord) -> bool:
        known = self._core.results.get(record.id)
        return known is not None and is_of(record, known)

    async def _take_back(self) -> None:
        """Take up pending epochs that this node committed and has given up since.

        L1 may have lost what made it give them up, or the database is gone.
        """
        core = self._core
        for commit in [] if self._proposer is None else await core.store.run(core.store.pending_commits):
            if commit.epoch in core.results:
                continue
            if record_from_bytes(commit.record).proposer != self._proposer or commit.epoch != core.open_id:
                return
            found = await self._words_or_cause(commit)
            async with core.lock:
                if commit.epoch != core.open_id:
                    return
                try:
                    result = await self._replay(commit, found)
                except (StateDiverged, L1Error) as error:
                    log.warning("own pending epoch not read", epoch=commit.epoch, cause=str(error))
                    return
                # What has been ordered meanwhile, for an epoch that is still open.
                await core.abandon(commit.epoch, OTHER_EPOCH)
                rows = lane_rows(result)
                await core.store.run(core.store.adopt, epoch_row(result), rows, commit)
                core.ledger.append(result)
                core.results[commit.epoch] = result
                await core.overtake({row.id for row in rows})
            log.info("epoch taken back", epoch=commit.epoch, lanes=len(rows))
            core.prove.set()

    async def _adopt(self, commit: CommitRow, found: _Found) -> None:
        """Take an epoch of another proposer that L1 has proven."""
        core = self._core
        result = await self._replay(commit, found)
        rows = lane_rows(result)
        await core.store.run(core.store.adopt, epoch_row(result, foreign=True), rows, commit)
        core.ledger.append(result)
        await core.overtake({row.id for row in rows})
        log.info("epoch adopted", epoch=commit.epoch, lanes=len(rows))

    async def _words_or_cause(self, commit: CommitRow) -> _Found:
        """What is raised only when it is needed: what happens before it in the block is to be known."""
        try:
            return await self._words(commit)
        except (StateDiverged, L1Error) as error:
            return error

    async def _words(self, commit: CommitRow) -> _FoundWords:
        """What a commit published. Raises StateDiverged if that is nothing, L1Unavailable, BlobsMissing."""
        published = await self._rollup.published(commit.l1_tx)
        if published is None:
            raise StateDiverged(
                f"epoch {commit.epoch} was not committed by a direct call, so its words are unknown"
            )
        layout = (await self._rollup.verifiers())[published.verifier]
        try:
            # Without its data nothing can follow: the event comes again until a source has it.
            encoded = await read_words(commit.epoch, published, layout, commit.commit_block, self._blobs)
        except HistoryMismatch as error:
            raise StateDiverged(f"epoch {commit.epoch} on L1 cannot be read: {error}") from error
        return _FoundWords(encoded, layout)

    async def _replay(self, commit: CommitRow, found: _Found) -> EpochResult:
        """The epoch behind the last one that is known here.

        Raises the cause if its words were not found, and StateDiverged if they are none.
        """
        if isinstance(found, Exception):
            raise found
        try:
            words = decode_words(found.words, found.layout.lanes)
            result = await asyncio.to_thread(replay, self._core.ledger.tip, words, found.layout.data_mode)
        except ProtocolError as error:
            raise StateDiverged(f"epoch {commit.epoch} on L1 does not follow: {error}") from error
        if not is_of(record_from_bytes(commit.record), result):
            # The same state with other ciphertexts would rob wallets of their notes.
            raise StateDiverged(f"the words of epoch {commit.epoch} are not those of its record")
        return result

    async def _roll_back(self, number: int) -> None:
        core, store = self._core, self._core.store
        log.warning("L1 reorganised", last_common_block=number)
        unproven: Sequence[int] = await store.run(store.roll_back, number)
        core.l1_block = number
        core.reorgs += 1
        core.frozen = await store.run(store.frozen_block)
        if unproven:
            core.ledger.unconfirm(unproven[0])
        queued = await store.run(store.queue_length)
        rows = await store.run(store.epochs, core.ledger.confirmed_id + 1)
        lost = next((row.id for row in rows if is_lost(row, queued)), None)
        if lost is None and core.open is not None and core.open.queue_end > queued:
            lost = core.open_id
        if lost is not None:
            await core.abandon(lost, BASE_LOST)
        if unproven:
            await self._restore_results(unproven[0])
        for commit in await store.run(store.pending_commits):
            # With a pruning, L1 loses what was built after it: what it had removed is pending again.
            if commit.epoch in core.results and not self._is_ours(record_from_bytes(commit.record)):
                await core.abandon(commit.epoch, OTHER_EPOCH)
                break

    async def _restore_results(self, first: int) -> None:
        core = self._core
        for row in await core.store.run(core.store.epochs, first):
            before = core.ledger.state(row.id - 1)
            if before is None:
                raise StateDiverged(f"the state before epoch {row.id} is not in memory: start the node again")
            words = decode_words(row.words, row.lanes)
            core.results[row.id] = await asyncio.to_thread(replay, before, words, row.layout.data_mode)


def _commit_row(event: ReceivedCommit) -> CommitRow:
    return CommitRow(
        record_hash=event.record_hash,
        epoch=event.id,
        record=event.record.encode(),
        commit_block=event.position.block_number,
        l1_tx=event.position.transaction_hash,
    )


def genesis_row(event: ReceivedCommit, ledger: Ledger) -> EpochRow:
    """The row of epoch 0. Raises StateDiverged if the ledger begins with another state."""
    state = ledger.tip
    if event.record.new_state != state.hash():
        raise StateDiverged("the deployment has another genesis state: it is of another version")
    return EpochRow(
        id=0,
        status=EpochStatus.CONFIRMED,
        lanes=0,
        words=b"",
        state=state.hash(),
        note_root=state.note.root,
        account_root=state.account.root,
        first_node=0,
        record=event.record.encode(),
        commit_block=event.position.block_number,
        proof_block=event.position.block_number,
        l1_tx=event.position.transaction_hash,
    )

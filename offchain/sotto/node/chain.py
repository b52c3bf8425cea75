"""Applies what L1 says to store, ledger and pool; adopts epochs of other proposers from their calldata."""

import asyncio
from collections.abc import Sequence

import structlog

from sotto.l1.events import Event, ReceivedCommit, ReceivedDeposit, ReceivedProof
from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import RollupContract
from sotto.l1.watcher import BlockAdded, Change, RolledBack
from sotto.node.core import Core, epoch_row, lane_rows
from sotto.node.errors import StateDiverged
from sotto.node.ledger import Ledger
from sotto.node.store import Store
from sotto.node.tables import DepositRow, EpochRow, EpochStatus
from sotto.protocol.epoch import EpochResult, replay
from sotto.protocol.errors import ProtocolError
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import decode_words

log = structlog.get_logger(category="l1")


def rebuild(store: Store) -> tuple[Ledger, dict[int, EpochResult]]:
    """Ledger and results of unconfirmed epochs from the stored words alone.

    An epoch of this node that L1 has not proven and that does not follow any more is given up. Raises
    StateDiverged if one that L1 has proven gives another state.
    """
    ledger, results = Ledger(), {}
    for row in store.epochs():
        if row.id == 0:
            ledger.confirm(_record(row))
            continue
        confirmed = row.status == EpochStatus.CONFIRMED
        try:
            result = replay(ledger.tip, decode_words(row.words, row.lanes))
        except ProtocolError as error:
            if confirmed:
                raise StateDiverged(f"stored epoch {row.id} does not follow: {error}") from error
            log.warning("unfinished epoch given up", epoch=row.id, cause=str(error))
            store.abandon_from(row.id)
            break
        ledger.append(result)
        if confirmed:
            ledger.confirm(_record(row))
        else:
            results[row.id] = result
    return ledger, results


class Chain:
    """Keeps a Core in step with L1."""

    def __init__(self, core: Core, rollup: RollupContract) -> None:
        self._core = core
        self._rollup = rollup

    async def apply(self, change: Change) -> None:
        """Apply one change of the watcher. Raises StateDiverged, L1Unavailable."""
        core = self._core
        async with core.lock:
            if isinstance(change, RolledBack):
                await self._roll_back(change.number)
            else:
                await self._add(change)
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

    async def finalize(self, block: int) -> None:
        """L1 can no longer lose this block."""
        await self._core.store.run(self._core.store.finalize, block)

    async def _add(self, added: BlockAdded) -> None:
        core = self._core
        for event in added.events:
            await self._handle(event)
        await core.store.run(core.store.save_cursor, added.head)
        core.l1_block = added.head.number
        core.assemble.set()

    async def _handle(self, event: Event) -> None:
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
            case ReceivedCommit():
                await self._commit(event)
            case ReceivedProof():
                await self._prove(event)

    async def _commit(self, event: ReceivedCommit) -> None:
        core, store = self._core, self._core.store
        # A crash between an event and the cursor behind it lets the event come again.
        if event.id in core.ledger.records:
            return
        if event.id == 0:
            await store.run(store.assign, _genesis_row(event, core.ledger), [])
        else:
            known = core.results.get(event.id)
            if known is None or known.c != event.record.c or known.z != event.record.z:
                await self._adopt(event)
        position = event.position
        await store.run(
            store.save_commit,
            event.id,
            event.record.encode(),
            position.block_number,
            position.transaction_hash,
        )
        if event.id == 0:
            await store.run(store.save_confirmation, 0, position.block_number, position.transaction_hash)
            core.ledger.confirm(event.record)

    async def _prove(self, event: ReceivedProof) -> None:
        core, store = self._core, self._core.store
        if event.id in core.ledger.records:
            return
        row = await store.run(store.epoch, event.id)
        if row is None or row.record is None:
            raise StateDiverged(f"L1 proved epoch {event.id}, whose commit was not seen")
        record = _record(row)
        if record.hash() != event.record_hash:
            raise StateDiverged(f"L1 proved another record of epoch {event.id} than it committed")
        core.ledger.confirm(record)
        core.results.pop(event.id, None)
        position = event.position
        await store.run(store.save_confirmation, event.id, position.block_number, position.transaction_hash)
        log.info("epoch proven", epoch=event.id, l1_block=position.block_number)

    async def _adopt(self, event: ReceivedCommit) -> None:
        """Take an epoch that another proposer committed in place of our own ones."""
        core = self._core
        await core.abandon(event.id, "another proposer's epoch is on L1")
        published = await self._rollup.published(event.position.transaction_hash)
        if published is None:
            raise StateDiverged(
                f"epoch {event.id} was not committed by a direct call, so its words are unknown"
            )
        lanes = (await self._rollup.verifiers())[published.verifier]
        try:
            words = decode_words(published.words, lanes)
            result = await asyncio.to_thread(replay, core.ledger.tip, words)
        except ProtocolError as error:
            # A commit without proof may be false; only what L1 has proven must follow.
            raise StateDiverged(f"epoch {event.id} of another proposer does not follow: {error}") from error
        rows = lane_rows(result)
        await core.store.run(core.store.assign, epoch_row(result, foreign=True), rows)
        core.ledger.append(result)
        core.results[event.id] = result
        taken = {row.id for row in rows}
        core.pool.remove(
            bundle for bundle in core.pool if any(member.h.to_bytes(32) in taken for member in bundle.members)
        )
        log.info("epoch adopted", epoch=event.id, lanes=len(rows))

    async def _roll_back(self, number: int) -> None:
        core, store = self._core, self._core.store
        log.warning("L1 reorganised", last_common_block=number)
        unproven: Sequence[int] = await store.run(store.roll_back, number)
        core.l1_block = number
        core.reorgs += 1
        if unproven:
            core.ledger.unconfirm(unproven[0])
            foreign = [row.id for row in await store.run(store.epochs, unproven[0]) if row.foreign]
            if foreign:
                await core.abandon(foreign[0], "L1 lost another proposer's epoch")
            await self._restore_results(unproven[0])

    async def _restore_results(self, first: int) -> None:
        core = self._core
        for row in await core.store.run(core.store.epochs, first):
            before = core.ledger.state(row.id - 1)
            if before is None:
                raise StateDiverged(f"the state before epoch {row.id} is not in memory: start the node again")
            core.results[row.id] = await asyncio.to_thread(replay, before, decode_words(row.words, row.lanes))


def _record(row: EpochRow) -> EpochRecord:
    assert row.record is not None, "confirmed epochs have their record"
    return record_from_bytes(row.record)


def _genesis_row(event: ReceivedCommit, ledger: Ledger) -> EpochRow:
    state = ledger.tip
    if event.record.new_state != state.hash():
        raise StateDiverged("the deployment has another genesis state: it is of another version")
    return EpochRow(
        id=0,
        lanes=0,
        words=b"",
        state=state.hash(),
        note_root=state.note.root,
        account_root=state.account.root,
        first_node=0,
    )

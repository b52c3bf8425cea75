"""What the API answers, from core and store."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sotto
from sotto.l1.deployment import Deployment
from sotto.node import views
from sotto.node.attachments import ATTACHMENT_WORD
from sotto.node.blocks import NO_PARENT
from sotto.node.core import Core
from sotto.node.errors import (
    AttachmentUnknown,
    BlobUnknown,
    BlockUnknown,
    NotReady,
    RangeUnaligned,
    RequestMalformed,
    TransactionUnknown,
)
from sotto.node.events import Feed
from sotto.node.metrics import Metrics
from sotto.node.open_epoch import block_entries
from sotto.node.tables import DepositRow, EpochRow, EpochStatus, TransactionStatus
from sotto.protocol.accounts import Operation
from sotto.protocol.field import Field, byte_word_to_json, field_to_json, integer_to_json, to_byte_word
from sotto.protocol.transaction import Kind, ProvenTransaction
from sotto.protocol.words import l1_words_length

GRID = 256
MOST_NODES = 4096
MOST_EPOCHS = 256
MOST_BLOCKS = 256
MOST_NUMBER = 1 << 63
GENESIS_LEAVES = 4
SKIPPED = "NullifierSpent: a note was spent before, so the forced transaction had no effect"
_ID = re.compile(r"0x[0-9a-f]{64}")


class Submissions(Protocol):
    """What takes transactions: a Mempool, or something that says why it does not."""

    async def admit(
        self,
        proven: Sequence[ProvenTransaction],
        operations: Sequence[Operation],
        attachments: Mapping[Field, bytes] | None = None,
    ) -> list[Field]:
        """See Mempool."""


class Queries:
    """Answers of one node."""

    def __init__(
        self, core: Core, mempool: Submissions, deployment: Deployment, metrics: Metrics, feed: Feed
    ) -> None:
        self._core = core
        self._mempool = mempool
        self._deployment = deployment
        self._metrics = metrics
        self.feed = feed
        self._problem: Exception | None = NotReady("the node is starting")

    def set_ready(self, problem: Exception | None) -> None:
        """Readiness, or what is in its way."""
        self._problem = problem

    def require_ready(self) -> None:
        """Raise NotReady with the cause."""
        if self._problem is not None:
            raise NotReady(f"{type(self._problem).__name__}: {self._problem}")

    async def metrics(self) -> bytes:
        """Prometheus text."""
        core = self._core
        notes, memos = await core.store.run(core.store.note_counts)
        accounts = core.ledger.confirmed.account.count
        return self._metrics.render(core, notes, memos, accounts - GENESIS_LEAVES, self.feed.clients)

    def count_refusal(self, code: str) -> None:
        """For the metrics."""
        self._metrics.refused.labels(code).inc()

    async def status(self) -> dict[str, Any]:
        """GET /v1/status."""
        core, ledger, deployment = self._core, self._core.ledger, self._deployment
        confirmed = ledger.confirmed
        waiting = (
            len(core.pool)
            + len(core.ordered)
            + sum(
                lane.link != 0 and lane.kind != 2
                for result in core.results.values()
                for lane in result.words.lanes
            )
        )
        record = ledger.records.get(ledger.confirmed_id)
        block = await core.store.run(core.store.last_block)
        return {
            "chain_id": deployment.chain_id,
            "rollup": deployment.address("Rollup"),
            "bridge": deployment.address("Bridge"),
            "queue": deployment.address("L1Queue"),
            "domain": byte_word_to_json(to_byte_word(core.policy.domain)),
            "head": await self._head(),
            "proven": ledger.confirmed_id,
            "state": field_to_json(confirmed.hash()),
            "now": 0 if record is None else record.timestamp_block,
            "l1_block": core.l1_block,
            "frozen": core.frozen is not None,
            "lanes": list(core.sizes),
            "note_nodes": confirmed.note.size // 4,
            "queue_cursor": 0 if record is None else record.queue_end,
            "pending": waiting,
            "block": 0 if block is None else block.number,
            "min_expiry_margin": core.policy.expiry_margin,
            "version": sotto.__version__,
        }

    async def _head(self) -> int:
        """The last epoch committed on L1: the confirmed one, or pending ones behind it."""
        pending = await self._core.store.run(self._core.store.pending_commits)
        return max((commit.epoch for commit in pending), default=self._core.ledger.confirmed_id)

    async def state(self) -> dict[str, Any]:
        """GET /v1/state."""
        core = self._core
        async with core.lock:
            ledger, opened = core.ledger, core.open
            block = await core.store.run(core.store.last_block)
            return {
                "proven": views.state_json(ledger.confirmed_id, ledger.confirmed),
                "closed": views.state_json(ledger.tip_id, ledger.tip),
                "open": None
                if opened is None
                else {"epoch": opened.id, "lanes": opened.lanes, "queue_end": opened.queue_end},
                "block": {
                    "number": 0 if block is None else block.number,
                    "hash": views.hex_bytes(NO_PARENT if block is None else block.hash()),
                },
            }

    async def blocks(self, start: int, count: int) -> list[dict[str, Any]]:
        """GET /v1/blocks."""
        if start < 1 or not 0 < count <= MOST_BLOCKS:
            raise RequestMalformed(f"start is at least 1, count 1 to {MOST_BLOCKS}")
        store = self._core.store
        return [views.block_json(block) for block in await store.run(store.blocks, start, count)]

    async def block(self, number: int) -> dict[str, Any]:
        """GET /v1/blocks/{number}."""
        store = self._core.store
        block = await store.run(store.block, number) if 0 < number < MOST_NUMBER else None
        if block is None:
            raise BlockUnknown(str(number))
        return views.block_json(block)

    def fees(self) -> list[dict[str, Any]]:
        """GET /v1/fees."""
        listed = {asset.asset: asset for asset in self._deployment.assets}
        return [
            {
                "asset": integer_to_json(asset),
                "symbol": listed[asset].symbol,
                "decimals": listed[asset].decimals,
                "fee": integer_to_json(fee),
            }
            for asset, fee in self._core.policy.fees.items()
        ]

    def assets(self) -> list[dict[str, Any]]:
        """GET /v1/assets."""
        return [views.asset_json(asset) for asset in self._deployment.assets]

    async def submit(
        self,
        proven: Sequence[ProvenTransaction],
        operations: Sequence[Operation],
        attachments: Mapping[Field, bytes],
    ) -> dict[str, Any]:
        """POST /v1/transactions."""
        self.require_ready()
        ids = await self._mempool.admit(proven, operations, attachments)
        return {"ids": [field_to_json(h) for h in ids], "status": str(TransactionStatus.RECEIVED)}

    async def transaction(self, text: str) -> dict[str, Any]:
        """GET /v1/transactions/{h}. Deposits are found by their h, too."""
        h, store = _parse_id(text), self._core.store
        row = await store.run(store.transaction, h)
        if row is not None:
            epoch = None if row.epoch is None else await store.run(store.epoch, row.epoch)
            answer = {
                "status": row.status,
                "block": row.block,
                "epoch": row.epoch,
                "lane": row.lane,
                "reason": row.reason,
            }
        else:
            epoch, answer = await self._deposit(h)
        l1_tx = None if epoch is None or epoch.l1_tx is None else views.hex_bytes(epoch.l1_tx)
        return {"id": text, **answer, "l1_tx": l1_tx}

    async def attachment(self, text: str) -> dict[str, Any]:
        """GET /v1/transactions/{h}/attachment."""
        h, store = _parse_id(text), self._core.store
        found = await store.run(store.attachments, [h])
        if h not in found:
            raise AttachmentUnknown(text)
        return {"id": text, "attachment": views.hex_bytes(found[h])}

    async def _deposit(self, h: bytes) -> tuple[EpochRow | None, dict[str, Any]]:
        """Epoch and place of a lane that no client has sent."""
        store, epoch, number, place = self._core.store, None, None, self._open_place(h)
        if place is None:
            lane = await store.run(store.lane_of, h)
            if lane is None:
                if await store.run(store.forced, h) is None:
                    raise TransactionUnknown("0x" + h.hex())
                return None, _place(TransactionStatus.RECEIVED)
            epoch, number, place = await store.run(store.epoch, lane.epoch), lane.epoch, lane.lane
        elif self._core.open is not None:
            number = self._core.open.id
        reason = None
        if epoch is not None and place is not None:
            kind = views.words_of(epoch.words, epoch.lanes).lanes[place].kind
            reason = SKIPPED if kind == Kind.SKIPPED else None
        return epoch, _place(_lane_status(epoch), number, place, reason)

    def _open_place(self, h: bytes) -> int | None:
        """Lane of a deposit in the open epoch."""
        opened = self._core.open
        if opened is None:
            return None
        entries = block_entries(self._core.policy.domain, opened.queue_start, opened.ordered)
        return next((lane for lane, entry in enumerate(entries) if entry.h.to_bytes(32) == h), None)

    async def pending(self) -> list[dict[str, Any]]:
        """GET /v1/pending."""
        core, store = self._core, self._core.store
        entries: list[dict[str, Any]] = []
        # In the middle of a change a transaction could be in both or neither, or a deposit be missing.
        async with core.lock:
            for row in await store.run(store.epochs, core.ledger.confirmed_id + 1):
                entries += views.epoch_entries(row, await self._deposits_of(row), placed=False)
            if core.open is not None:
                rows = await self._deposits(core.open.queue_start, core.open.queue_end)
                entries += views.open_entries(core.open, core.policy.domain, rows)
            entries += [views.waiting_entry(member) for bundle in core.pool for member in bundle.members]
        return entries

    async def epochs(self, start: int, count: int) -> list[dict[str, Any]]:
        """GET /v1/epochs."""
        if start < 0 or not 0 < count <= MOST_EPOCHS:
            raise RequestMalformed(f"start is at least 0, count 1 to {MOST_EPOCHS}")
        store = self._core.store
        return [views.epoch_json(row) for row in await store.run(store.epochs, start, count, confirmed=True)]

    async def blob(self, text: str) -> bytes:
        """GET /v1/blobs/{versioned hash}: the data words."""
        versioned_hash, store = _parse_id(text), self._core.store
        row = await store.run(store.epoch_with_blob, versioned_hash)
        if row is None:
            raise BlobUnknown(text)
        return row.words[l1_words_length(row.lanes) :]

    async def notes(self, start: int, count: int) -> dict[str, Any]:
        """GET /v1/notes."""
        _check_range(start, count)
        store, end = self._core.store, start + count
        final = await store.run(store.last_finalized)
        rows, items = await store.run(store.lanes_by_nodes, start, end)
        deposits = {item.index: item for item in items}
        entries = [
            entry
            for row in rows
            for entry in views.epoch_entries(row, deposits)
            if start <= entry["node"] < end  # type: ignore[operator]
        ]
        complete = final is not None and end <= final.first_node + final.lanes
        return {"start": start, "count": count, "complete": complete, "entries": entries}

    async def attachments(self, start: int, count: int) -> dict[str, Any]:
        """GET /v1/attachments."""
        _check_range(start, count)
        store = self._core.store
        nodes = {
            lane.link.to_bytes(32): row.first_node + number
            for row in await store.run(store.epochs_by_nodes, start, start + count)
            for number, lane in enumerate(views.words_of(row.words, row.lanes).lanes)
            if lane.ext[ATTACHMENT_WORD] and start <= row.first_node + number < start + count
        }
        found = await store.run(store.attachments, list(nodes))
        entries = [
            {"node": node, "id": views.hex_bytes(h), "attachment": views.hex_bytes(found[h])}
            for h, node in nodes.items()
            if h in found
        ]
        return {"start": start, "count": count, "entries": entries}

    async def _deposits_of(self, row: EpochRow) -> dict[int, DepositRow]:
        header = views.words_of(row.words, row.lanes).header
        return await self._deposits(header.queue_start, header.queue_end)

    async def _deposits(self, start: int, end: int) -> dict[int, DepositRow]:
        """The deposits among queue items; what a forced transaction is stands in the words."""
        if start == end:
            return {}
        store = self._core.store
        rows = await store.run(store.queue_items, start, end - start)
        return {row.index: row for row in rows if isinstance(row, DepositRow)}


def _place(
    status: TransactionStatus, epoch: int | None = None, lane: int | None = None, reason: str | None = None
) -> dict[str, Any]:
    return {"status": str(status), "block": None, "epoch": epoch, "lane": lane, "reason": reason}


def _parse_id(text: str) -> bytes:
    if not _ID.fullmatch(text):
        raise RequestMalformed("an id or hash is 0x and 64 lower-case hex digits")
    return bytes.fromhex(text[2:])


def _check_range(start: int, count: int) -> None:
    if start < 0 or start % GRID or count <= 0 or count % GRID or count > MOST_NODES:
        raise RangeUnaligned(f"start {start}, count {count}")


def _lane_status(epoch: EpochRow | None) -> TransactionStatus:
    if epoch is None or epoch.record is None:
        return TransactionStatus.SOFT_FINAL
    if epoch.status != EpochStatus.CONFIRMED:
        return TransactionStatus.COMMITTED
    return TransactionStatus.FINALIZED if epoch.finalized else TransactionStatus.PROVEN

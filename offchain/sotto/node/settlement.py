"""What an epoch's next L1 transaction is, and how it is made (docs/spec/06-l1.md).

One transaction is under way at a time: what is begun comes first, then the proof of the oldest pending epoch,
then the next commit.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from web3.types import TxParams

from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import CommitInput, RollupContract
from sotto.node.core import Core, tail_of
from sotto.node.tables import Action, EpochRow, SubmissionRow
from sotto.protocol.epoch import EpochResult
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.transaction import Kind
from sotto.protocol.words import DataMode, Layout


class StepOutdated(Exception):  # noqa: N818 - it is no error
    """L1 has lost what a step was chosen for."""


@dataclass(frozen=True, slots=True)
class Step:
    """An action for one epoch, and the transactions that were signed for it, oldest first."""

    row: EpochRow
    result: EpochResult
    action: Action
    submissions: tuple[SubmissionRow, ...] = ()

    @property
    def blob(self) -> CommittedBlob | None:
        """What its transaction must carry."""
        return None if self.action == Action.PROVE else self.result.blob


def next_step(
    rows: Sequence[EpochRow],
    results: Mapping[int, EpochResult],
    submissions: Sequence[SubmissionRow],
    pending: int,
    with_proof: Set[int] = frozenset(),
    proofs: bool = True,
) -> Step | None:
    """What L1 needs now, None if nothing. Pure.

    Args:
        rows: the closed epochs that are not confirmed, in order.
        submissions: signed transactions of these, oldest first.
        pending: so many epochs may be committed and not proven; 0: an epoch is committed with its proof.
        with_proof: epochs whose commit L1 takes with their proof only.
        proofs: whether to prove what is pending; a proof that L1 refuses must not keep commits back.
    """
    known = [row for row in rows if row.id in results]
    if not known:
        return None
    for row in known:
        is_waited_for = {Action.PROVE} if row.record is not None else {Action.SETTLE, Action.COMMIT}
        begun = tuple(s for s in submissions if s.epoch == row.id and s.action in is_waited_for)
        if begun:
            return Step(row, results[row.id], Action(begun[-1].action), begun)
    first = known[0]
    if proofs and first.record is not None and first.proof is not None:
        return Step(first, results[first.id], Action.PROVE)
    free = next((row for row in known if row.record is None), None)
    if free is None:
        return None
    if pending and free.id not in with_proof:
        has_room = free.id - first.id < pending
        return Step(free, results[free.id], Action.COMMIT) if has_room else None
    if free is first and free.proof is not None:
        return Step(free, results[free.id], Action.SETTLE)
    return None


class Calls:
    """Makes the L1 transactions of a node's epochs.

    Args:
        verifiers: address of each.
        fee_recipient: who gets fees and is named in the proofs.
    """

    def __init__(
        self,
        core: Core,
        rollup: RollupContract,
        verifiers: Mapping[Layout, ChecksumAddress],
        fee_recipient: ChecksumAddress,
    ) -> None:
        self._core = core
        self._rollup = rollup
        self._verifiers = verifiers
        self._fee_recipient = fee_recipient

    async def make(self, step: Step) -> TxParams:
        """The transaction of a step, not signed yet. Raises StepOutdated."""
        if step.action == Action.PROVE:
            return await self._prove(step)
        commit = await self._commit_input(step)
        if step.action == Action.COMMIT:
            return self._rollup.commit(commit)
        assert step.row.proof is not None, "epochs are proven before they are settled"
        return self._rollup.commit_and_prove(commit, self._fee_recipient, step.row.proof)

    async def _prove(self, step: Step) -> TxParams:
        row, header = step.row, step.result.words.header
        assert row.record is not None, "only what L1 holds is proven"
        assert row.proof is not None, "the proof is made"
        record = record_from_bytes(row.record)
        queue_fees = await self._queue_fees(header.queue_start, header.queue_end)
        return self._rollup.prove(
            record, header.fee_assets, header.fee_totals, self._fee_recipient, row.proof, queue_fees
        )

    async def _commit_input(self, step: Step) -> CommitInput:
        row, result = step.row, step.result
        header = result.words.header
        return CommitInput(
            parent=await self._record(row.id - 1),
            verifier=self._verifiers[result.layout],
            fee_recipient=self._fee_recipient,
            c=result.c,
            words=row.words if result.blob is None else result.words.encode_l1(),
            blob=await asyncio.to_thread(_opened, result),
            queue_tails=await self._tails(header.queue_start, header.queue_end),
            client_proofs=await self._client_proofs(result),
            oldest_successor=None if header.oldest == row.id - 1 else await self._record(header.oldest + 1),
        )

    async def _record(self, epoch: int) -> EpochRecord:
        """The record of a confirmed or pending epoch."""
        core = self._core
        if epoch in core.ledger.records:
            return core.ledger.records[epoch]
        row = await core.store.run(core.store.epoch, epoch)
        if row is None or row.record is None:
            raise StepOutdated(f"epoch {epoch} is on L1 no more")
        return record_from_bytes(row.record)

    async def _tails(self, start: int, end: int) -> list[bytes]:
        if start == end:
            return []
        store = self._core.store
        rows = await store.run(store.queue_items, start, end - start)
        return [tail_of(row, self._core.policy.domain) for row in rows]

    async def _queue_fees(self, start: int, end: int) -> int:
        return await self._core.store.run(self._core.store.queue_fees, start, end)

    async def _client_proofs(self, result: EpochResult) -> bytes:
        ids = [
            lane.link.to_bytes(32)
            for lane in result.words.lanes
            if lane.kind in (Kind.TRANSFER, Kind.ACCOUNT)
        ]
        rows = await self._core.store.run(self._core.store.transactions, ids)
        return b"".join(rows[h].proof for h in ids)


def _opened(result: EpochResult) -> bytes:
    """Value, commitment and proof of an epoch's blob at z (docs/spec/14-blobs.md, L1); empty without one."""
    blob = result.blob
    if blob is None:
        return b""
    opening = blob.open(result.z)
    return opening.y.to_bytes(32) + blob.commitment + opening.proof


async def open_layouts(
    rollup: RollupContract, verifiers: Mapping[Layout, ChecksumAddress], data: str
) -> tuple[Layout, ...]:
    """What to build epochs for: one layout for each number of lanes that an open verifier takes, ascending.

    Args:
        data: the setting of that name. With "blob", epochs go there for which such a verifier is open.
    """
    opened = await rollup.open_verifiers()
    usable = [
        layout
        for layout, address in verifiers.items()
        if opened.get(layout) == address and (data == "blob" or layout.data_mode == DataMode.CALLDATA)
    ]
    # Of those of one size, the blob's is the last.
    return tuple({layout.lanes: layout for layout in usable}.values())

"""Processes overdue queue items when no operator does, from L1 data alone (docs/spec/06-l1.md, rule 7).

Between the forced deadline and the freeze anybody may commit and prove an epoch of queue items; neither a
policy nor a pause stops one whose first item is overdue.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from sotto.l1.errors import DeadlineAhead, NothingOverdue
from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import CommitInput
from sotto.l1.sender import Sender
from sotto.node.core import item_of, tail_of
from sotto.node.follower import FollowConfig, Followed, follow
from sotto.node.tables import QueueRow
from sotto.protocol.epoch import EpochBuilder, EpochInputs, EpochResult
from sotto.protocol.words import DataMode
from sotto.prover.cluster import ClusterProver
from sotto.prover.interface import Prover

log = structlog.get_logger(category="block")

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Processed:
    """An epoch of queue items `start` to `end` - 1, by an L1 transaction whose hash has 32 bytes."""

    epoch: int
    start: int
    end: int
    transaction: bytes


class OverdueItems:
    """Makes epochs of overdue items.

    Args:
        account: pays L1, and is credited what forced items paid.
    """

    def __init__(self, followed: Followed, prover: Prover, account: LocalAccount, progress: Progress) -> None:
        self._followed = followed
        self._prover = prover
        self._sender = Sender(followed.web3, account)
        self._beneficiary = bytes.fromhex(account.address[2:])
        self._progress = progress

    async def next(self) -> Processed | None:
        """Process the overdue items at the cursor, as many as one epoch takes. None if there is none.

        If there is room, those that may fall due before L1 has the epoch go with them: L1 refuses an epoch of
        less than half its lanes that leaves them out, and anybody can queue some right behind another's.

        Raises DeadlineAhead while an epoch is pending, L1Error, ProvingFailed, ProverUnavailable.
        """
        followed = self._followed
        core, rollup = followed.core, followed.rollup
        self._progress("reading L1", 0.0)
        await followed.following.catch_up(core, followed.chain)
        # As of the last block, since L1 nodes estimate the gas of the epoch's transaction there.
        if not await self._due_by(core.l1_block):
            return None
        await self._remove_pending()
        # Those that the owner has closed meanwhile take nothing. One for calldata is always open.
        verifiers = await rollup.open_verifiers()
        sizes = [layout.lanes for layout in verifiers if layout.data_mode == DataMode.CALLDATA]
        lanes = _lanes(len(await self._due_by(core.l1_block)), sizes)
        rows = (await self._due_by(self._now + core.policy.clock_window))[:lanes]
        result = self._build(rows, lanes)
        header = result.words.header
        self._progress(f"proving epoch {header.epoch_id}", 0.3)
        witness = json.dumps(result.witness(self._beneficiary)).encode()
        proof = await self._prover.prove(result.layout.circuit, witness)
        self._progress(f"sending epoch {header.epoch_id}", 0.8)
        beneficiary = to_checksum_address(self._beneficiary)
        commit = CommitInput(
            parent=core.ledger.records[header.epoch_id - 1],
            verifier=verifiers[result.layout],
            fee_recipient=beneficiary,
            c=result.c,
            words=result.encoded_words(),
            queue_tails=[tail_of(row, core.policy.domain) for row in rows],
            client_proofs=b"",
            oldest_successor=None,
        )
        receipt = await self._sender.send(rollup.commit_and_prove(commit, beneficiary, proof))
        self._progress(f"sending epoch {header.epoch_id}", 1.0)
        return Processed(
            header.epoch_id, header.queue_start, header.queue_end, bytes(receipt["transactionHash"])
        )

    @property
    def _now(self) -> int:
        """The clock of the next epoch: L1 takes it up to `clock_window` blocks later."""
        core = self._followed.core
        return max(core.l1_block, core.ledger.clock)

    async def _due_by(self, block: int) -> Sequence[QueueRow]:
        """The waiting items that are overdue in an L1 block."""
        core = self._followed.core
        store, policy = core.store, core.policy
        rows = await store.run(store.queue_items, core.ledger.queue_cursor, policy.max_lanes)
        return [row for row in rows if row.l1_block + policy.overdue_age <= block]

    async def _remove_pending(self) -> None:
        """Prune what is pending and late: nothing can be committed with its proof behind it."""
        followed = self._followed
        core = followed.core
        pending = await core.store.run(core.store.pending_commits)
        if not pending:
            return
        record = record_from_bytes(pending[0].record)
        if core.l1_block <= record.deadline:
            raise DeadlineAhead(f"epoch {record.id} is pending until L1 block {record.deadline}")
        self._progress(f"pruning epoch {record.id}", 0.1)
        await self._sender.send(followed.rollup.prune(record))
        await followed.following.catch_up(core, followed.chain)

    def _build(self, rows: Sequence[QueueRow], lanes: int) -> EpochResult:
        core = self._followed.core
        ledger = core.ledger
        inputs = EpochInputs(
            domain=core.policy.domain,
            lanes=lanes,
            oldest=ledger.tip_id,
            now=self._now,
            queue_start=ledger.queue_cursor,
        )
        builder = EpochBuilder(ledger.tip, inputs)
        for row in rows:
            builder.add(item_of(row, core.policy.domain))
        return builder.finish()


def _lanes(overdue: int, sizes: Sequence[int]) -> int:
    """The smallest size with room for all overdue items, else the largest. Others do not make it larger."""
    return next((size for size in sizes if size >= overdue), max(sizes))


async def process_overdue(
    config: FollowConfig, account: LocalAccount, progress: Progress
) -> Sequence[Processed]:
    """Process all overdue items. Raises NothingOverdue if there is none, and what OverdueItems.next does."""
    async with follow(config) as followed:
        cluster = ClusterProver([layout.circuit for layout in followed.core.layouts])
        items = OverdueItems(followed, cluster, account, progress)
        done: list[Processed] = []
        try:
            while (processed := await items.next()) is not None:
                done.append(processed)
        finally:
            await cluster.close()
    if not done:
        raise NothingOverdue("every queue item is younger than the forced deadline, or processed")
    return done

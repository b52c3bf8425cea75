"""Takes transactions: cheap rules first, then proofs, then the database, and only then the answer.

Bundles whose proofs are checked wait for each other, so that one database transaction stores many of them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from sotto.node.admission import check_bundle, check_conflicts, check_transaction
from sotto.node.core import Core
from sotto.node.errors import BundleInvalid, NodeError, PoolFull, RollupFrozen, StoreUnavailable
from sotto.node.metrics import Metrics
from sotto.node.pool import Bundle, PoolTransaction
from sotto.node.proofs import ProofVerifier
from sotto.node.tables import AttachmentRow, TransactionStatus, TransactionValues
from sotto.node.transactions import rows_of
from sotto.protocol.accounts import Operation
from sotto.protocol.errors import OperationPreimageMissing, ProtocolError
from sotto.protocol.field import Field
from sotto.protocol.transaction import Kind, ProvenTransaction

log = structlog.get_logger(category="mempool")

GROUP = 128
"""Bundles that one database transaction takes at most."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A bundle whose proofs are valid, and who waits for it."""

    members: tuple[PoolTransaction, ...]
    answer: asyncio.Future[None]
    attachments: tuple[AttachmentRow, ...] = ()

    def accept(self) -> None:
        """Say that the database has it, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(None)

    def refuse(self, error: Exception) -> None:
        """Say why not, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Mempool:
    """Admission of bundles. Nothing is admitted before `run` runs.

    Args:
        size: transactions that may wait at most.
    """

    def __init__(self, core: Core, proofs: ProofVerifier, metrics: Metrics, size: int) -> None:
        self._core = core
        self._proofs = proofs
        self._metrics = metrics
        self._size = size
        self._candidates: asyncio.Queue[_Candidate] = asyncio.Queue()

    async def admit(
        self,
        proven: Sequence[ProvenTransaction],
        operations: Sequence[Operation],
        attachments: Mapping[Field, bytes] | None = None,
    ) -> list[Field]:
        """Take a bundle whole or not at all, and return the ids once the database has it.

        A transaction that was taken before, with this or another proof, is answered in the same way again.

        Args:
            operations: preimage for each transaction of kind 5, in order.
            attachments: checked ones, by transaction.

        Raises errors of this package and of sotto.protocol.
        """
        members = _members(proven, operations)
        ids = [member.h for member in members]
        if await self._is_known(members):
            return ids
        core = self._core
        self._check_open()
        if len(core.pool) + len(members) > self._size:
            raise PoolFull(f"{len(core.pool)} transactions wait")
        moment = core.moment()
        for member in members:
            check_transaction(core.policy, moment, member)
        check_bundle(core.policy, moment, members)
        proofs = await asyncio.gather(*(self._proofs.check(member.h, member.proof) for member in members))
        members = [
            PoolTransaction(member.h, member.transaction, proof, member.operation)
            for member, proof in zip(members, proofs, strict=True)
        ]
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept = (AttachmentRow(id=h.to_bytes(32), data=data) for h, data in (attachments or {}).items())
        self._candidates.put_nowait(_Candidate(tuple(members), answer, tuple(kept)))
        await answer
        return ids

    async def run(self) -> None:
        """Store what is admitted, until cancelled."""
        while True:
            group = [await self._candidates.get()]
            while len(group) < GROUP and not self._candidates.empty():
                group.append(self._candidates.get_nowait())
            try:
                await self._store(group)
            except Exception as error:
                log.exception("transactions not stored", bundles=len(group))
                for candidate in group:
                    candidate.refuse(error)
                if isinstance(error, StoreUnavailable):
                    raise

    async def _store(self, group: Sequence[_Candidate]) -> None:
        core = self._core
        rows: list[TransactionValues] = []
        attachments: list[AttachmentRow] = []
        accepted: list[_Candidate] = []
        bundles: list[Bundle] = []
        async with core.lock:
            for candidate in group:
                try:
                    if await self._is_known(candidate.members):
                        accepted.append(candidate)
                        continue
                    # While the proofs were checked, a conflicting transaction may have come.
                    self._check_again(candidate.members)
                except (NodeError, ProtocolError) as error:
                    candidate.refuse(error)
                    continue
                bundle = Bundle(candidate.members)
                # In the pool at once, so that the rest of the group is held against it.
                core.pool.add(bundle)
                bundles.append(bundle)
                rows += rows_of(candidate.members)
                attachments += candidate.attachments
                accepted.append(candidate)
            try:
                if rows:
                    await core.store.run(core.store.add_transactions, rows, attachments)
            except BaseException:
                core.pool.remove(bundles)
                raise
        for candidate in accepted:
            candidate.accept()
        if rows:
            self._metrics.accepted.inc(len(rows))
            log.info("transactions accepted", bundles=len(bundles), count=len(rows))
            core.assemble.set()

    def _check_again(self, members: Sequence[PoolTransaction]) -> None:
        core, moment = self._core, self._core.moment()
        self._check_open()
        if len(core.pool) + len(members) > self._size:
            raise PoolFull(f"{len(core.pool)} transactions wait")
        for member in members:
            check_transaction(core.policy, moment, member)
        check_conflicts(moment, [member.transaction for member in members])

    def _check_open(self) -> None:
        if self._core.frozen is not None:
            raise RollupFrozen(f"since L1 block {self._core.frozen}")

    async def _is_known(self, members: Sequence[PoolTransaction]) -> bool:
        """Whether the node has all of these, and has not dropped any.

        What waits or is ordered is in memory. Of everything else that the node has, a nullifier is in the
        tree: only then is the database asked.
        """
        core = self._core
        elsewhere = []
        for member in members:
            if member.h in core.pool or member.h in core.ordered:
                continue
            if not any(nullifier in core.ledger.tip.nullifier for nullifier in member.transaction.nullifiers):
                return False
            elsewhere.append(member.h.to_bytes(32))
        if not elsewhere:
            return True
        rows = await core.store.run(core.store.transactions, elsewhere)
        return len(rows) == len(set(elsewhere)) and all(
            row.status != TransactionStatus.DROPPED for row in rows.values()
        )


def _members(proven: Sequence[ProvenTransaction], operations: Sequence[Operation]) -> list[PoolTransaction]:
    given = iter(operations)
    members = []
    for item in proven:
        operation = None
        if item.transaction.kind == Kind.ACCOUNT:
            operation = next(given, None)
            if operation is None:
                raise OperationPreimageMissing("give (id, previous, next) for each transaction of kind 5")
        members.append(PoolTransaction(item.transaction.h, item.transaction, item.proof, operation))
    if next(given, None) is not None:
        raise BundleInvalid("there are more operations than transactions of kind 5")
    if len({member.h for member in members}) != len(members):
        raise BundleInvalid("a transaction is in the bundle twice")
    return members

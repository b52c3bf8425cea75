"""Takes transactions: cheap rules first, then proofs, then the database, and only then the answer."""

import asyncio
from collections.abc import Sequence

import structlog

from sotto.node.admission import check_bundle, check_conflicts, check_transaction
from sotto.node.core import Core
from sotto.node.errors import BundleInvalid, PoolFull
from sotto.node.metrics import Metrics
from sotto.node.pool import Bundle, PoolTransaction
from sotto.node.proofs import ProofVerifier
from sotto.node.tables import TransactionStatus
from sotto.node.transactions import rows_of
from sotto.protocol.accounts import Operation
from sotto.protocol.errors import OperationPreimageMissing
from sotto.protocol.field import Field
from sotto.protocol.transaction import Kind, ProvenTransaction

log = structlog.get_logger(category="mempool")


class Mempool:
    """Admission of bundles.

    Args:
        size: transactions that may wait at most.
    """

    def __init__(self, core: Core, proofs: ProofVerifier, metrics: Metrics, size: int) -> None:
        self._core = core
        self._proofs = proofs
        self._metrics = metrics
        self._size = size

    async def admit(
        self, proven: Sequence[ProvenTransaction], operations: Sequence[Operation]
    ) -> list[Field]:
        """Take a bundle whole or not at all, and return the ids once the database has it.

        A transaction that was taken before, with this or another proof, is answered in the same way again.

        Args:
            operations: preimage for each transaction of kind 5, in order.

        Raises errors of this package and of sotto.protocol.
        """
        members = await asyncio.to_thread(_members, proven, operations)
        ids = [member.h for member in members]
        if await self._known(ids):
            return ids
        core = self._core
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
        async with core.lock:
            # While the proofs were checked, the same or a conflicting transaction may have come.
            if await self._known(ids):
                return ids
            moment = core.moment()
            for member in members:
                check_transaction(core.policy, moment, member)
            check_conflicts(moment, [member.transaction for member in members])
            await core.store.run(core.store.add_transactions, rows_of(members))
            core.pool.add(Bundle(tuple(members)))
        self._metrics.accepted.inc(len(members))
        log.info("transactions accepted", first="0x" + ids[0].to_bytes(32).hex(), count=len(ids))
        core.assemble.set()
        return ids

    async def _known(self, ids: Sequence[Field]) -> bool:
        store = self._core.store
        rows = await store.run(store.transactions, [h.to_bytes(32) for h in ids])
        return len(rows) == len(set(ids)) and all(
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

"""Rules by which the node takes a bundle, cheap ones only: everything but the proofs. Pure: no I/O.

The rollup circuit and L1 enforce the rules of `docs/spec` again; here they keep out what no epoch could take,
with the cause in the error's name.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from sotto.node.errors import (
    AnchorTooOld,
    AnchorUnknown,
    AssetUnlisted,
    BundleInvalid,
    BundleTooLarge,
    ExpiryTooClose,
    FeeAssetUnknown,
    FeeTooLow,
    ForcedNotHere,
    NamedCommitmentUnknown,
    NullifierKnown,
)
from sotto.node.pool import Pool, PoolTransaction
from sotto.protocol.errors import (
    AccountExists,
    OperationMismatch,
    OperationPreimageMissing,
    StaleKeySet,
    WrongDomain,
)
from sotto.protocol.field import Field
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.trees import State

MAX_ANCHORS = 4
MAX_FEE_ASSETS = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """What stays the same while the node runs.

    Attributes:
        fees: fee of one transaction by asset, in its smallest unit; empty: free.
        assets: listed assets.
        expiry_margin: L1 blocks for which a transaction must still be valid.
        anchor_life: parameter A of the rollup, in L1 blocks.
        anchor_margin: L1 blocks for which an anchor must still live.
        overdue_age: L1 blocks after which L1 may demand a queue item before the next epoch is there.
        max_lanes: N of the largest circuit.
        clock_window: parameter W of the rollup: L1 blocks for which an epoch may be committed.
    """

    domain: int
    fees: Mapping[int, int]
    assets: Set[int]
    expiry_margin: int
    anchor_life: int
    anchor_margin: int
    overdue_age: int
    max_lanes: int
    clock_window: int = 64


@dataclass(frozen=True, slots=True)
class Moment:
    """What changes.

    Attributes:
        l1_block: number of the last L1 block.
        tip: state after all epochs that this node has closed.
        pool: waiting transactions.
        ordered: transactions of the open epoch.
        anchors: epoch id of each anchor of a proven epoch.
        commit_blocks: L1 block of the commit of each proven epoch.
    """

    l1_block: int
    tip: State
    pool: Pool
    ordered: Pool
    anchors: Mapping[Field, int]
    commit_blocks: Mapping[int, int]

    def anchor_end(self, epoch: int, life: int) -> int | None:
        """The first L1 block in which an anchor is dead; None for the newest one, which never dies."""
        successor = self.commit_blocks.get(epoch + 1)
        return None if successor is None else successor + life


def check_transaction(policy: Policy, moment: Moment, member: PoolTransaction) -> None:
    """Rules for one transaction by itself. Raises errors of this package and of sotto.protocol."""
    transaction = member.transaction
    transaction.check()
    transaction.check_extension()
    if transaction.domain != policy.domain:
        raise WrongDomain(f"domain {transaction.domain:#x} is not {policy.domain:#x}")
    if transaction.kind == Kind.FORCED:
        raise ForcedNotHere("kind 3")
    if transaction.expiry < moment.l1_block + policy.expiry_margin:
        raise ExpiryTooClose(f"expires at L1 block {transaction.expiry}, now is {moment.l1_block}")
    if transaction.public_value and transaction.public_asset not in policy.assets:
        raise AssetUnlisted(f"asset {transaction.public_asset}")
    epoch = moment.anchors.get(transaction.anchor)
    if epoch is None:
        raise AnchorUnknown(f"{transaction.anchor:#066x}")
    end = moment.anchor_end(epoch, policy.anchor_life)
    if end is not None and end <= moment.l1_block + policy.anchor_margin:
        raise AnchorTooOld(f"the anchor of epoch {epoch} dies at L1 block {end}")
    _check_operation(moment.tip, member)


def check_bundle(policy: Policy, moment: Moment, members: Sequence[PoolTransaction]) -> None:
    """Rules for a bundle as a whole, after those for each member. Raises errors of this package."""
    transactions = [member.transaction for member in members]
    if (
        len(members) > policy.max_lanes
        or sum(transaction.kind == Kind.ACCOUNT for transaction in transactions) > policy.max_lanes // 4
        or len({transaction.anchor for transaction in transactions}) > MAX_ANCHORS
        or len({transaction.fee_asset for transaction in transactions if transaction.fee}) > MAX_FEE_ASSETS
    ):
        raise BundleTooLarge(f"{len(members)} transactions")
    _check_fees(policy, transactions)
    check_conflicts(moment, transactions)


def check_conflicts(moment: Moment, transactions: Sequence[Transaction]) -> None:
    """Rules that others may break between two looks. Raises NullifierKnown, NamedCommitmentUnknown."""
    seen: set[Field] = set()
    outputs: set[Field] = set()
    for transaction in transactions:
        for nullifier in transaction.nullifiers:
            if nullifier in moment.tip.nullifier:
                raise NullifierKnown(f"{nullifier:#066x} is spent")
            if (
                nullifier in seen
                or moment.pool.spender(nullifier) is not None
                or moment.ordered.spender(nullifier) is not None
            ):
                raise NullifierKnown(f"{nullifier:#066x} is in another waiting transaction")
            seen.add(nullifier)
        for name in transaction.named:
            if name and not (
                name in outputs or moment.pool.has_output(name) or moment.ordered.has_output(name)
            ):
                raise NamedCommitmentUnknown(f"{name:#066x}")
        outputs.update(transaction.commitments)


def _check_fees(policy: Policy, transactions: Sequence[Transaction]) -> None:
    unpaid = 0
    for position, transaction in enumerate(transactions):
        if transaction.fee and (
            transaction.fee_asset not in policy.assets
            or (policy.fees and transaction.fee_asset not in policy.fees)
        ):
            raise FeeAssetUnknown(f"asset {transaction.fee_asset}")
        if not policy.fees:
            continue
        last = position == len(transactions) - 1
        if transaction.fee == 0 and not last:
            if not set(transaction.commitments) & set(transactions[position + 1].named):
                raise BundleInvalid(f"member {position} pays nothing and the next one does not name it")
            unpaid += 1
            continue
        price = policy.fees.get(transaction.fee_asset, 0) if transaction.fee else 0
        due = price * (unpaid + 1)
        if transaction.fee == 0 or transaction.fee < due:
            raise FeeTooLow(
                f"member {position} pays {transaction.fee}, due are {due or 'the fees of the table'}"
            )
        unpaid = 0


def _check_operation(tip: State, member: PoolTransaction) -> None:
    if member.transaction.kind != Kind.ACCOUNT:
        return
    operation = member.operation
    if operation is None:
        raise OperationPreimageMissing("a transaction of kind 5 needs (id, previous, new)")
    if operation.word != member.transaction.operation:
        raise OperationMismatch("the preimage is not that of the transaction")
    present = operation.account in tip.account
    if operation.previous == 0 and present:
        raise AccountExists(f"{operation.account:#066x}")
    if operation.previous != 0:
        current = tip.account.content(tip.account.index(operation.account)).key_set if present else None
        if current != operation.previous:
            raise StaleKeySet(f"{operation.account:#066x}")

"""Transactions and account operations that cannot have a lane, in epochs that give them one."""

from dataclasses import replace

from sotto.protocol import errors
from sotto.protocol.accounts import Operation
from sotto.protocol.epoch import (
    AccountChange,
    EpochBuilder,
    EpochResult,
    apply_epoch,
)
from sotto.protocol.field import ZERO, Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.notes import ETH
from sotto.protocol.transaction import Kind
from sotto.protocol.words import (
    OperationWords,
)
from tests.differential.attempts import (
    Attempt,
    applies_to,
    attempt,
    build,
    change_keys,
    epoch_inputs,
    lane_of,
    tells,
    transaction,
    with_header,
    with_lane,
)
from tests.differential.rig import Rig
from tests.support.scenario import TOKEN

# Transactions that cannot have a lane


@tells(errors.WrongDomain, rollup=False, contract=None)
def transaction_of_another_deployment(rig: Rig) -> Attempt:
    honest = transaction(rig)
    other = replace(honest, domain=honest.domain ^ 1)
    result = build(rig, [honest])
    words = with_lane(result.words, 0, replace(result.words.lanes[0], link=other.h))
    return attempt(rig, result, words, python=applies_to(rig, [other]))


@tells(errors.UnknownAnchor, rollup=False, contract=None)
def anchor_before_oldest(rig: Rig) -> Attempt | None:
    last = rig.scenario.state.epoch_id
    if last == 0:
        return None
    old = rig.scenario.history[last - 1].anchor()
    entries = [transaction(rig, anchor=old)]
    result = build(rig, entries, epoch_inputs(rig, oldest=last - 1))
    return attempt(rig, result, with_header(result, oldest=last), python=applies_to(rig, entries))


@tells(errors.UnknownAnchor, rollup=False, contract=None)
def invented_anchor(rig: Rig) -> Attempt:
    honest = transaction(rig)
    lie = replace(honest, anchor=rig.scenario.element())
    result = build(rig, [honest])
    return attempt(rig, result, with_lane(result.words, 0, lane_of(lie)), python=applies_to(rig, [lie]))


@tells(errors.TooManyAnchors, rollup=False, contract=None)
def fifth_anchor(rig: Rig) -> Attempt | None:
    last = rig.scenario.state.epoch_id
    if last < 4:
        return None
    anchors = [rig.scenario.history[last - i].anchor() for i in range(5)]
    entries = [transaction(rig, anchor=anchor) for anchor in anchors]
    inputs = epoch_inputs(rig, 16, oldest=last - 4)
    honest = [*entries[:4], replace(entries[4], anchor=anchors[3])]
    result = build(rig, honest, inputs)
    words = with_lane(result.words, 4, lane_of(entries[4]))
    return attempt(rig, result, words, python=applies_to(rig, entries, inputs))


@tells(errors.ExpiredTransaction, rollup=False, contract=None)
def expired_by_one_block(rig: Rig) -> Attempt:
    now = rig.scenario.now
    entries = [transaction(rig, expiry=now - 1)]
    result = build(rig, entries, epoch_inputs(rig, now=now - 1))
    return attempt(rig, result, with_header(result, now=now), python=applies_to(rig, entries))


@tells(errors.FeeAssetNotListed, rollup=False, contract=None)
def fee_in_no_slot(rig: Rig) -> Attempt:
    entries = [transaction(rig, fee=5, fee_asset=ETH)]
    result = build(rig, entries)
    listed = (0, TOKEN, 0, 0)
    words = with_header(result, fee_assets=(TOKEN, 0, 0, 0))
    return attempt(rig, result, words, python=applies_to(rig, entries, epoch_inputs(rig, fee_assets=listed)))


@tells(errors.ChainedCommitmentUnknown, rollup=False, contract=None)
def parent_that_nobody_appends(rig: Rig) -> Attempt:
    named = rig.scenario.element()
    tx = transaction(rig, named=(named, ZERO))
    builder = EpochBuilder(rig.scenario.state, epoch_inputs(rig))
    builder._appended.add(named)
    builder.add(tx)
    return attempt(rig, builder.finish(), python=applies_to(rig, [tx]))


@tells(errors.ChainedCommitmentUnknown, rollup=False, contract=None)
def parent_in_a_later_lane(rig: Rig) -> Attempt:
    parent = transaction(rig)
    child = transaction(rig, named=(parent.commitments[0], ZERO))
    builder = EpochBuilder(rig.scenario.state, epoch_inputs(rig))
    builder._appended.add(child.named[0])
    builder.add(child)
    builder.add(parent)
    return attempt(rig, builder.finish(), python=applies_to(rig, [child, parent]))


@tells(errors.NullifierSpent, rollup=False, contract=None)
def spent_in_an_earlier_lane(rig: Rig) -> Attempt:
    first, second = transaction(rig), transaction(rig)
    again = replace(second, nullifiers=(first.nullifiers[1], second.nullifiers[1]))
    result = build(rig, [first, second])
    return attempt(
        rig, result, with_lane(result.words, 1, lane_of(again)), python=applies_to(rig, [first, again])
    )


@tells(errors.NullifierSpent, rollup=False, contract=None)
def spent_in_an_earlier_epoch(rig: Rig) -> Attempt | None:
    tree = rig.scenario.state.nullifier
    spent = [leaf.value for leaf in tree.contents()[4:] if leaf is not None]
    if not spent:
        return None
    honest = transaction(rig)
    again = replace(honest, nullifiers=(honest.nullifiers[0], rig.scenario.random.choice(spent)))
    result = build(rig, [honest])
    return attempt(rig, result, with_lane(result.words, 0, lane_of(again)), python=applies_to(rig, [again]))


@tells(errors.NullifierSpent, rollup=False, contract=None)
def nullifier_zero(rig: Rig) -> Attempt:
    honest = transaction(rig)
    again = replace(honest, nullifiers=(honest.nullifiers[0], ZERO))
    result = build(rig, [honest])
    return attempt(rig, result, with_lane(result.words, 0, lane_of(again)), python=applies_to(rig, [again]))


@tells(errors.EqualNullifiers, rollup=False, contract=None)
def equal_nullifiers(rig: Rig) -> Attempt:
    honest = transaction(rig)
    again = replace(honest, nullifiers=(honest.nullifiers[0], honest.nullifiers[0]))
    result = build(rig, [honest])
    return attempt(rig, result, with_lane(result.words, 0, lane_of(again)), python=applies_to(rig, [again]))


@tells(errors.KindInvalid, rollup=False, contract=None)
def forced_transaction_in_a_transfer_lane(rig: Rig) -> Attempt:
    honest = transaction(rig)
    forced = replace(honest, kind=Kind.FORCED)
    result = build(rig, [honest])
    words = with_lane(result.words, 0, replace(result.words.lanes[0], link=forced.h))
    change = AccountChange(forced, Operation(rig.scenario.element(), ZERO, rig.scenario.element()))
    return attempt(rig, result, words, python=applies_to(rig, [change]))


@tells(errors.ForcedWordsNotZero, rollup=True, contract="NoSuchItem")
def forced_transaction_with_a_fee(rig: Rig) -> Attempt:
    """The circuit leaves these words to L1, which queues no such item."""
    forced = transaction(rig, kind=Kind.FORCED)
    paying = replace(forced, fee=5, fee_asset=ETH)
    result = build(rig, [forced])
    return attempt(rig, result, with_lane(result.words, 0, lane_of(paying)), python=applies_to(rig, [paying]))


# Account operations


def _operation_lie(rig: Rig, result: EpochResult, account: Field, previous: Field, new: Field) -> Attempt:
    """Put another operation into lane 0 of an epoch, everywhere."""
    word = H(Tag.OPERATION, account, previous, new)
    tx = replace(result.words.lanes[0].transaction(rig.scenario.domain), operation=word)
    words = replace(with_lane(result.words, 0, lane_of(tx)), operations=(OperationWords(account, new),))
    lie = Operation(account, previous, new or Field(1))
    if not new:
        # A key set of 0 is refused when the operation is made; in the file it is 0 all the same.
        object.__setattr__(lie, "new", ZERO)
    step = replace(result._witness.steps[0], operation=lie)

    def applies() -> object:
        entry = AccountChange(tx, Operation(account, previous, new))
        return apply_epoch(rig.scenario.state, [entry], epoch_inputs(rig))

    return attempt(rig, result, words, replace(result._witness, steps=(step,)), python=applies)


@tells(errors.AccountExists, rollup=False, contract=None)
def insert_an_account_twice(rig: Rig) -> Attempt:
    result = build(rig, [change_keys(rig)])
    ids = [leaf.value for leaf in rig.scenario.state.account.contents() if leaf is not None]
    return _operation_lie(rig, result, rig.scenario.random.choice(ids), ZERO, rig.scenario.element())


@tells(errors.StaleKeySet, rollup=False, contract=None)
def replace_an_absent_key_set(rig: Rig) -> Attempt:
    result = build(rig, [change_keys(rig)])
    return _operation_lie(rig, result, result.words.operations[0].account, Field(5), rig.scenario.element())


@tells(errors.StaleKeySet, rollup=False, contract=None)
def replay_an_operation(rig: Rig) -> Attempt | None:
    """An account that has another key set by now."""
    tree = rig.scenario.state.account
    present = [leaf for leaf in tree.contents()[4:] if leaf is not None]
    if not present:
        return None
    leaf = rig.scenario.random.choice(present)
    current = Operation(leaf.value, leaf.key_set, rig.scenario.element())
    result = build(rig, [change_keys(rig, current)])
    return _operation_lie(rig, result, leaf.value, rig.scenario.element(), current.new)


@tells(errors.NewKeySetZero, rollup=False, contract=None)
def account_without_keys(rig: Rig) -> Attempt:
    result = build(rig, [change_keys(rig)])
    return _operation_lie(rig, result, result.words.operations[0].account, ZERO, ZERO)


@tells(errors.OperationMismatch, rollup=False, contract=None)
def operation_of_another(rig: Rig) -> Attempt:
    change = change_keys(rig)
    lie = replace(change, transaction=replace(change.transaction, operation=rig.scenario.element()))
    result = build(rig, [change])
    words = with_lane(result.words, 0, lane_of(lie.transaction))
    return attempt(rig, result, words, python=applies_to(rig, [lie]))


@tells(errors.OperationPreimageMissing, rollup=False, contract=None)
def operation_without_preimage(rig: Rig) -> Attempt:
    change = change_keys(rig)
    result = build(rig, [change])
    witness = replace(result._witness, steps=())
    words = replace(result.words, operations=(OperationWords(),))
    return attempt(rig, result, words, witness, python=applies_to(rig, [change.transaction]))


@tells(errors.TooManyOperations, rollup=False, contract=None)
def one_operation_more(rig: Rig) -> Attempt:
    first, second = change_keys(rig), change_keys(rig)
    plain = replace(second.transaction, kind=Kind.TRANSFER, operation=ZERO)
    result = build(rig, [first, plain])
    words = with_lane(result.words, 1, lane_of(second.transaction))
    return attempt(rig, result, words, python=applies_to(rig, [first, second]))

"""Epochs that break one rule of docs/spec/05-epoch.md or 06-l1.md each, as a dishonest proposer would make them.

Each says who must refuse it. Specification: the named rejection, or None where the rule is the contract's alone. Rollup
circuit: whether the witness satisfies it. Contract: the name of its error when every proof holds, None when the rule is
the circuit's alone.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sotto.l1.rollup import CommitInput
from sotto.protocol import errors
from sotto.protocol.accounts import Operation
from sotto.protocol.epoch import (
    AccountChange,
    EpochBuilder,
    EpochInputs,
    EpochResult,
    LaneInput,
    apply_epoch,
    replay,
)
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import ZERO, Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.notes import ETH, Deposit
from sotto.protocol.rollup_witness import RollupWitness
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.words import (
    EpochWords,
    LaneWords,
    OperationWords,
    check_lane_count,
    compute_y,
    compute_z,
    decode_words,
)
from tests.differential.rig import Rig, harness_client_proof, split_field_word
from tests.support.scenario import FEE_ASSETS, TOKEN

LANES = 4
GOOD = keccak(b"good proof") + bytes(224)
"""The proof that the harness verifier accepts for whatever is proven."""
FAR = 10**9


@dataclass(frozen=True)
class Attempt:
    """A lie, told to each implementation in its own terms."""

    python: Callable[[], object]
    circuit: str
    witness: bytes
    commit: CommitInput
    proof: bytes = GOOD


Make = Callable[[Rig], Attempt | None]


@dataclass(frozen=True)
class EpochLie:
    """A broken rule, and who refuses it."""

    python: type[ProtocolError] | None
    rollup: bool
    """Whether the circuit accepts."""
    contract: str | None
    make: Make

    @property
    def name(self) -> str:
        """The name of the rejection and the lie's own."""
        return f"{self.python.__name__ if self.python else self.contract}-{self.make.__name__}"


EPOCH_LIES: list[EpochLie] = []


def _tells(python: type[ProtocolError] | None, *, rollup: bool, contract: str | None) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        EPOCH_LIES.append(EpochLie(python, rollup, contract, make))
        return make

    return register


# What lies are made of


def _transaction(rig: Rig, **changes: Any) -> Transaction:
    """A transaction of nothing; its client proof is no matter here, so any word may be another."""
    scenario = rig.scenario
    tx = scenario.pay(scenario.users[0], [], scenario.users[1], 0).transaction
    return replace(tx, **changes)


def _change(rig: Rig, operation: Operation | None = None, **changes: Any) -> AccountChange:
    """A change of an account's keys, by default the insertion of a random id."""
    operation = operation or Operation(rig.scenario.element(), ZERO, rig.scenario.element())
    tx = _transaction(rig, kind=Kind.ACCOUNT, operation=operation.word)
    return AccountChange(replace(tx, **changes), operation)


def _inputs(rig: Rig, lanes: int = LANES, **changes: Any) -> EpochInputs:
    scenario = rig.scenario
    last = scenario.state.epoch_id
    inputs = EpochInputs(scenario.domain, lanes, last, scenario.now, scenario.queue_cursor, FEE_ASSETS)
    return replace(inputs, **changes)


def _build(rig: Rig, entries: Sequence[LaneInput], inputs: EpochInputs | None = None) -> EpochResult:
    return apply_epoch(rig.scenario.state, entries, inputs or _inputs(rig))


def _honest(rig: Rig) -> EpochResult:
    """An epoch with a transfer, an account change and two empty lanes."""
    return _build(rig, [_transaction(rig), _change(rig)])


def _applies(rig: Rig, entries: Sequence[LaneInput], inputs: EpochInputs | None = None) -> Callable[[], object]:
    chosen = inputs or _inputs(rig)
    state = rig.scenario.state
    return lambda: apply_epoch(state, entries, chosen)


def _follows(rig: Rig, words: bytes, lanes: int = LANES) -> Callable[[], object]:
    """A follower who reads these bytes on L1."""
    state = rig.scenario.state
    return lambda: replay(state, decode_words(words, lanes))


def _client_proofs(words: EpochWords) -> bytes:
    proven = (Kind.TRANSFER, Kind.ACCOUNT)
    return b"".join(harness_client_proof(lane.link) for lane in words.lanes if lane.kind in proven)


def _attempt(
    rig: Rig,
    result: EpochResult,
    words: EpochWords | None = None,
    witness: RollupWitness | None = None,
    *,
    python: Callable[[], object] | None = None,
    c: Field | None = None,
) -> Attempt:
    """Words and witness that are consistent with each other but for the lie: c, z, y and m fit the words."""
    words, witness = words or result.words, witness or result._witness
    encoded, lanes = words.encode(), len(words.lanes)
    if c is None:
        c = words.c()
    z = compute_z(words.header.domain, c, encoded)
    beneficiary = bytes.fromhex(rig.proposer[2:])
    file = witness.to_json(words, c, z, compute_y(words.values(), z), beneficiary, 0)
    commit = rig.commit_input(words, _client_proofs(words), c)
    return Attempt(python or _follows(rig, encoded, lanes), f"rollup{lanes}", _bytes(file), commit)


def _bytes(file: object) -> bytes:
    return json.dumps(file).encode()


def _header(result: EpochResult, **changes: Any) -> EpochWords:
    return replace(result.words, header=replace(result.words.header, **changes))


def _lane(words: EpochWords, number: int, lane: LaneWords) -> EpochWords:
    return replace(words, lanes=(*words.lanes[:number], lane, *words.lanes[number + 1 :]))


def _of(tx: Transaction, kind: Kind | None = None) -> LaneWords:
    return LaneWords.of_transaction(tx, kind or tx.kind)


# Transactions that cannot have a lane


@_tells(errors.WrongDomain, rollup=False, contract=None)
def transaction_of_another_deployment(rig: Rig) -> Attempt:
    honest = _transaction(rig)
    other = replace(honest, domain=honest.domain ^ 1)
    result = _build(rig, [honest])
    words = _lane(result.words, 0, replace(result.words.lanes[0], link=other.h))
    return _attempt(rig, result, words, python=_applies(rig, [other]))


@_tells(errors.UnknownAnchor, rollup=False, contract=None)
def anchor_before_oldest(rig: Rig) -> Attempt | None:
    last = rig.scenario.state.epoch_id
    if last == 0:
        return None
    old = rig.scenario.history[last - 1].anchor()
    entries = [_transaction(rig, anchor=old)]
    result = _build(rig, entries, _inputs(rig, oldest=last - 1))
    return _attempt(rig, result, _header(result, oldest=last), python=_applies(rig, entries))


@_tells(errors.UnknownAnchor, rollup=False, contract=None)
def invented_anchor(rig: Rig) -> Attempt:
    honest = _transaction(rig)
    lie = replace(honest, anchor=rig.scenario.element())
    result = _build(rig, [honest])
    return _attempt(rig, result, _lane(result.words, 0, _of(lie)), python=_applies(rig, [lie]))


@_tells(errors.TooManyAnchors, rollup=False, contract=None)
def fifth_anchor(rig: Rig) -> Attempt | None:
    last = rig.scenario.state.epoch_id
    if last < 4:
        return None
    anchors = [rig.scenario.history[last - i].anchor() for i in range(5)]
    entries = [_transaction(rig, anchor=anchor) for anchor in anchors]
    inputs = _inputs(rig, 16, oldest=last - 4)
    honest = [*entries[:4], replace(entries[4], anchor=anchors[3])]
    result = _build(rig, honest, inputs)
    words = _lane(result.words, 4, _of(entries[4]))
    return _attempt(rig, result, words, python=_applies(rig, entries, inputs))


@_tells(errors.ExpiredTransaction, rollup=False, contract=None)
def expired_by_one_block(rig: Rig) -> Attempt:
    now = rig.scenario.now
    entries = [_transaction(rig, expiry=now - 1)]
    result = _build(rig, entries, _inputs(rig, now=now - 1))
    return _attempt(rig, result, _header(result, now=now), python=_applies(rig, entries))


@_tells(errors.FeeAssetNotListed, rollup=False, contract=None)
def fee_in_no_slot(rig: Rig) -> Attempt:
    entries = [_transaction(rig, fee=5, fee_asset=ETH)]
    result = _build(rig, entries)
    listed = (0, TOKEN, 0, 0)
    words = _header(result, fee_assets=(TOKEN, 0, 0, 0))
    return _attempt(rig, result, words, python=_applies(rig, entries, _inputs(rig, fee_assets=listed)))


@_tells(errors.ChainedCommitmentUnknown, rollup=False, contract=None)
def parent_that_nobody_appends(rig: Rig) -> Attempt:
    named = rig.scenario.element()
    tx = _transaction(rig, named=(named, ZERO))
    builder = EpochBuilder(rig.scenario.state, _inputs(rig))
    builder._appended.add(named)
    builder.add(tx)
    return _attempt(rig, builder.finish(), python=_applies(rig, [tx]))


@_tells(errors.ChainedCommitmentUnknown, rollup=False, contract=None)
def parent_in_a_later_lane(rig: Rig) -> Attempt:
    parent = _transaction(rig)
    child = _transaction(rig, named=(parent.commitments[0], ZERO))
    builder = EpochBuilder(rig.scenario.state, _inputs(rig))
    builder._appended.add(child.named[0])
    builder.add(child)
    builder.add(parent)
    return _attempt(rig, builder.finish(), python=_applies(rig, [child, parent]))


@_tells(errors.NullifierSpent, rollup=False, contract=None)
def spent_in_an_earlier_lane(rig: Rig) -> Attempt:
    first, second = _transaction(rig), _transaction(rig)
    again = replace(second, nullifiers=(first.nullifiers[1], second.nullifiers[1]))
    result = _build(rig, [first, second])
    return _attempt(rig, result, _lane(result.words, 1, _of(again)), python=_applies(rig, [first, again]))


@_tells(errors.NullifierSpent, rollup=False, contract=None)
def spent_in_an_earlier_epoch(rig: Rig) -> Attempt | None:
    tree = rig.scenario.state.nullifier
    spent = [leaf.value for leaf in tree.contents()[4:] if leaf is not None]
    if not spent:
        return None
    honest = _transaction(rig)
    again = replace(honest, nullifiers=(honest.nullifiers[0], rig.scenario.random.choice(spent)))
    result = _build(rig, [honest])
    return _attempt(rig, result, _lane(result.words, 0, _of(again)), python=_applies(rig, [again]))


@_tells(errors.NullifierSpent, rollup=False, contract=None)
def nullifier_zero(rig: Rig) -> Attempt:
    honest = _transaction(rig)
    again = replace(honest, nullifiers=(honest.nullifiers[0], ZERO))
    result = _build(rig, [honest])
    return _attempt(rig, result, _lane(result.words, 0, _of(again)), python=_applies(rig, [again]))


@_tells(errors.EqualNullifiers, rollup=False, contract=None)
def equal_nullifiers(rig: Rig) -> Attempt:
    honest = _transaction(rig)
    again = replace(honest, nullifiers=(honest.nullifiers[0], honest.nullifiers[0]))
    result = _build(rig, [honest])
    return _attempt(rig, result, _lane(result.words, 0, _of(again)), python=_applies(rig, [again]))


@_tells(errors.KindInvalid, rollup=False, contract=None)
def forced_transaction_in_a_transfer_lane(rig: Rig) -> Attempt:
    honest = _transaction(rig)
    forced = replace(honest, kind=Kind.FORCED)
    result = _build(rig, [honest])
    words = _lane(result.words, 0, replace(result.words.lanes[0], link=forced.h))
    change = AccountChange(forced, Operation(rig.scenario.element(), ZERO, rig.scenario.element()))
    return _attempt(rig, result, words, python=_applies(rig, [change]))


@_tells(errors.ForcedWordsNotZero, rollup=True, contract="NoSuchItem")
def forced_transaction_with_a_fee(rig: Rig) -> Attempt:
    """The circuit leaves these words to L1, which queues no such item."""
    forced = _transaction(rig, kind=Kind.FORCED)
    paying = replace(forced, fee=5, fee_asset=ETH)
    result = _build(rig, [forced])
    return _attempt(rig, result, _lane(result.words, 0, _of(paying)), python=_applies(rig, [paying]))


# Account operations


def _operation_lie(rig: Rig, result: EpochResult, account: Field, previous: Field, new: Field) -> Attempt:
    """Put another operation into lane 0 of an epoch, everywhere."""
    word = H(Tag.OPERATION, account, previous, new)
    tx = replace(result.words.lanes[0].transaction(rig.scenario.domain), operation=word)
    words = replace(_lane(result.words, 0, _of(tx)), operations=(OperationWords(account, new),))
    lie = Operation(account, previous, new or Field(1))
    if not new:
        # A key set of 0 is refused when the operation is made; in the file it is 0 all the same.
        object.__setattr__(lie, "new", ZERO)
    step = replace(result._witness.steps[0], operation=lie)

    def applies() -> object:
        entry = AccountChange(tx, Operation(account, previous, new))
        return apply_epoch(rig.scenario.state, [entry], _inputs(rig))

    return _attempt(rig, result, words, replace(result._witness, steps=(step,)), python=applies)


@_tells(errors.AccountExists, rollup=False, contract=None)
def insert_an_account_twice(rig: Rig) -> Attempt:
    result = _build(rig, [_change(rig)])
    ids = [leaf.value for leaf in rig.scenario.state.account.contents() if leaf is not None]
    return _operation_lie(rig, result, rig.scenario.random.choice(ids), ZERO, rig.scenario.element())


@_tells(errors.StaleKeySet, rollup=False, contract=None)
def replace_an_absent_key_set(rig: Rig) -> Attempt:
    result = _build(rig, [_change(rig)])
    return _operation_lie(rig, result, result.words.operations[0].account, Field(5), rig.scenario.element())


@_tells(errors.StaleKeySet, rollup=False, contract=None)
def replay_an_operation(rig: Rig) -> Attempt | None:
    """An account that has another key set by now."""
    tree = rig.scenario.state.account
    present = [leaf for leaf in tree.contents()[4:] if leaf is not None]
    if not present:
        return None
    leaf = rig.scenario.random.choice(present)
    current = Operation(leaf.value, leaf.key_set, rig.scenario.element())
    result = _build(rig, [_change(rig, current)])
    return _operation_lie(rig, result, leaf.value, rig.scenario.element(), current.new)


@_tells(errors.NewKeySetZero, rollup=False, contract=None)
def account_without_keys(rig: Rig) -> Attempt:
    result = _build(rig, [_change(rig)])
    return _operation_lie(rig, result, result.words.operations[0].account, ZERO, ZERO)


@_tells(errors.OperationMismatch, rollup=False, contract=None)
def operation_of_another(rig: Rig) -> Attempt:
    change = _change(rig)
    lie = replace(change, transaction=replace(change.transaction, operation=rig.scenario.element()))
    result = _build(rig, [change])
    words = _lane(result.words, 0, _of(lie.transaction))
    return _attempt(rig, result, words, python=_applies(rig, [lie]))


@_tells(errors.OperationPreimageMissing, rollup=False, contract=None)
def operation_without_preimage(rig: Rig) -> Attempt:
    change = _change(rig)
    result = _build(rig, [change])
    witness = replace(result._witness, steps=())
    words = replace(result.words, operations=(OperationWords(),))
    return _attempt(rig, result, words, witness, python=_applies(rig, [change.transaction]))


@_tells(errors.TooManyOperations, rollup=False, contract=None)
def one_operation_more(rig: Rig) -> Attempt:
    first, second = _change(rig), _change(rig)
    plain = replace(second.transaction, kind=Kind.TRANSFER, operation=ZERO)
    result = _build(rig, [first, plain])
    words = _lane(result.words, 1, _of(second.transaction))
    return _attempt(rig, result, words, python=_applies(rig, [first, second]))


# Header


@_tells(errors.EpochInputsInvalid, rollup=True, contract="FeeAssetRepeated")
def fee_asset_twice(rig: Rig) -> Attempt:
    result = _build(rig, [_transaction(rig)])
    same = (ETH, ETH, 0, 0)
    python = _applies(rig, [], _inputs(rig, fee_assets=same))
    return _attempt(rig, result, _header(result, fee_assets=same), python=python)


@_tells(errors.EpochInputsInvalid, rollup=False, contract="OldestUnknown")
def oldest_not_yet_made(rig: Rig) -> Attempt:
    result = _build(rig, [])
    later = result.words.header.epoch_id
    return _attempt(
        rig, result, _header(result, oldest=later), python=_applies(rig, [], _inputs(rig, oldest=later))
    )


@_tells(errors.WordNotZero, rollup=False, contract="ReservedWordUsed")
def reserved_word(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, reserved=1))


@_tells(errors.IntegerOutOfRange, rollup=True, contract="ClockInFuture")
def clock_of_65_bits(rig: Rig) -> Attempt:
    result = _build(rig, [])
    return _attempt(rig, result, _header(result, now=1 << 64))


@_tells(None, rollup=True, contract="ClockInFuture")
def clock_ahead(rig: Rig) -> Attempt:
    entries, inputs = [_transaction(rig, expiry=FAR)], _inputs(rig, now=rig.scenario.now + 10)
    return _attempt(rig, _build(rig, entries, inputs), python=_applies(rig, entries, inputs))


@_tells(None, rollup=True, contract="ClockDecreased")
def clock_backwards(rig: Rig) -> Attempt:
    inputs = _inputs(rig, now=rig.records[-1].timestamp_block - 1)
    return _attempt(rig, _build(rig, [], inputs), python=_applies(rig, [], inputs))


@_tells(None, rollup=True, contract="FeeAssetUnlisted")
def fee_asset_that_l1_does_not_list(rig: Rig) -> Attempt:
    entries = [_transaction(rig, fee=5, fee_asset=9)]
    inputs = _inputs(rig, fee_assets=(ETH, TOKEN, 9, 0))
    return _attempt(rig, _build(rig, entries, inputs), python=_applies(rig, entries, inputs))


@_tells(None, rollup=True, contract="NoSuchItem")
def deposit_that_l1_did_not_queue(rig: Rig) -> Attempt:
    entries = [Deposit(rig.scenario.element(), ETH, 10**18)]
    return _attempt(rig, _build(rig, entries), python=_applies(rig, entries))


@_tells(None, rollup=True, contract="WrongDomain")
def epoch_of_another_deployment(rig: Rig) -> Attempt:
    inputs = _inputs(rig, domain=rig.scenario.domain ^ 1)
    return _attempt(rig, _build(rig, [], inputs), python=_applies(rig, [], inputs))


@_tells(None, rollup=True, contract="WrongQueueStart")
def queue_cursor_ahead(rig: Rig) -> Attempt:
    inputs = _inputs(rig, queue_start=rig.scenario.queue_cursor + 1)
    return _attempt(rig, _build(rig, [], inputs), python=_applies(rig, [], inputs))


@_tells(errors.WordsMismatch, rollup=False, contract="NoSuchItem")
def queue_end_ahead(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, queue_end=result.words.header.queue_end + 1))


@_tells(errors.WordsMismatch, rollup=False, contract="FeeWithoutAsset")
def total_of_no_asset(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, fee_totals=(0, 0, 0, 5)))


@_tells(errors.WordsMismatch, rollup=False, contract=None)
def total_that_nobody_paid(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, fee_totals=(5, 0, 0, 0)))


@_tells(errors.WordsMismatch, rollup=False, contract=None)
def other_new_state(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, new_state=rig.scenario.element()))


@_tells(errors.WordsMismatch, rollup=False, contract=None)
def other_own_anchor(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, own_anchor=rig.scenario.element()))


@_tells(errors.WordsMismatch, rollup=False, contract="StaleState")
def other_old_state(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, old_state=rig.scenario.element()))


@_tells(errors.WordsMismatch, rollup=False, contract="WrongEpochId")
def epoch_left_out(rig: Rig) -> Attempt:
    result = _honest(rig)
    return _attempt(rig, result, _header(result, epoch_id=result.words.header.epoch_id + 1))


@_tells(errors.OperationMismatch, rollup=False, contract=None)
def other_operation_word(rig: Rig) -> Attempt:
    result = _honest(rig)
    (published,) = result.words.operations
    words = replace(result.words, operations=(replace(published, new=rig.scenario.element()),))
    return _attempt(rig, result, words)


# Words and lanes


@_tells(errors.WordNotZero, rollup=False, contract="LaneKindRefused")
def application_lane(rig: Rig) -> Attempt:
    result = _build(rig, [])
    kind: Any = 6
    words = _lane(result.words, 1, LaneWords(kind))
    return _attempt(rig, result, words, c=result.c)


@_tells(errors.WordNotZero, rollup=False, contract=None)
def message_in_a_no_op(rig: Rig) -> Attempt:
    result = _honest(rig)
    lane = LaneWords(ext=(*[0] * 11, 0x50770))
    return _attempt(rig, result, _lane(result.words, 3, lane))


@_tells(errors.OperationMismatch, rollup=False, contract=None)
def operation_word_without_lane(rig: Rig) -> Attempt:
    result = _build(rig, [_transaction(rig)])
    words = replace(result.words, operations=(OperationWords(Field(7), Field(9)),))
    return _attempt(rig, result, words)


@_tells(errors.WordsMismatch, rollup=False, contract=None)
def link_of_another(rig: Rig) -> Attempt:
    result = _honest(rig)
    lane = replace(result.words.lanes[0], link=rig.scenario.element())
    return _attempt(rig, result, _lane(result.words, 0, lane))


@_tells(errors.WordsMismatch, rollup=False, contract=None)
def ciphertext_of_another(rig: Rig) -> Attempt:
    """c, h and the proof are honest, and one data word on L1 is not what they cover."""
    result = _honest(rig)
    lane = result.words.lanes[0]
    ext = (*lane.ext[:5], lane.ext[5] ^ 1, *lane.ext[6:])
    words = _lane(result.words, 0, replace(lane, ext=ext))
    z = compute_z(words.header.domain, result.c, words.encode())
    y = compute_y(words.values(), z)
    file = result._witness.to_json(result.words, result.c, z, y, bytes.fromhex(rig.proposer[2:]), 0)
    return replace(_attempt(rig, result, words, c=result.c), witness=_bytes(file))


@_tells(errors.NonCanonicalField, rollup=False, contract="NonCanonicalField")
def field_word_plus_p(rig: Rig) -> Attempt:
    result = _honest(rig)
    index = next(i for i, word in enumerate(result.words.parts()[0]) if i >= 3 and word)
    words = split_field_word(result.words.encode(), index)
    honest = _attempt(rig, result)
    file = json.loads(honest.witness)
    lane = file["lane"][index - 3]
    lane["link"] = hex(int.from_bytes(words[32 * index : 32 * index + 32]))
    commit = replace(honest.commit, words=words, client_proofs=_client_proofs_of(words, result.words))
    return Attempt(_follows(rig, words), honest.circuit, _bytes(file), commit)


def _client_proofs_of(encoded: bytes, words: EpochWords) -> bytes:
    """Client proofs for the links as they stand in the bytes."""
    proven = [i for i, lane in enumerate(words.lanes) if lane.kind in (Kind.TRANSFER, Kind.ACCOUNT)]
    links = (int.from_bytes(encoded[32 * (3 + i) : 32 * (4 + i)]) for i in proven)
    return b"".join(harness_client_proof(link) for link in links)


@_tells(errors.WordLengthWrong, rollup=False, contract="WrongWordsLength")
def one_byte_more(rig: Rig) -> Attempt:
    result = _honest(rig)
    honest = _attempt(rig, result)
    words = honest.commit.words + b"\0"
    file = json.loads(honest.witness)
    file["lane"][0]["ext"].append("0x0")
    return Attempt(_follows(rig, words), honest.circuit, _bytes(file), replace(honest.commit, words=words))


@_tells(errors.EpochFull, rollup=False, contract="WrongWordsLength")
def fifth_lane(rig: Rig) -> Attempt:
    entries = [_transaction(rig) for _ in range(LANES + 1)]
    result = _build(rig, entries[:LANES])
    honest = _attempt(rig, result)
    file = json.loads(honest.witness)
    file["lane"].append(file["lane"][-1])
    words = honest.commit.words + bytes(32)
    commit = replace(honest.commit, words=words)
    return Attempt(_applies(rig, entries), honest.circuit, _bytes(file), commit)


@_tells(errors.LaneCountUnsupported, rollup=False, contract="UnknownVerifier")
def eight_lanes(rig: Rig) -> Attempt:
    honest = _attempt(rig, _honest(rig))
    file = json.loads(honest.witness)
    file["lanes"] = 8
    commit = replace(honest.commit, verifier=to_checksum_address(rig.accounts[5]))
    return Attempt(lambda: check_lane_count(8), honest.circuit, _bytes(file), commit)


@_tells(errors.TreeFull, rollup=False, contract="StaleState")
def full_note_tree(rig: Rig) -> Attempt:
    """One epoch after the last that the note tree has room for."""
    state = rig.scenario.state.copy()
    growth = 4 * LANES
    state.note.size = state.note.capacity - growth
    inputs = _inputs(rig)
    result = apply_epoch(state, [], inputs)
    full = state.copy()
    full.note.size = full.note.capacity
    witness = result._witness
    place = replace(witness.note, index=witness.note.index + 1)
    witness = replace(witness, old=full.roots(), note=place)
    words = _header(result, old_state=full.hash())
    return _attempt(rig, result, words, witness, python=lambda: apply_epoch(full, [], inputs))


# Proofs


@_tells(None, rollup=True, contract="ProofInvalid")
def proof_of_other_words(rig: Rig) -> Attempt:
    honest = _attempt(rig, _honest(rig))
    proof = keccak(b"public inputs of another epoch") + bytes(224)
    return replace(honest, python=lambda: None, proof=proof)


@_tells(None, rollup=True, contract="ProofInvalid")
def client_proofs_exchanged(rig: Rig) -> Attempt:
    honest = _attempt(rig, _honest(rig))
    proofs = honest.commit.client_proofs
    commit = replace(honest.commit, client_proofs=proofs[256:] + proofs[:256])
    return replace(honest, python=lambda: None, commit=commit)


@_tells(None, rollup=True, contract="WrongClientProofsLength")
def client_proof_left_out(rig: Rig) -> Attempt:
    honest = _attempt(rig, _honest(rig))
    commit = replace(honest.commit, client_proofs=honest.commit.client_proofs[256:])
    return replace(honest, python=lambda: None, commit=commit)

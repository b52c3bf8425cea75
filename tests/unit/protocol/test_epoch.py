"""The state transition: every kind of lane, every rejection, and following from L1 words."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sotto.protocol.accounts import Operation
from sotto.protocol.epoch import AccountChange, EpochBuilder, EpochInputs, LaneInput, apply_epoch, replay
from sotto.protocol.errors import (
    AccountExists,
    ChainedCommitmentUnknown,
    EpochFull,
    EpochInputsInvalid,
    EpochRejected,
    EqualNullifiers,
    ExpiredTransaction,
    FeeAssetNotListed,
    IntegerOutOfRange,
    KindInvalid,
    LaneCountUnsupported,
    NewKeySetZero,
    NonCanonicalField,
    NullifierSpent,
    OperationMismatch,
    OperationPreimageMissing,
    ProtocolError,
    StaleKeySet,
    TooManyAnchors,
    TooManyOperations,
    TreeFull,
    UnknownAnchor,
    WordLengthWrong,
    WordNotZero,
    WordsMismatch,
    WrongDomain,
)
from sotto.protocol.field import MODULUS, ZERO, Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.merkle import fold
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.trees import State, genesis
from sotto.protocol.words import EpochWords, LaneWords, compute_y, compute_z, decode_words, words_length

DOMAIN = 77
START = genesis()
INPUTS = EpochInputs(DOMAIN, 4, 0, 100, 5, (1, 2, 0, 0))
SEEDS = iter(range(1_000, 10**9))


def make(**change: object) -> Transaction:
    """A transaction that the next epoch after genesis accepts, with values of its own."""
    values: dict[str, object] = {
        "kind": Kind.TRANSFER,
        "domain": DOMAIN,
        "anchor": START.anchor(),
        "named": (ZERO, ZERO),
        "nullifiers": (Field(next(SEEDS)), Field(next(SEEDS))),
        "commitments": (Field(next(SEEDS)), Field(next(SEEDS)), Field(next(SEEDS))),
        "public_value": 0,
        "public_asset": 0,
        "recipient": 0,
        "fee": 0,
        "fee_asset": 0,
        "expiry": 100,
        "operation": ZERO,
        "ext": (1, *[0] * 11),
    }
    return Transaction(**{**values, **change})  # type: ignore[arg-type]


def change_keys(account: int, previous: int, new: int, **change: object) -> AccountChange:
    operation = Operation(Field(account), Field(previous), Field(new))
    return AccountChange(make(kind=Kind.ACCOUNT, operation=operation.word, **change), operation)


def test_all_kinds_together() -> None:
    spend = make(fee=3, fee_asset=2, public_value=8, public_asset=1, recipient=6)
    named = make(named=(spend.commitments[1], ZERO), fee=4, fee_asset=2)
    forced = make(kind=Kind.FORCED, anchor=Field(1), expiry=0, public_value=9, public_asset=1, recipient=7)
    skipped = make(kind=Kind.FORCED, nullifiers=(Field(next(SEEDS)), spend.nullifiers[0]), public_value=5,
                   public_asset=1, recipient=8)  # fmt: skip
    deposit = Deposit(Field(55), 1, 1_000)
    entries: list[LaneInput] = [deposit, spend, None, named, forced, skipped, change_keys(500, 0, 600)]
    entries += [change_keys(500, 600, 601), change_keys(501, 0, 602), deposit]
    inputs = replace(INPUTS, lanes=16)
    result = apply_epoch(START, entries, inputs)
    assert [int(lane.kind) for lane in result.words.lanes] == [2, 1, 0, 1, 3, 4, 5, 5, 5, 2] + [0] * 6
    header = result.words.header
    assert (header.queue_start, header.queue_end, header.fee_totals) == (5, 9, (0, 7, 0, 0))
    assert [(w.lane, w.value) for w in result.withdrawals] == [(1, 8), (4, 9)]
    state = result.state
    assert (state.note.size, state.nullifier.size, state.root.size, state.account.size) == (64, 128, 2, 8)
    assert state.note.leaf(0) == deposit.commitment(DOMAIN, 5)
    assert state.note.leaf(36) == deposit.commitment(DOMAIN, 8)
    assert [state.note.leaf(4 + j) for j in range(4)] == [*spend.commitments, 0]
    assert [state.note.leaf(20 + j) for j in range(4)] == [0] * 4
    assert spend.nullifiers[0] in state.nullifier
    assert skipped.nullifiers[0] not in state.nullifier
    assert state.account.key_set(Field(500)) == 601
    assert state.account.key_set(Field(501)) == 602
    assert START.hash() == genesis().hash()
    assert replay(START, decode_words(result.encoded_words(), 16)).state.hash() == state.hash()
    assert (result.z, result.y) == (
        compute_z(DOMAIN, result.c, result.encoded_words()),
        sum(d * pow(result.z, i, MODULUS) for i, d in enumerate(result.words.values())) % MODULUS,
    )
    assert compute_y([1, 2, 3], 10) == 321


TAKEN = make()


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (make(domain=78), WrongDomain),
        (make(anchor=Field(9)), UnknownAnchor),
        (make(expiry=99), ExpiredTransaction),
        (make(fee=1, fee_asset=3), FeeAssetNotListed),
        (make(fee=1, fee_asset=0), FeeAssetNotListed),
        (make(nullifiers=(Field(5), Field(5))), EqualNullifiers),
        (make(nullifiers=(ZERO, Field(5))), NullifierSpent),
        (make(nullifiers=(Field(5), TAKEN.nullifiers[1])), NullifierSpent),
        (make(named=(Field(12), ZERO)), ChainedCommitmentUnknown),
        (make(named=(ZERO, Field(600))), ChainedCommitmentUnknown),
        (make(kind=Kind.ACCOUNT, operation=Field(5)), OperationPreimageMissing),
        (AccountChange(make(), Operation(Field(1), ZERO, Field(2))), KindInvalid),
        (
            AccountChange(make(kind=Kind.ACCOUNT, operation=Field(5)), Operation(Field(1), ZERO, Field(2))),
            OperationMismatch,
        ),
        (change_keys(500, 0, 601), TooManyOperations),
        (change_keys(500, 600, 601, expiry=1), ExpiredTransaction),
        (make(kind=Kind.FORCED, domain=78), WrongDomain),
    ],
)
def test_rejections_change_nothing(entry: LaneInput, error: type[ProtocolError]) -> None:
    good: list[LaneInput] = [TAKEN, change_keys(500, 0, 600)]
    expected = apply_epoch(START, good, INPUTS)
    with pytest.raises(error) as caught:
        apply_epoch(START, [*good, entry], INPUTS)
    if isinstance(caught.value, EpochRejected):
        assert caught.value.lane == 2
    result = apply_epoch(START, [*good, entry], INPUTS, skip_invalid=True)
    assert [(r.position, type(r.error)) for r in result.rejections] == [(2, error)]
    assert result.words == expected.words


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (change_keys(500, 0, 600), change_keys(500, 0, 601), AccountExists),
        (change_keys(500, 0, 600), change_keys(500, 601, 602), StaleKeySet),
        (None, change_keys(500, 600, 601), StaleKeySet),
        (None, change_keys(0, 0, 601), AccountExists),
    ],
)
def test_account_operations(first: LaneInput, second: LaneInput, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        apply_epoch(START, [first, second], replace(INPUTS, lanes=16))


def test_operation_must_set_keys() -> None:
    with pytest.raises(NewKeySetZero):
        Operation(Field(1), ZERO, ZERO)


def test_a_revoked_set_cannot_come_back() -> None:
    after = apply_epoch(START, [change_keys(500, 0, 600)], INPUTS).state
    later = replace(INPUTS, oldest=0)
    changed = apply_epoch(after, [change_keys(500, 600, 601)], later).state
    with pytest.raises(StaleKeySet):
        apply_epoch(changed, [change_keys(500, 600, 600)], later)


def test_named_commitment_of_a_skipped_lane_is_unknown() -> None:
    skipped = make(kind=Kind.FORCED, nullifiers=(Field(1), TAKEN.nullifiers[0]))
    child = make(named=(skipped.commitments[0], ZERO))
    with pytest.raises(ChainedCommitmentUnknown):
        apply_epoch(START, [TAKEN, skipped, child], INPUTS)
    with pytest.raises(ChainedCommitmentUnknown):
        apply_epoch(START, [make(named=(TAKEN.commitments[0], ZERO)), TAKEN], INPUTS)


def test_spent_across_epochs_and_skipped_for_it() -> None:
    after = apply_epoch(START, [TAKEN], INPUTS).state
    with pytest.raises(NullifierSpent):
        apply_epoch(after, [make(nullifiers=TAKEN.nullifiers)], INPUTS)
    forced = make(kind=Kind.FORCED, nullifiers=TAKEN.nullifiers)
    result = apply_epoch(after, [forced], INPUTS)
    assert result.words.lanes[0].kind == Kind.SKIPPED
    lane = result.witness(bytes(20))["lane"][0]  # type: ignore[index]
    assert lane["member"] == 0
    assert lane["insertions"][0]["low"] == hex(TAKEN.nullifiers[0])


def test_anchors() -> None:
    states = [START]
    for _ in range(5):
        states.append(apply_epoch(states[-1], [], INPUTS).state)
    anchors = [state.anchor() for state in states]
    entries = [make(anchor=a) for a in anchors[1:6]]
    wide = replace(INPUTS, lanes=16, oldest=1)
    with pytest.raises(TooManyAnchors):
        apply_epoch(states[-1], entries, wide)
    result = apply_epoch(states[-1], [*entries[:4], make(anchor=anchors[1])], wide)
    slots = result.witness(bytes(20))["anchors"]
    assert [slot["index"] for slot in slots] == [1, 2, 3, 4]  # type: ignore[attr-defined]
    with pytest.raises(UnknownAnchor):
        apply_epoch(states[-1], [make(anchor=anchors[0])], wide)
    for oldest in (6, 7):
        with pytest.raises(EpochInputsInvalid):
            EpochBuilder(states[-1], replace(INPUTS, oldest=oldest))


def test_inputs() -> None:
    with pytest.raises(EpochInputsInvalid):
        EpochBuilder(START, replace(INPUTS, fee_assets=(1, 1, 0, 0)))
    with pytest.raises(IntegerOutOfRange):
        EpochBuilder(START, replace(INPUTS, now=-1))
    for lanes in (0, 1, 8, 64):
        with pytest.raises(LaneCountUnsupported):
            EpochBuilder(START, replace(INPUTS, lanes=lanes))
    builder = EpochBuilder(START, INPUTS)
    for _ in range(4):
        builder.add(None)
    with pytest.raises(EpochFull):
        builder.add(None)


@pytest.mark.parametrize("tree", ["note", "root"])
def test_full_trees_end_the_chain(tree: str) -> None:
    state: State = START.copy()
    size = 4 ** getattr(state, tree).depth
    getattr(state, tree).size = size
    with pytest.raises(TreeFull):
        EpochBuilder(state, replace(INPUTS, oldest=state.epoch_id))


def test_growth_rounds_up_between_sizes() -> None:
    small = apply_epoch(START, [TAKEN], INPUTS).state
    large = apply_epoch(small, [make()], replace(INPUTS, lanes=16)).state
    assert (small.note.size, large.note.size) == (16, 128)
    assert (small.nullifier.size, large.nullifier.size) == (32, 128)
    assert (small.account.size, large.account.size) == (5, 12)


def test_witness_paths_open_the_roots() -> None:
    result = apply_epoch(START, [TAKEN, make()], INPUTS)
    witness = result.witness(bytes(20))

    def opened(entry: dict[str, object]) -> list[tuple[Field, ...]]:
        return [tuple(Field(int(x, 16)) for x in level) for level in entry["path"]]  # type: ignore[attr-defined]

    first = witness["lane"][0]["insertions"][0]  # type: ignore[index]
    leaf = H(Tag.NULLIFIER_LEAF, int(first["low"], 16), int(first["next"], 16))
    assert fold(leaf, first["index"], opened(first)) == START.nullifier.root  # type: ignore[arg-type]
    second = witness["lane"][0]["insertions"][1]  # type: ignore[index]
    assert second["pending"] == 0


WORDS = apply_epoch(START, [TAKEN, Deposit(Field(4), 1, 5), change_keys(500, 0, 600)], INPUTS).words
N = 4
BYTE_START = (3 + N) * 32
DATA_START = BYTE_START + (15 + 4 * N) * 31


def patched(offset: int, value: bytes) -> bytes:
    data = bytearray(WORDS.encode())
    data[offset : offset + len(value)] = value
    return bytes(data)


def byte_word(index: int) -> int:
    """Offset of the last byte of an L1 byte word."""
    return BYTE_START + 31 * index + 30


def test_words_round_trip() -> None:
    assert words_length(4) == 4_261
    assert words_length(16) == 15_361
    assert decode_words(WORDS.encode(), 4) == WORDS
    assert len(WORDS.values()) == 18 + 29 * 4 + 2


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (WORDS.encode() + b"\0", WordLengthWrong),
        (WORDS.encode()[:-1], WordLengthWrong),
        (b"", WordLengthWrong),
        (patched(0, MODULUS.to_bytes(32)), NonCanonicalField),
        (patched(DATA_START, b"\xff" * 32), NonCanonicalField),
        (patched(byte_word(14), b"\1"), WordNotZero),
        (patched(byte_word(15), b"\6"), WordNotZero),
        (patched(byte_word(15 + 12), b"\1"), EqualNullifiers),
        (patched(byte_word(16 + 12), b"\1"), WordNotZero),
        (patched(byte_word(15 + 4 + 3), b"\1"), WordNotZero),
        (patched(byte_word(15 + 1) - 15, b"\1"), IntegerOutOfRange),
        (patched(byte_word(1) - 8, b"\1"), IntegerOutOfRange),
        (patched(DATA_START + 9 * N * 32, bytes(64)), OperationMismatch),
    ],
)
def test_words_are_strict(data: bytes, error: type[ProtocolError]) -> None:
    if error is EqualNullifiers:  # zero words of a transfer lane decode, and the transition refuses them
        with pytest.raises((EqualNullifiers, UnknownAnchor)):
            replay(START, decode_words(data, 4))
        return
    with pytest.raises(error):
        decode_words(data, 4)


def tampered(words: EpochWords, edit: Callable[[LaneWords], LaneWords]) -> EpochWords:
    return replace(words, lanes=(edit(words.lanes[0]), *words.lanes[1:]))


def test_replay_notices_other_words() -> None:
    header = WORDS.header
    for other in (
        replace(WORDS, header=replace(header, new_state=Field(1))),
        replace(WORDS, header=replace(header, epoch_id=2)),
        replace(WORDS, header=replace(header, queue_end=9)),
        replace(WORDS, header=replace(header, fee_totals=(1, 0, 0, 0))),
        tampered(WORDS, lambda lane: replace(lane, link=Field(1))),
        tampered(WORDS, lambda lane: replace(lane, commitments=(Field(1), Field(2), Field(3)))),
    ):
        with pytest.raises(WordsMismatch):
            replay(START, other)
    assert replay(START, WORDS).words == WORDS
    with pytest.raises(LaneCountUnsupported):
        replace(WORDS, lanes=WORDS.lanes[:3])
    with pytest.raises(WordLengthWrong):
        replace(WORDS, operations=())
    five = replace(WORDS, lanes=(WORDS.lanes[2], *WORDS.lanes[1:]))
    with pytest.raises(TooManyOperations):
        replay(START, five)

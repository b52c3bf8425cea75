"""What the real rollup refuses, with real proofs around each damage."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from py_ecc.bn128 import G1, add, field_modulus, multiply
from tests.e2e.conftest import EXPIRY_BLOCKS, RawStage
from tests.support import points
from tests.support.raw_l1 import PROOF_BYTES, RawEpoch

from sotto.l1.records import summary_to_abi
from sotto.protocol.errors import ExpiredTransaction, NullifierSpent
from sotto.protocol.field import MODULUS
from sotto.protocol.words import EpochWords, Header, LaneWords, Layout

pytestmark = pytest.mark.slow

FIELD_BYTES, BYTE_BYTES = 32, 31
HEADER_ERRORS = {
    "StaleState",
    "WrongDomain",
    "WrongEpochId",
    "OldestUnknown",
    "ClockInFuture",
    "WrongQueueStart",
    "WrongQueueEnd",
    "WrongQueueTailCount",
    "FeeAssetUnlisted",
    "FeeAssetRepeated",
    "FeeWithoutAsset",
    "ReservedWordUsed",
}
LANE_ERRORS = {
    "ProofInvalid",
    "QueueItemMismatch",
    "LaneKindRefused",
    "WrongClientProofsLength",
    "WrongQueueEnd",
    "WrongQueueTailCount",
}


def header(epoch: RawEpoch, **changes: Any) -> RawEpoch:
    """The epoch with another header."""
    words = epoch.closed.result.words
    return epoch.with_words(replace(words, header=replace(words.header, **changes)).encode())


def lane(epoch: RawEpoch, number: int, **changes: Any) -> RawEpoch:
    """The epoch with another lane."""
    words = epoch.closed.result.words
    lanes = list(words.lanes)
    lanes[number] = replace(lanes[number], **changes)
    return epoch.with_words(replace(words, lanes=tuple(lanes)).encode())


def old_header(epoch: RawEpoch) -> Header:
    return epoch.closed.result.words.header


def old_lane(epoch: RawEpoch, number: int) -> LaneWords:
    return epoch.closed.result.words.lanes[number]


def add_modulus(values: Sequence[int], place: int) -> tuple[int, ...]:
    """The values with p added at a place: the same field elements."""
    return tuple(value + MODULUS * (i == place) for i, value in enumerate(values))


def swapped(ext: Sequence[int]) -> tuple[int, ...]:
    """Extension words with the first two ciphertexts exchanged."""
    return (*ext[:3], *ext[6:9], *ext[3:6], *ext[9:])


WORDS: dict[str, tuple[Callable[[RawEpoch], RawEpoch], str]] = {
    "nullifier + p": (
        lambda e: lane(e, 0, nullifiers=add_modulus(old_lane(e, 0).nullifiers, 0)),
        "NonCanonicalField",
    ),
    "commitment + p": (
        lambda e: lane(e, 1, commitments=add_modulus(old_lane(e, 1).commitments, 2)),
        "NonCanonicalField",
    ),
    "link + p": (lambda e: lane(e, 0, link=old_lane(e, 0).link + MODULUS), "NonCanonicalField"),
    "new state + p": (lambda e: header(e, new_state=old_header(e).new_state + MODULUS), "NonCanonicalField"),
    "c + p": (lambda e: replace(e, commit=replace(e.commit, c=e.commit.c + MODULUS)), "NonCanonicalField"),
    "another c": (lambda e: replace(e, commit=replace(e.commit, c=e.commit.c + 1)), "ProofInvalid"),
    "another domain": (lambda e: header(e, domain=old_header(e).domain ^ 1), "WrongDomain"),
    "stale root": (lambda e: header(e, old_state=old_header(e).old_state + 1), "StaleState"),
    "gap": (lambda e: header(e, epoch_id=old_header(e).epoch_id + 1), "WrongEpochId"),
    "queue items again": (lambda e: header(e, queue_start=0), "WrongQueueStart"),
    "queue items skipped": (
        lambda e: header(e, queue_end=old_header(e).queue_end + 1),
        "WrongQueueTailCount",
    ),
    "reserved word": (lambda e: header(e, reserved=1), "ReservedWordUsed"),
    "unknown fee asset": (lambda e: header(e, fee_assets=(1, 99, 0, 0)), "FeeAssetUnlisted"),
    "fee asset twice": (lambda e: header(e, fee_assets=(1, 1, 0, 0)), "FeeAssetRepeated"),
    "fee without asset": (lambda e: header(e, fee_totals=(1_000, 50, 1, 0)), "FeeWithoutAsset"),
    "more fees": (lambda e: header(e, fee_totals=(1_001, 50, 0, 0)), "ProofInvalid"),
    "clock ahead": (lambda e: header(e, now=old_header(e).now + 1_000), "ClockInFuture"),
    "clock before its parent": (lambda e: header(e, now=old_header(e).now - 11), "ClockDecreased"),
    "unknown anchor age": (lambda e: header(e, oldest=old_header(e).oldest + 1), "OldestUnknown"),
    "reserved kind": (lambda e: lane(e, 0, kind=6), "LaneKindRefused"),
    "deposit from nowhere": (
        lambda e: lane(e, 2, kind=2, public_value=1, public_asset=1),
        "QueueItemMismatch",
    ),
    "swapped ciphertexts": (lambda e: lane(e, 0, ext=swapped(old_lane(e, 0).ext)), "ProofInvalid"),
    "unknown withdrawn asset": (lambda e: lane(e, 1, public_asset=99), "ProofInvalid"),
    "another recipient": (lambda e: lane(e, 1, recipient=old_lane(e, 1).recipient + 1), "ProofInvalid"),
    "later expiry": (lambda e: lane(e, 0, expiry=old_lane(e, 0).expiry + 1), "ProofInvalid"),
    "words truncated": (lambda e: e.with_words(e.commit.words[:-1]), "WrongWordsLength"),
    "words overlong": (lambda e: e.with_words(e.commit.words + b"\0"), "WrongWordsLength"),
    "words of no lanes": (lambda e: e.with_words(b""), "WrongWordsLength"),
}


@pytest.mark.parametrize("damage", WORDS)
def test_damaged_words_are_refused_by_name(raw: RawStage, damage: str) -> None:
    change, expected = WORDS[damage]
    assert raw.l1.refusal(change(raw.honest)) == expected


def each_word(epoch: RawEpoch) -> Iterator[tuple[int, bool, bytes]]:
    """The words with one of them raised by 1: number, whether it is of the header, bytes."""
    words: EpochWords = epoch.closed.result.words
    parts = words.parts()
    lanes = len(words.lanes)
    data, at, number = epoch.commit.words, 0, 0
    for part, (values, size) in enumerate(zip(parts, (FIELD_BYTES, BYTE_BYTES) * 2, strict=True)):
        of_header = len(values) - (1, 4, 0, 0)[part] * lanes if part < 2 else 0
        for place, value in enumerate(values):
            raised = (value + 1) % MODULUS if size == FIELD_BYTES else value + 1
            yield number, place < of_header, data[:at] + raised.to_bytes(size) + data[at + size :]
            at += size
            number += 1


def test_every_single_word_is_bound(raw: RawStage) -> None:
    seen = 0
    for number, of_header, words in each_word(raw.honest):
        name = raw.l1.refuses(raw.honest.with_words(words))
        assert name in (HEADER_ERRORS | {"ProofInvalid"} if of_header else LANE_ERRORS), number
        seen += 1
    assert seen == 18 + 29 * 4 + 4 // 2


def damaged_point(proof: bytes, word: int, change: Callable[[int], int]) -> bytes:
    """The proof with one coordinate changed."""
    value = int.from_bytes(proof[32 * word : 32 * word + 32])
    return proof[: 32 * word] + change(value).to_bytes(32) + proof[32 * word + 32 :]


def zeroed(proof: bytes, first: int, last: int) -> bytes:
    """The proof with words first .. last set to 0."""
    return proof[: 32 * first] + bytes(32 * (last - first)) + proof[32 * last :]


def outside_subgroup(proof: bytes) -> bytes:
    """The proof with a point B on the twist, but not of the pairing's order."""
    a, _, c = points.split(proof)
    return points.join(a, points.outside_subgroup(), c)


POINTS: dict[str, Callable[[bytes], bytes]] = {
    "A off the curve": lambda p: damaged_point(p, 0, lambda x: (x + 1) % field_modulus),
    "B off the twist": lambda p: damaged_point(p, 3, lambda x: (x + 1) % field_modulus),
    "B outside the subgroup": outside_subgroup,
    "C off the curve": lambda p: damaged_point(p, 7, lambda y: (y + 1) % field_modulus),
    "A.x + q": lambda p: damaged_point(p, 0, lambda x: x + field_modulus),
    "B.x + q": lambda p: damaged_point(p, 2, lambda x: x + field_modulus),
    "C.y + q": lambda p: damaged_point(p, 7, lambda y: y + field_modulus),
    "A = (0, 0)": lambda p: zeroed(p, 0, 2),
    "B = (0, 0)": lambda p: zeroed(p, 2, 6),
    "C = (0, 0)": lambda p: zeroed(p, 6, 8),
    "all zero": lambda p: bytes(PROOF_BYTES),
    "A negated": lambda p: damaged_point(p, 1, lambda y: field_modulus - y),
    "C moved": lambda p: points.shift_c(p, G1),
}


@pytest.mark.parametrize("damage", POINTS)
def test_damaged_points_are_refused(raw: RawStage, damage: str) -> None:
    first, second = raw.honest.client_proofs
    change = POINTS[damage]
    assert raw.l1.refusal(raw.honest.with_client_proofs(change(first), second)) == "ProofInvalid"
    assert raw.l1.refusal(raw.honest.with_client_proofs(first, change(second))) == "ProofInvalid"
    assert raw.l1.refusal(replace(raw.honest, proof=change(raw.honest.proof))) == "ProofInvalid"


def test_proofs_of_wrong_length_number_or_order_are_refused(raw: RawStage) -> None:
    first, second = raw.honest.client_proofs
    cases = {
        "omitted": ((first,), "WrongClientProofsLength"),
        "none": ((), "WrongClientProofsLength"),
        "one too many": ((first, second, second), "WrongClientProofsLength"),
        "truncated": ((first, second[:-1]), "WrongClientProofsLength"),
        "overlong": ((first, second, b"\0"), "WrongClientProofsLength"),
        "doubled": ((first, first), "ProofInvalid"),
        "exchanged": ((second, first), "ProofInvalid"),
        "of the rollup": ((first, raw.honest.proof), "ProofInvalid"),
    }
    found = {case: raw.l1.refusal(raw.honest.with_client_proofs(*p)) for case, (p, _) in cases.items()}
    assert found == {case: name for case, (_, name) in cases.items()}
    for proof in (b"", raw.honest.proof[:-1], raw.honest.proof + b"\0"):
        assert raw.l1.refusal(replace(raw.honest, proof=proof)) == "WrongProofLength"
    assert raw.l1.refusal(replace(raw.honest, proof=first)) == "ProofInvalid"
    assert raw.l1.refusal(replace(raw.honest, proof=raw.deposits.proof)) == "ProofInvalid"


def test_errors_that_cancel_under_equal_coefficients_are_refused(raw: RawStage) -> None:
    first, second = raw.honest.client_proofs
    error = multiply(G1, 12345)
    bent = points.shift_c(first, error), points.shift_c(second, points.negated(error))
    sums = [add(points.split(a)[2], points.split(b)[2]) for a, b in (bent, (first, second))]
    assert sums[0] == sums[1], "with equal coefficients the pairing would see no difference"
    assert raw.l1.refusal(raw.honest.with_client_proofs(*bent)) == "ProofInvalid"
    rollup = replace(
        raw.honest.with_client_proofs(bent[0], second),
        proof=points.shift_c(raw.honest.proof, points.negated(error)),
    )
    assert raw.l1.refusal(rollup) == "ProofInvalid"


def test_another_beneficiary_cannot_take_the_proof(raw: RawStage) -> None:
    thief = raw.l1.chain.web3.eth.accounts[5]
    taken = replace(raw.honest, beneficiary=thief)
    assert raw.l1.refusal(taken) == "FeesNotForBeneficiary"
    both = replace(taken, commit=replace(taken.commit, fee_recipient=thief))
    assert raw.l1.refusal(both) == "ProofInvalid"


def test_the_epoch_of_a_chain_that_went_on_without_it_is_refused(raw: RawStage) -> None:
    genesis = raw.l1.records[0]
    stale = replace(raw.honest, commit=replace(raw.honest.commit, parent=genesis))
    assert raw.l1.refusal(stale) == "ParentNotHead"
    assert raw.l1.refusal(raw.deposits) == "ParentNotHead"
    again = replace(raw.deposits, commit=replace(raw.deposits.commit, parent=raw.l1.records[1]))
    assert raw.l1.refusal(again) == "WrongEpochId"


def test_a_verifier_outside_the_set_and_one_of_another_size_are_refused(raw: RawStage) -> None:
    commit = raw.honest.commit
    large = raw.l1.deployment.verifiers()[Layout(16)]
    assert raw.l1.refusal(replace(raw.honest, commit=replace(commit, verifier=large))) == "WrongWordsLength"
    own = replace(commit, verifier=raw.l1.proposer)
    assert raw.l1.refusal(replace(raw.honest, commit=own)) == "UnknownVerifier"


def test_expired_transactions_fit_no_epoch(raw: RawStage) -> None:
    world, signed = raw.l1.scenario, raw.transactions[0]
    snapshot = raw.l1.chain.request("evm_snapshot", [])
    late = signed.transaction.expiry + 1
    raw.l1.mine_to(late)
    assert late - old_header(raw.honest).now <= 2 * EXPIRY_BLOCKS
    assert raw.l1.refuses(header(raw.honest, now=late)) == "ProofInvalid"
    raw.l1.chain.request("evm_revert", [snapshot])
    epochs = len(world.history)
    expired = world.pay(world.users[1], [world.dummy()], world.users[1], 0, expiry=world.now - 1)
    with pytest.raises(ExpiredTransaction):
        world.close([expired, None, None, None], 4, oldest=0)
    assert len(world.history) == epochs


def test_deposits_of_unknown_assets_are_refused(raw: RawStage) -> None:
    functions, ciphertext = raw.l1.bridge.functions, bytes(93)
    for asset in (0, 1, 99):
        assert raw.l1.call_refusal(functions.deposit(asset, 1, 1, ciphertext)) == "AssetUnlisted"


# From here on the honest epoch is on the chain.


def test_rerandomised_proofs_carry_the_same_epoch_and_no_second_one(raw: RawStage) -> None:
    honest = raw.honest
    proofs = [points.rerandomise(proof, 7 + i) for i, proof in enumerate(honest.client_proofs)]
    other = replace(honest.with_client_proofs(*proofs), proof=points.rerandomise(honest.proof, 11))
    assert other.commit.client_proofs != honest.commit.client_proofs
    record = raw.l1.accept(other)
    assert record.c == honest.closed.result.c
    assert raw.l1.state()[:2] == (2, 2)

    assert raw.l1.refusal(honest) == "ParentNotHead"
    parent = replace(honest.commit, parent=record)
    assert raw.l1.refusal(replace(honest, commit=parent)) == "WrongEpochId"
    world, signed = raw.l1.scenario, raw.transactions[0]
    with pytest.raises(NullifierSpent):
        world.close([signed, None, None, None], 4, oldest=1)


def test_claim_needs_the_true_withdrawal_and_pays_once(raw: RawStage) -> None:
    record = raw.l1.records[2]
    functions, web3 = raw.l1.bridge.functions, raw.l1.chain.web3
    withdrawal = raw.honest.closed.result.withdrawals[0]
    parts = (withdrawal.lane, withdrawal.asset, withdrawal.value, withdrawal.recipient)
    for place in range(4):
        wrong = [value + (i == place) for i, value in enumerate(parts)]
        call = functions.claim(summary_to_abi(record), *wrong, [])
        assert raw.l1.call_refusal(call) == "NotAWithdrawal"
    other = replace(record, withdrawal_root=bytes(32))
    assert raw.l1.call_refusal(functions.claim(summary_to_abi(other), *parts, [])) == "EpochNotProven"
    claim = functions.claim(summary_to_abi(record), *parts, [])
    raw.l1.transact(claim, {"from": web3.eth.accounts[6]})
    assert raw.l1.call_refusal(claim) == "AlreadyClaimed"

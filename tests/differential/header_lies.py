"""Headers, words and proofs that are not those of the epoch."""

import json
from dataclasses import replace
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sotto.protocol import errors
from sotto.protocol.epoch import (
    apply_epoch,
)
from sotto.protocol.field import Field
from sotto.protocol.notes import ETH, Deposit
from sotto.protocol.transaction import Kind
from sotto.protocol.words import (
    EpochWords,
    LaneWords,
    OperationWords,
    check_lane_count,
    compute_y,
    compute_z,
)
from tests.differential.attempts import (
    FAR,
    LANES,
    Attempt,
    applies_to,
    attempt,
    build,
    epoch_inputs,
    follows,
    honest_epoch,
    tells,
    transaction,
    with_header,
    with_lane,
    witness_bytes,
)
from tests.differential.rig import Rig, harness_client_proof, split_field_word
from tests.support.scenario import TOKEN

# Header


@tells(errors.EpochInputsInvalid, rollup=True, contract="FeeAssetRepeated")
def fee_asset_twice(rig: Rig) -> Attempt:
    result = build(rig, [transaction(rig)])
    same = (ETH, ETH, 0, 0)
    python = applies_to(rig, [], epoch_inputs(rig, fee_assets=same))
    return attempt(rig, result, with_header(result, fee_assets=same), python=python)


@tells(errors.EpochInputsInvalid, rollup=False, contract="OldestUnknown")
def oldest_not_yet_made(rig: Rig) -> Attempt:
    result = build(rig, [])
    later = result.words.header.epoch_id
    return attempt(
        rig,
        result,
        with_header(result, oldest=later),
        python=applies_to(rig, [], epoch_inputs(rig, oldest=later)),
    )


@tells(errors.WordNotZero, rollup=False, contract="ReservedWordUsed")
def reserved_word(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, reserved=1))


@tells(errors.IntegerOutOfRange, rollup=True, contract="ClockInFuture")
def clock_of_65_bits(rig: Rig) -> Attempt:
    result = build(rig, [])
    return attempt(rig, result, with_header(result, now=1 << 64))


@tells(None, rollup=True, contract="ClockInFuture")
def clock_ahead(rig: Rig) -> Attempt:
    entries, inputs = [transaction(rig, expiry=FAR)], epoch_inputs(rig, now=rig.scenario.now + 10)
    return attempt(rig, build(rig, entries, inputs), python=applies_to(rig, entries, inputs))


@tells(None, rollup=True, contract="ClockDecreased")
def clock_backwards(rig: Rig) -> Attempt:
    inputs = epoch_inputs(rig, now=rig.records[-1].timestamp_block - 1)
    return attempt(rig, build(rig, [], inputs), python=applies_to(rig, [], inputs))


@tells(None, rollup=True, contract="FeeAssetUnlisted")
def fee_asset_that_l1_does_not_list(rig: Rig) -> Attempt:
    entries = [transaction(rig, fee=5, fee_asset=9)]
    inputs = epoch_inputs(rig, fee_assets=(ETH, TOKEN, 9, 0))
    return attempt(rig, build(rig, entries, inputs), python=applies_to(rig, entries, inputs))


@tells(None, rollup=True, contract="NoSuchItem")
def deposit_that_l1_did_not_queue(rig: Rig) -> Attempt:
    entries = [Deposit(rig.scenario.element(), ETH, 10**18)]
    return attempt(rig, build(rig, entries), python=applies_to(rig, entries))


@tells(None, rollup=True, contract="WrongDomain")
def epoch_of_another_deployment(rig: Rig) -> Attempt:
    inputs = epoch_inputs(rig, domain=rig.scenario.domain ^ 1)
    return attempt(rig, build(rig, [], inputs), python=applies_to(rig, [], inputs))


@tells(None, rollup=True, contract="WrongQueueStart")
def queue_cursor_ahead(rig: Rig) -> Attempt:
    inputs = epoch_inputs(rig, queue_start=rig.scenario.queue_cursor + 1)
    return attempt(rig, build(rig, [], inputs), python=applies_to(rig, [], inputs))


@tells(errors.WordsMismatch, rollup=False, contract="NoSuchItem")
def queue_end_ahead(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, queue_end=result.words.header.queue_end + 1))


@tells(errors.WordsMismatch, rollup=False, contract="FeeWithoutAsset")
def total_of_no_asset(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, fee_totals=(0, 0, 0, 5)))


@tells(errors.WordsMismatch, rollup=False, contract=None)
def total_that_nobody_paid(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, fee_totals=(5, 0, 0, 0)))


@tells(errors.WordsMismatch, rollup=False, contract=None)
def other_new_state(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, new_state=rig.scenario.element()))


@tells(errors.WordsMismatch, rollup=False, contract=None)
def other_own_anchor(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, own_anchor=rig.scenario.element()))


@tells(errors.WordsMismatch, rollup=False, contract="StaleState")
def other_old_state(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, old_state=rig.scenario.element()))


@tells(errors.WordsMismatch, rollup=False, contract="WrongEpochId")
def epoch_left_out(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    return attempt(rig, result, with_header(result, epoch_id=result.words.header.epoch_id + 1))


@tells(errors.OperationMismatch, rollup=False, contract=None)
def other_operation_word(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    (published,) = result.words.operations
    words = replace(result.words, operations=(replace(published, new=rig.scenario.element()),))
    return attempt(rig, result, words)


# Words and lanes


@tells(errors.WordNotZero, rollup=False, contract="LaneKindRefused")
def application_lane(rig: Rig) -> Attempt:
    result = build(rig, [])
    kind: Any = 6
    words = with_lane(result.words, 1, LaneWords(kind))
    return attempt(rig, result, words, c=result.c)


@tells(errors.WordNotZero, rollup=False, contract=None)
def message_in_a_no_op(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    lane = LaneWords(ext=(*[0] * 11, 0x50770))
    return attempt(rig, result, with_lane(result.words, 3, lane))


@tells(errors.OperationMismatch, rollup=False, contract=None)
def operation_word_without_lane(rig: Rig) -> Attempt:
    result = build(rig, [transaction(rig)])
    words = replace(result.words, operations=(OperationWords(Field(7), Field(9)),))
    return attempt(rig, result, words)


@tells(errors.WordsMismatch, rollup=False, contract=None)
def link_of_another(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    lane = replace(result.words.lanes[0], link=rig.scenario.element())
    return attempt(rig, result, with_lane(result.words, 0, lane))


@tells(errors.WordsMismatch, rollup=False, contract=None)
def ciphertext_of_another(rig: Rig) -> Attempt:
    """c, h and the proof are honest, and one data word on L1 is not what they cover."""
    result = honest_epoch(rig)
    lane = result.words.lanes[0]
    ext = (*lane.ext[:5], lane.ext[5] ^ 1, *lane.ext[6:])
    words = with_lane(result.words, 0, replace(lane, ext=ext))
    z = compute_z(words.header.domain, result.c, words.encode())
    y = compute_y(words.values(), z)
    file = result._witness.to_json(result.words, result.c, z, y, bytes.fromhex(rig.proposer[2:]), 0)
    return replace(attempt(rig, result, words, c=result.c), witness=witness_bytes(file))


@tells(errors.NonCanonicalField, rollup=False, contract="NonCanonicalField")
def field_word_plus_p(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    index = next(i for i, word in enumerate(result.words.parts()[0]) if i >= 3 and word)
    words = split_field_word(result.words.encode(), index)
    honest = attempt(rig, result)
    file = json.loads(honest.witness)
    lane = file["lane"][index - 3]
    lane["link"] = hex(int.from_bytes(words[32 * index : 32 * index + 32]))
    commit = replace(honest.commit, words=words, client_proofs=_client_proofs_of(words, result.words))
    return Attempt(follows(rig, words), honest.circuit, witness_bytes(file), commit)


def _client_proofs_of(encoded: bytes, words: EpochWords) -> bytes:
    """Client proofs for the links as they stand in the bytes."""
    proven = [i for i, lane in enumerate(words.lanes) if lane.kind in (Kind.TRANSFER, Kind.ACCOUNT)]
    links = (int.from_bytes(encoded[32 * (3 + i) : 32 * (4 + i)]) for i in proven)
    return b"".join(harness_client_proof(link) for link in links)


@tells(errors.WordLengthWrong, rollup=False, contract="WrongWordsLength")
def one_byte_more(rig: Rig) -> Attempt:
    result = honest_epoch(rig)
    honest = attempt(rig, result)
    words = honest.commit.words + b"\0"
    file = json.loads(honest.witness)
    file["lane"][0]["ext"].append("0x0")
    return Attempt(
        follows(rig, words), honest.circuit, witness_bytes(file), replace(honest.commit, words=words)
    )


@tells(errors.EpochFull, rollup=False, contract="WrongWordsLength")
def fifth_lane(rig: Rig) -> Attempt:
    entries = [transaction(rig) for _ in range(LANES + 1)]
    result = build(rig, entries[:LANES])
    honest = attempt(rig, result)
    file = json.loads(honest.witness)
    file["lane"].append(file["lane"][-1])
    words = honest.commit.words + bytes(32)
    commit = replace(honest.commit, words=words)
    return Attempt(applies_to(rig, entries), honest.circuit, witness_bytes(file), commit)


@tells(errors.LaneCountUnsupported, rollup=False, contract="UnknownVerifier")
def eight_lanes(rig: Rig) -> Attempt:
    honest = attempt(rig, honest_epoch(rig))
    file = json.loads(honest.witness)
    file["lanes"] = 8
    commit = replace(honest.commit, verifier=to_checksum_address(rig.accounts[5]))
    return Attempt(lambda: check_lane_count(8), honest.circuit, witness_bytes(file), commit)


@tells(errors.TreeFull, rollup=False, contract="StaleState")
def full_note_tree(rig: Rig) -> Attempt:
    """One epoch after the last that the note tree has room for."""
    state = rig.scenario.state.copy()
    growth = 4 * LANES
    state.note.size = state.note.capacity - growth
    inputs = epoch_inputs(rig)
    result = apply_epoch(state, [], inputs)
    full = state.copy()
    full.note.size = full.note.capacity
    witness = result._witness
    place = replace(witness.note, index=witness.note.index + 1)
    witness = replace(witness, old=full.roots(), note=place)
    words = with_header(result, old_state=full.hash())
    return attempt(rig, result, words, witness, python=lambda: apply_epoch(full, [], inputs))


# Proofs


@tells(None, rollup=True, contract="ProofInvalid")
def proof_of_other_words(rig: Rig) -> Attempt:
    honest = attempt(rig, honest_epoch(rig))
    proof = keccak(b"public inputs of another epoch") + bytes(224)
    return replace(honest, python=lambda: None, proof=proof)


@tells(None, rollup=True, contract="ProofInvalid")
def client_proofs_exchanged(rig: Rig) -> Attempt:
    honest = attempt(rig, honest_epoch(rig))
    proofs = honest.commit.client_proofs
    commit = replace(honest.commit, client_proofs=proofs[256:] + proofs[:256])
    return replace(honest, python=lambda: None, commit=commit)


@tells(None, rollup=True, contract="WrongClientProofsLength")
def client_proof_left_out(rig: Rig) -> Attempt:
    honest = attempt(rig, honest_epoch(rig))
    commit = replace(honest.commit, client_proofs=honest.commit.client_proofs[256:])
    return replace(honest, python=lambda: None, commit=commit)

"""Blobs: encoding, commitment, and the data words in them (spec 14)."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from tests.support import vectors

from sotto.protocol import errors
from sotto.protocol.blob import (
    BLOB_BYTES,
    BLOB_ELEMENTS,
    BLS_ORDER,
    ELEMENT_BYTES,
    decode_blob,
    encode_blob,
    evaluate,
)
from sotto.protocol.data import check_data, commit_data, read_blob
from sotto.protocol.field import MODULUS
from sotto.protocol.kzg import CommittedBlob, Opening, commit, verify_opening, versioned_hash
from sotto.protocol.words import DataMode, compute_y, compute_z, data_words, decode_words, split_y_data

VECTORS = Path(__file__).parents[2] / "vectors"
EXTREMES = [0, 1, MODULUS - 1, MODULUS, BLS_ORDER - 1, 1 << 248]


def element(blob: bytes, index: int) -> int:
    return int.from_bytes(blob[index * ELEMENT_BYTES : (index + 1) * ELEMENT_BYTES])


def with_element(blob: bytes, index: int, value: int) -> bytes:
    at = index * ELEMENT_BYTES
    return blob[:at] + value.to_bytes(ELEMENT_BYTES) + blob[at + ELEMENT_BYTES :]


def test_a_blob_holds_values_at_roots_of_unity_in_bit_reversed_order() -> None:
    random = Random(14)
    coefficients = EXTREMES + [random.randrange(BLS_ORDER) for _ in range(386)]
    blob = encode_blob(coefficients)
    root = pow(7, (BLS_ORDER - 1) // BLOB_ELEMENTS, BLS_ORDER)
    assert len(blob) == BLOB_BYTES
    for index in (0, 1, 2, 3, 1_000, 2_048, 4_095):
        exponent = int(f"{index:012b}"[::-1], 2)
        assert element(blob, index) == evaluate(coefficients, pow(root, exponent, BLS_ORDER))
    assert decode_blob(blob, 392) == coefficients


def test_a_full_blob_and_an_empty_one() -> None:
    random = Random(15)
    full = [random.randrange(BLS_ORDER) for _ in range(BLOB_ELEMENTS)]
    assert decode_blob(encode_blob(full), BLOB_ELEMENTS) == full
    assert encode_blob([]) == bytes(BLOB_BYTES)
    assert decode_blob(bytes(BLOB_BYTES), 3) == [0, 0, 0]
    with pytest.raises(errors.BlobTooLong):
        encode_blob([*full, 0])


@pytest.mark.parametrize("value", [-1, BLS_ORDER, BLS_ORDER + 1, 1 << 256])
def test_coefficients_are_below_the_order(value: int) -> None:
    with pytest.raises(errors.BlobNotCanonical):
        encode_blob([0, value])


def test_malformed_blobs_are_refused() -> None:
    blob = encode_blob([1, 2, 3])
    for data in (b"", blob[:-1], blob + b"\0"):
        with pytest.raises(errors.WordLengthWrong):
            decode_blob(data, 3)
        with pytest.raises(errors.WordLengthWrong):
            commit(data)
    for index in (0, 7, 4_095):
        for value in (element(blob, index) + BLS_ORDER, BLS_ORDER, (1 << 256) - 1):
            with pytest.raises(errors.BlobNotCanonical):
                decode_blob(with_element(blob, index, value), 3)
    with pytest.raises(errors.BlobNotEmpty):
        decode_blob(blob, 2)
    for index in (0, 7, 4_095):
        with pytest.raises(errors.BlobNotEmpty):
            decode_blob(with_element(blob, index, element(blob, index) ^ 1), 3)
    with pytest.raises(errors.BlobNotEmpty):
        decode_blob(encode_blob([0] * 4_095 + [1]), 392)


def test_an_opening_holds_for_its_blob_point_and_value_alone() -> None:
    blob = CommittedBlob.of(EXTREMES)
    assert blob.versioned_hash == b"\x01" + sha256(blob.commitment).digest()[1:]
    for z in (0, 1, 7, (1 << 248) - 1):
        opening = blob.open(z)
        assert opening.y == evaluate(EXTREMES, z)
        assert verify_opening(blob.commitment, z, opening)
    opening = blob.open(9)
    assert not verify_opening(blob.commitment, 10, opening)
    assert not verify_opening(blob.commitment, 9, replace(opening, y=(opening.y + 1) % BLS_ORDER))
    assert not verify_opening(CommittedBlob.of([5]).commitment, 9, opening)
    assert not verify_opening(blob.commitment, 9, Opening(opening.y, blob.open(10).proof))


def test_an_epoch_in_a_blob_is_the_epoch_in_calldata() -> None:
    result, calldata = vectors.in_blob(), vectors.mixed().result
    assert calldata.blob is None
    assert calldata.y_data is None
    assert result.blob is not None
    assert (result.words, result.c, result.state.hash()) == (
        calldata.words,
        calldata.c,
        calldata.state.hash(),
    )
    l1_words, data = result.words.encode_l1(), result.words.encode_data()
    assert l1_words + data == result.encoded_words()
    assert decode_words(l1_words + read_blob(result.blob.data, 16), 16) == result.words
    assert check_data(data, 16, result.blob.versioned_hash) == result.blob == commit_data(result.words)

    z = compute_z(result.words.header.domain, result.c, l1_words + result.blob.versioned_hash)
    assert result.z == z != calldata.z
    assert result.y == compute_y(result.words.l1_values(), z)
    assert result.y_data == result.blob.open(z).y
    witness, plain = result.witness(bytes(20)), calldata.witness(bytes(20))
    assert witness.pop("y_data") == [f"{limb:#x}" for limb in split_y_data(result.y_data)]
    assert {key for key in witness if witness[key] != plain[key]} == {"z", "y", "m"}


def test_words_of_another_blob_are_refused() -> None:
    blob = vectors.in_blob().blob
    assert blob is not None
    data = vectors.in_blob().words.encode_data()
    for at in (31, len(data) - 1):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(errors.BlobHashMismatch):
            check_data(bytes(changed), 16, blob.versioned_hash)
    with pytest.raises(errors.BlobHashMismatch):
        check_data(data, 16, versioned_hash(bytes(48)))
    with pytest.raises(errors.WordLengthWrong):
        check_data(data[:-1], 16, blob.versioned_hash)
    with pytest.raises(errors.WordLengthWrong):
        check_data(data, 4, blob.versioned_hash)
    with pytest.raises(errors.NonCanonicalField):
        check_data(b"\xff" * 32 + data[32:], 16, blob.versioned_hash)
    with pytest.raises(errors.LaneCountUnsupported):
        check_data(data, 8, blob.versioned_hash)


def test_coefficients_that_are_no_words_are_refused() -> None:
    words = vectors.in_blob().words.data_values()
    assert len(words) == data_words(16) == 392
    for at, value, error in (
        (0, words[0] + MODULUS, errors.NonCanonicalField),
        (151, MODULUS, errors.NonCanonicalField),
        (152, 1 << 248, errors.IntegerOutOfRange),
        (391, BLS_ORDER - 1, errors.IntegerOutOfRange),
    ):
        with pytest.raises(error):
            read_blob(encode_blob([*words[:at], value, *words[at + 1 :]]), 16)
    with pytest.raises(errors.BlobNotEmpty):
        read_blob(encode_blob(words), 4)
    with pytest.raises(errors.LaneCountUnsupported):
        read_blob(encode_blob(words), 12)
    # A fee that is a word but no fee: the words' own decoder refuses it.
    wide = read_blob(encode_blob([*words[:152], 1 << 120, *words[153:]]), 16)
    with pytest.raises(errors.IntegerOutOfRange):
        decode_words(vectors.in_blob().words.encode_l1() + wide, 16)


def test_vectors_open_as_l1_is_told() -> None:
    (case,) = json.loads((VECTORS / "blobs.json").read_text())
    raw = bytes.fromhex(case["commit_input"][2:])
    y_data, commitment, proof = int.from_bytes(raw[:32]), raw[32:80], raw[80:]
    assert len(proof) == 48
    assert int(case["y_data"], 16) == y_data
    assert versioned_hash(commitment).hex() == case["versioned_hash"][2:]
    assert verify_opening(commitment, int(case["z"], 16), Opening(y_data, proof))
    check_data(bytes.fromhex(case["data_words"][2:]), 16, bytes.fromhex(case["versioned_hash"][2:]))
    low, high = (int(limb, 16) for limb in case["y_data_limbs"])
    assert low + (high << 128) == y_data
    assert DataMode.BLOB == 1

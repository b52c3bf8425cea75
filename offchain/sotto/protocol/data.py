"""The data words of an epoch in a blob: writing, reading and checking them (spec 14).

As bytes the data words are what page 05 makes of them, wherever they come from; `decode_words` takes them
behind the L1 words.
"""

from sotto.protocol.blob import decode_blob
from sotto.protocol.errors import BlobHashMismatch, WordLengthWrong
from sotto.protocol.field import (
    BYTE_WORD_BYTES,
    FIELD_WORD_BYTES,
    decode_field,
    encode_byte_word,
    encode_field,
    to_byte_word,
    to_field,
)
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.words import EpochWords, check_lane_count, data_field_words, data_words, data_words_length


def commit_data(words: EpochWords) -> CommittedBlob:
    """The blob that an epoch in data mode 1 brings to L1."""
    return CommittedBlob.of(words.data_values())


def read_blob(blob: bytes, lanes: int) -> bytes:
    """The data words in a blob, as bytes.

    Raises LaneCountUnsupported, as decode_blob, and NonCanonicalField or IntegerOutOfRange when a coefficient
    is no word. The blob of a proven epoch always has words.
    """
    check_lane_count(lanes)
    coefficients = decode_blob(blob, data_words(lanes))
    fields = data_field_words(lanes)
    words = [encode_field(to_field(word)) for word in coefficients[:fields]]
    return b"".join(words + [encode_byte_word(to_byte_word(word)) for word in coefficients[fields:]])


def check_data(data: bytes, lanes: int, versioned_hash: bytes) -> CommittedBlob:
    """The blob that holds data words, wherever these came from, if L1 names it by this hash.

    Raises LaneCountUnsupported, WordLengthWrong, NonCanonicalField, and BlobHashMismatch for the words of any
    other blob.
    """
    check_lane_count(lanes)
    if len(data) != data_words_length(lanes):
        raise WordLengthWrong(f"{len(data)} bytes instead of {data_words_length(lanes)} for {lanes} lanes")
    split = data_field_words(lanes) * FIELD_WORD_BYTES
    fields = [decode_field(data[at : at + FIELD_WORD_BYTES]) for at in range(0, split, FIELD_WORD_BYTES)]
    byte_words = [
        int.from_bytes(data[at : at + BYTE_WORD_BYTES]) for at in range(split, len(data), BYTE_WORD_BYTES)
    ]
    blob = CommittedBlob.of(fields + byte_words)
    if blob.versioned_hash != versioned_hash:
        raise BlobHashMismatch(f"blob {blob.versioned_hash.hex()} instead of {versioned_hash.hex()}")
    return blob

"""The scalar field of BN254 and the encodings of its elements (spec 01).

An element that enters from outside is checked once, by a function of this module; inside it is a `Field`.
"""

import re
from typing import Final, NewType

from sotto.protocol.errors import IntegerOutOfRange, JsonMalformed, NonCanonicalField, WordLengthWrong

MODULUS: Final = 0x30644E72E131A029B85045B68181585D2833E84879B9709143E1F593F0000001

FIELD_WORD_BYTES: Final = 32
BYTE_WORD_BYTES: Final = 31

Field = NewType("Field", int)
"""An element of F: an integer in [0, MODULUS)."""

ByteWord = NewType("ByteWord", int)
"""An integer below 2^248, hence also an element of F with 31 bytes."""

ZERO: Final = Field(0)

_JSON_NUMBER_LIMIT: Final = 2**53
_HEX = re.compile(r"0x[0-9a-f]*")
_DECIMAL = re.compile(r"[1-9][0-9]*")


def to_field(value: int) -> Field:
    """Check that an integer is in [0, p). Raises NonCanonicalField."""
    if not 0 <= value < MODULUS:
        raise NonCanonicalField(f"{value} is not in [0, p)")
    return Field(value)


def to_byte_word(value: int) -> ByteWord:
    """Check that an integer is below 2^248. Raises IntegerOutOfRange."""
    return ByteWord(check_bits(value, 8 * BYTE_WORD_BYTES))


def check_bits(value: int, bits: int) -> int:
    """Return `value` when it is in [0, 2^bits). Raises IntegerOutOfRange."""
    if not 0 <= value < 1 << bits:
        raise IntegerOutOfRange(f"{value} does not fit {bits} bits")
    return value


def reduce(data: bytes) -> Field:
    """Bytes as big-endian integer modulo p, for key material at least 16 bytes wider than p."""
    return Field(int.from_bytes(data) % MODULUS)


def encode_field(value: Field) -> bytes:
    """32 bytes, big-endian."""
    return value.to_bytes(FIELD_WORD_BYTES)


def decode_field(data: bytes) -> Field:
    """Inverse of `encode_field`. Raises WordLengthWrong, NonCanonicalField."""
    if len(data) != FIELD_WORD_BYTES:
        raise WordLengthWrong(f"a field word has 32 bytes, not {len(data)}")
    return to_field(int.from_bytes(data))


def encode_byte_word(value: ByteWord) -> bytes:
    """31 bytes, big-endian."""
    return value.to_bytes(BYTE_WORD_BYTES)


def decode_byte_word(data: bytes) -> ByteWord:
    """Inverse of `encode_byte_word`. Raises WordLengthWrong."""
    if len(data) != BYTE_WORD_BYTES:
        raise WordLengthWrong(f"a byte word has 31 bytes, not {len(data)}")
    return ByteWord(int.from_bytes(data))


def field_to_json(value: Field) -> str:
    """`0x` and 64 lower-case digits."""
    return f"0x{value:064x}"


def field_from_json(value: object) -> Field:
    """Inverse of `field_to_json`. Raises JsonMalformed, NonCanonicalField."""
    return to_field(int.from_bytes(bytes_from_json(value, FIELD_WORD_BYTES)))


def byte_word_to_json(value: ByteWord) -> str:
    """`0x` and 62 lower-case digits."""
    return f"0x{value:062x}"


def byte_word_from_json(value: object) -> ByteWord:
    """Inverse of `byte_word_to_json`. Raises JsonMalformed."""
    return ByteWord(int.from_bytes(bytes_from_json(value, BYTE_WORD_BYTES)))


def bytes_from_json(value: object, length: int) -> bytes:
    """Exactly `length` bytes as `0x` and lower-case digits. Raises JsonMalformed."""
    if not isinstance(value, str) or len(value) != 2 + 2 * length or not _HEX.fullmatch(value):
        raise JsonMalformed(f"expected 0x and {2 * length} lower-case hex digits, got {str(value)[:80]!r}")
    return bytes.fromhex(value[2:])


def integer_to_json(value: int) -> int | str:
    """A JSON number up to 2^53, a decimal string above."""
    return value if value <= _JSON_NUMBER_LIMIT else str(value)


def integer_from_json(value: object, bits: int) -> int:
    """Inverse of `integer_to_json` for integers of `bits` bits. Raises JsonMalformed, IntegerOutOfRange."""
    if type(value) is int and value <= _JSON_NUMBER_LIMIT:
        return check_bits(value, bits)
    # 2^248 has 75 digits: a longer text need not be converted to be refused.
    if isinstance(value, str) and len(value) <= 78 and _DECIMAL.fullmatch(value):
        number = int(value)
        if number > _JSON_NUMBER_LIMIT:
            return check_bits(number, bits)
    raise JsonMalformed(f"expected an integer of {bits} bits, got {str(value)[:80]!r}")

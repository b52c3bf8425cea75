"""Field elements as the native code takes them: 32 bytes each, big endian (docs/spec/01-field-hash.md)."""

from collections.abc import Iterable
from typing import Final

from sotto.crypto.errors import MalformedInput

WORD: Final = 32


def encode_elements(values: Iterable[int]) -> bytes:
    """Concatenate elements; the native side refuses those that are not below the modulus.

    Raises
    ------
    MalformedInput
        A value is no integer, negative, or longer than 32 bytes.
    """
    try:
        return b"".join([value.to_bytes(WORD, "big") for value in values])
    except (AttributeError, OverflowError, TypeError) as error:
        raise MalformedInput(f"not a field element: {error}") from error


def decode_elements(data: bytes | bytearray) -> list[int]:
    """Split bytes that the native code returned into elements."""
    return [int.from_bytes(data[at : at + WORD], "big") for at in range(0, len(data), WORD)]


def fixed_bytes(what: str, value: object, size: int) -> bytes:
    """Return `value` when it is bytes of this size, else raise `MalformedInput`."""
    if not isinstance(value, bytes) or len(value) != size:
        raise MalformedInput(f"{what} is not {size} bytes")
    return value


def bounded_int(what: str, value: object, bits: int) -> int:
    """Return `value` when it is an integer in [0, 2^bits), else raise `MalformedInput`."""
    if not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise MalformedInput(f"{what} is not an integer below 2^{bits}")
    return value

"""bech32m texts of fixed length (BIP-350, without its limit of 90 characters)."""

from collections.abc import Iterable
from typing import Final

from sotto.protocol.errors import TextMalformed

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M: Final = 0x2BC830A3
_CHECKSUM_SYMBOLS: Final = 6
_SEPARATOR: Final = "1"


def encode(prefix: str, payload: bytes) -> str:
    """The payload as lower-case text `prefix1..`."""
    count = _symbol_count(len(payload))
    number = int.from_bytes(payload) << (5 * count - 8 * len(payload))
    symbols = [number >> 5 * i & 31 for i in reversed(range(count))]
    check = _polymod([*_expand(prefix), *symbols, *[0] * _CHECKSUM_SYMBOLS]) ^ _BECH32M
    symbols += [check >> 5 * i & 31 for i in reversed(range(_CHECKSUM_SYMBOLS))]
    return prefix + _SEPARATOR + "".join(_ALPHABET[s] for s in symbols)


def decode(prefix: str, length: int, text: str) -> bytes:
    """The payload of exactly `length` bytes, also of all upper case. Raises TextMalformed."""
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise TextMalformed("upper and lower case are mixed")
    count = _symbol_count(length)
    body = lower.removeprefix(prefix + _SEPARATOR)
    if body == lower or len(body) != count + _CHECKSUM_SYMBOLS or not set(body) <= set(_ALPHABET):
        raise TextMalformed(
            f"expected {prefix}{_SEPARATOR} and {count + _CHECKSUM_SYMBOLS} characters of bech32"
        )
    symbols = [_ALPHABET.index(c) for c in body]
    if _polymod([*_expand(prefix), *symbols]) != _BECH32M:
        raise TextMalformed("the checksum does not fit: a character was mistyped")
    number = 0
    for symbol in symbols[:count]:
        number = number << 5 | symbol
    padding = 5 * count - 8 * length
    if number & (1 << padding) - 1:
        raise TextMalformed("padding bits are not 0")
    return (number >> padding).to_bytes(length)


def _symbol_count(length: int) -> int:
    return -(-length * 8 // 5)


def _expand(prefix: str) -> list[int]:
    return [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix)]


def _polymod(symbols: Iterable[int]) -> int:
    value = 1
    for symbol in symbols:
        top = value >> 25
        value = (value & 0x1FFFFFF) << 5 ^ symbol
        for i, generator in enumerate(_GENERATOR):
            if top >> i & 1:
                value ^= generator
    return value

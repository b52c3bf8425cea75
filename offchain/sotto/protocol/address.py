"""Addresses: bech32m `sotto1..` (spec 03, BIP-350 without its limit of 90 characters)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sotto.protocol.errors import AddressInvalid, AddressOfOtherDomain, NonCanonicalField
from sotto.protocol.field import Field, decode_field, encode_byte_word, encode_field, to_byte_word

PREFIX: Final = "sotto"
VERSION: Final = 1
PAYLOAD_BYTES: Final = 69

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M: Final = 0x2BC830A3
_CHECKSUM_SYMBOLS: Final = 6
_SYMBOLS: Final = -(-PAYLOAD_BYTES * 8 // 5)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a note can be sent."""

    owner: Field
    key: bytes
    """X25519 public key, 32 bytes."""


def _polymod(symbols: Iterable[int]) -> int:
    value = 1
    for symbol in symbols:
        top = value >> 25
        value = (value & 0x1FFFFFF) << 5 ^ symbol
        for i, generator in enumerate(_GENERATOR):
            if top >> i & 1:
                value ^= generator
    return value


_PREFIX_SYMBOLS: Final = [*(ord(c) >> 5 for c in PREFIX), 0, *(ord(c) & 31 for c in PREFIX)]


def _domain_prefix(domain: int) -> bytes:
    return encode_byte_word(to_byte_word(domain))[:4]


def encode_address(address: Address, domain: int) -> str:
    """The address as lower-case text."""
    payload = bytes([VERSION]) + _domain_prefix(domain) + encode_field(address.owner) + address.key
    if len(payload) != PAYLOAD_BYTES:
        raise AddressInvalid(f"an X25519 key has 32 bytes, not {len(address.key)}")
    number = int.from_bytes(payload) << (5 * _SYMBOLS - 8 * PAYLOAD_BYTES)
    symbols = [number >> 5 * i & 31 for i in reversed(range(_SYMBOLS))]
    check = _polymod([*_PREFIX_SYMBOLS, *symbols, *[0] * _CHECKSUM_SYMBOLS]) ^ _BECH32M
    symbols += [check >> 5 * i & 31 for i in reversed(range(_CHECKSUM_SYMBOLS))]
    return f"{PREFIX}1" + "".join(_ALPHABET[s] for s in symbols)


def decode_address(text: str, domain: int) -> Address:
    """Inverse of `encode_address`, also for all upper case.

    Raises AddressInvalid; AddressOfOtherDomain when only the deployment differs.
    """
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise AddressInvalid("upper and lower case are mixed")
    body = lower.removeprefix(f"{PREFIX}1")
    if body == lower or len(body) != _SYMBOLS + _CHECKSUM_SYMBOLS or not set(body) <= set(_ALPHABET):
        raise AddressInvalid(
            f"an address is {PREFIX}1 and {_SYMBOLS + _CHECKSUM_SYMBOLS} characters of bech32"
        )
    symbols = [_ALPHABET.index(c) for c in body]
    if _polymod([*_PREFIX_SYMBOLS, *symbols]) != _BECH32M:
        raise AddressInvalid("the checksum does not fit: a character was mistyped")
    number = 0
    for symbol in symbols[:_SYMBOLS]:
        number = number << 5 | symbol
    padding = 5 * _SYMBOLS - 8 * PAYLOAD_BYTES
    if number & (1 << padding) - 1:
        raise AddressInvalid("padding bits are not 0")
    payload = (number >> padding).to_bytes(PAYLOAD_BYTES)
    if payload[0] != VERSION:
        raise AddressInvalid(f"version {payload[0]} is unknown")
    try:
        owner = decode_field(payload[5:37])
    except NonCanonicalField as error:
        raise AddressInvalid("the owner is not an element of the field") from error
    if payload[1:5] != _domain_prefix(domain):
        raise AddressOfOtherDomain("the address belongs to another deployment")
    return Address(owner, payload[37:])

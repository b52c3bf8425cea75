"""Addresses: bech32m `sotto1..` (spec 03)."""

from dataclasses import dataclass
from typing import Final

from sotto.protocol import bech32m
from sotto.protocol.errors import AddressInvalid, AddressOfOtherDomain, NonCanonicalField, TextMalformed
from sotto.protocol.field import Field, decode_field, encode_byte_word, encode_field, to_byte_word

PREFIX: Final = "sotto"
VERSION: Final = 1
PAYLOAD_BYTES: Final = 69


@dataclass(frozen=True, slots=True)
class Address:
    """Where a note can be sent."""

    owner: Field
    key: bytes
    """X25519 public key, 32 bytes."""


def _domain_prefix(domain: int) -> bytes:
    return encode_byte_word(to_byte_word(domain))[:4]


def encode_address(address: Address, domain: int) -> str:
    """The address as lower-case text."""
    payload = bytes([VERSION]) + _domain_prefix(domain) + encode_field(address.owner) + address.key
    if len(payload) != PAYLOAD_BYTES:
        raise AddressInvalid(f"an X25519 key has 32 bytes, not {len(address.key)}")
    return bech32m.encode(PREFIX, payload)


def decode_address(text: str, domain: int) -> Address:
    """Inverse of `encode_address`, also for all upper case.

    Raises AddressInvalid; AddressOfOtherDomain when only the deployment differs.
    """
    try:
        payload = bech32m.decode(PREFIX, PAYLOAD_BYTES, text)
    except TextMalformed as error:
        raise AddressInvalid(str(error)) from error
    if payload[0] != VERSION:
        raise AddressInvalid(f"version {payload[0]} is unknown")
    try:
        owner = decode_field(payload[5:37])
    except NonCanonicalField as error:
        raise AddressInvalid("the owner is not an element of the field") from error
    if payload[1:5] != _domain_prefix(domain):
        raise AddressOfOtherDomain("the address belongs to another deployment")
    return Address(owner, payload[37:])

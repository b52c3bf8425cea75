"""Viewing keys as text: what their holder sees, and nothing that spends (spec 03)."""

from dataclasses import dataclass, field
from typing import Final

from sotto.protocol import bech32m
from sotto.protocol.address import Address
from sotto.protocol.babyjub import decode_public_key, encode_public_key
from sotto.protocol.ciphertext import public_key
from sotto.protocol.errors import (
    KeyRejected,
    NonCanonicalField,
    SecretIsZero,
    TextMalformed,
    ViewingKeyInvalid,
)
from sotto.protocol.field import Field, decode_field, encode_byte_word, encode_field, to_byte_word
from sotto.protocol.keys import ViewingKeys

VERSION: Final = 1
INCOMING_PREFIX: Final = "sottoivk"
OUTGOING_PREFIX: Final = "sottoovk"
FULL_PREFIX: Final = "sottofvk"

_HEAD_BYTES: Final = 32
"""Version and domain."""
_WORDS: Final = {INCOMING_PREFIX: 2, OUTGOING_PREFIX: 3, FULL_PREFIX: 5}


@dataclass(frozen=True, slots=True)
class IncomingViewingKey:
    """Finds and reads what one account receives. It cannot tell what is spent."""

    domain: int
    owner: Field
    incoming: bytes = field(repr=False)
    """X25519 secret."""

    @property
    def address(self) -> Address:
        """The account's address."""
        return Address(self.owner, public_key(self.incoming))


@dataclass(frozen=True, slots=True)
class OutgoingViewingKey:
    """Recognises what one account sends, and reads what went to receivers whose addresses are known."""

    domain: int
    owner: Field
    incoming_public: bytes
    """X25519 key of the account's address."""
    outgoing: bytes = field(repr=False)

    @property
    def address(self) -> Address:
        """The account's address."""
        return Address(self.owner, self.incoming_public)


ViewingKey = IncomingViewingKey | OutgoingViewingKey | ViewingKeys


def incoming_of(keys: ViewingKeys) -> IncomingViewingKey:
    """The part of a full viewing key that sees receipts only."""
    return IncomingViewingKey(keys.domain, keys.owner, keys.incoming)


def outgoing_of(keys: ViewingKeys) -> OutgoingViewingKey:
    """The part of a full viewing key that sees own payments only."""
    return OutgoingViewingKey(keys.domain, keys.owner, keys.incoming_public, keys.outgoing)


def encode_viewing_key(key: ViewingKey) -> str:
    """The key as lower-case text; its prefix names its kind."""
    words: tuple[bytes, ...]
    if isinstance(key, IncomingViewingKey):
        prefix, words = INCOMING_PREFIX, (encode_field(key.owner), key.incoming)
    elif isinstance(key, OutgoingViewingKey):
        prefix, words = OUTGOING_PREFIX, (encode_field(key.owner), key.incoming_public, key.outgoing)
    else:
        nullifier_key = encode_field(key.nullifier_key)
        words = (encode_public_key(key.first_key), nullifier_key, key.incoming, key.outgoing)
        prefix = FULL_PREFIX
    head = bytes([VERSION]) + encode_byte_word(to_byte_word(key.domain))
    return bech32m.encode(prefix, head + b"".join(words))


def decode_viewing_key(text: str) -> ViewingKey:
    """Inverse of `encode_viewing_key`, also for all upper case. Raises ViewingKeyInvalid."""
    prefix = text[: len(FULL_PREFIX)].lower()
    if prefix not in _WORDS:
        raise ViewingKeyInvalid(
            f"a viewing key begins with {INCOMING_PREFIX}, {OUTGOING_PREFIX} or {FULL_PREFIX}"
        )
    try:
        payload = bech32m.decode(prefix, _HEAD_BYTES + 32 * _WORDS[prefix], text)
        if payload[0] != VERSION:
            raise ViewingKeyInvalid(f"version {payload[0]} is unknown")
        domain = int.from_bytes(payload[1:_HEAD_BYTES])
        words = [payload[i : i + 32] for i in range(_HEAD_BYTES, len(payload), 32)]
        if prefix == INCOMING_PREFIX:
            return IncomingViewingKey(domain, decode_field(words[0]), words[1])
        if prefix == OUTGOING_PREFIX:
            return OutgoingViewingKey(domain, decode_field(words[0]), words[1], words[2])
        nullifier_key = decode_field(words[2])
        if not nullifier_key:
            raise SecretIsZero("nullifier key")
        return ViewingKeys(domain, decode_public_key(words[0] + words[1]), nullifier_key, words[3], words[4])
    except (TextMalformed, NonCanonicalField, KeyRejected) as error:
        # The text is a secret, and the cause of a refused word may quote it.
        cause = str(error) if isinstance(error, TextMalformed) else type(error).__name__
        raise ViewingKeyInvalid(cause) from None

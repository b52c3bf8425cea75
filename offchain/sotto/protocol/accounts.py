"""Accounts, their key sets and the operations that change them (spec 03, 04)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sotto.protocol.babyjub import Point
from sotto.protocol.errors import NewKeySetZero
from sotto.protocol.field import Field
from sotto.protocol.hash import H, Tag

MAX_KEYS: Final = 4


def nullifier_key_hash(nullifier_key: Field) -> Field:
    """H(NULLIFIER_KEY; nk)."""
    return H(Tag.NULLIFIER_KEY, nullifier_key)


def account_id(first_key: Point, nullifier_key: Field) -> Field:
    """The id of an account, which never changes."""
    return H(Tag.ACCOUNT_ID, first_key.x, first_key.y, nullifier_key_hash(nullifier_key))


def owner(account: Field) -> Field:
    """The owner of notes of an account id."""
    return H(Tag.OWNER, account)


def key_hash(key: Point) -> Field:
    """The hash of one signing key."""
    return H(Tag.KEY, key.x, key.y)


def key_set_hash(key_hashes: Sequence[Field]) -> Field:
    """The hash of one to four key hashes, filled up with 0. Raises ValueError for another number."""
    if not 0 < len(key_hashes) <= MAX_KEYS:
        raise ValueError(f"an account has 1 to {MAX_KEYS} keys, not {len(key_hashes)}")
    return H(Tag.KEY_SET, *key_hashes, *[0] * (MAX_KEYS - len(key_hashes)))


@dataclass(frozen=True, slots=True)
class Operation:
    """Insert an id into the account tree (`previous` 0) or replace its key set."""

    account: Field
    previous: Field
    """Key set hash that must be the current one, 0 to insert."""
    new: Field
    """Key set hash, not 0: NewKeySetZero."""

    def __post_init__(self) -> None:
        if self.new == 0:
            raise NewKeySetZero(f"account {self.account:#x}")

    @property
    def word(self) -> Field:
        """The `operation` field of a transaction."""
        return H(Tag.OPERATION, self.account, self.previous, self.new)

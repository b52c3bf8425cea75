"""The account's signing keys: which ones may spend, and transactions that change them (spec 03, 04)."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Final

from mnemonic import Mnemonic

from sotto.protocol import accounts
from sotto.protocol.accounts import MAX_KEYS
from sotto.protocol.babyjub import public_key
from sotto.protocol.field import Field
from sotto.protocol.keys import new_phrase
from sotto.wallet.chain import Trees
from sotto.wallet.context import Context
from sotto.wallet.errors import (
    AccountChangePending,
    AccountKeysUnknown,
    AccountUnchanged,
    KeySetInvalid,
    LastKeyRemoved,
    PhraseRejected,
)
from sotto.wallet.state import KeyChange

KEY_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A new account key. `words` are the one backup of `seed` besides the wallet file."""

    seed: bytes
    words: str

    @property
    def hash(self) -> Field:
        """H(KEY; ..), by which the account knows it."""
        return key_hash_of_seed(self.seed)


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key that may sign for the account. `first` is the one from the seed, `held` whether it is here."""

    hash: Field
    first: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Account:
    """The account as of the last proven epoch.

    Attributes:
        registered: whether it has a leaf in the account tree; else its first key alone signs.
        keys: those that may sign; empty when the leaf has keys of which this wallet knows nothing.
        changing: a transaction that changes the keys is on its way.
    """

    id: Field
    registered: bool
    keys: tuple[AccountKey, ...]
    changing: bool


def make_signing_key() -> SigningKey:
    """A random account key, from the operating system's generator."""
    seed = os.urandom(KEY_SEED_BYTES)
    return SigningKey(seed, new_phrase(seed))


def signing_key_from_words(words: str) -> SigningKey:
    """The account key of 24 words. Raises PhraseRejected."""
    normal = " ".join(words.lower().split())
    english = Mnemonic("english")
    if not english.check(normal):
        raise PhraseRejected("unknown word, wrong number of words or wrong checksum")
    seed = bytes(english.to_entropy(normal))
    if len(seed) != KEY_SEED_BYTES:
        raise PhraseRejected("an account key has 24 words")
    return SigningKey(seed, normal)


def key_hash_of_seed(seed: bytes) -> Field:
    """H(KEY; ..) of a key seed."""
    return accounts.key_hash(public_key(seed))


def view(context: Context) -> Account:
    """The account as the wallet last saw it."""
    keys = context.keys
    first, held = accounts.key_hash(keys.first_key), _held(context)
    try:
        hashes = current_keys(context, context.trees) or [first]
    except AccountKeysUnknown:
        hashes = []
    return Account(
        keys.account_id,
        keys.account_id in context.trees.account,
        tuple(AccountKey(h, h == first, h in held) for h in hashes),
        _changing(context),
    )


def current_keys(context: Context, trees: Trees) -> list[Field]:
    """The key hashes of the account's leaf in order, none without leaf. Raises AccountKeysUnknown."""
    if context.keys.account_id not in trees.account:
        return []
    key_set = trees.account.content(trees.account.index(context.keys.account_id)).key_set
    known = {
        accounts.key_hash(context.keys.first_key),
        *_held(context),
        *map(Field, context.state.key_hashes),
    }
    found = find_key_set(key_set, known)
    if found is None:
        raise AccountKeysUnknown("the account has registered keys that this wallet has never seen")
    return found


def find_key_set(key_set: Field, known: Iterable[Field]) -> list[Field] | None:
    """The key hashes of a set hash, out of known ones: nothing on chain tells them.

    Wallets sort them; other orders are tried after that.
    """
    hashes = sorted(known)
    for count in range(1, MAX_KEYS + 1):
        for chosen in combinations(hashes, count):
            if accounts.key_set_hash(chosen) == key_set:
                return list(chosen)
    for count in range(2, MAX_KEYS + 1):
        for ordered in permutations(hashes, count):
            if accounts.key_set_hash(ordered) == key_set:
                return list(ordered)
    return None


def plan_change(context: Context, hashes: Sequence[Field]) -> KeyChange:
    """The operation that makes these the account's keys.

    Raises KeySetInvalid, LastKeyRemoved, AccountChangePending, AccountUnchanged, AccountKeysUnknown.
    """
    wanted = sorted(set(hashes))
    if not 0 < len(wanted) <= MAX_KEYS:
        raise KeySetInvalid(f"{len(wanted)} keys")
    if not set(wanted) & _held(context):
        raise LastKeyRemoved("none of the keys that would remain is in this wallet")
    if _changing(context):
        raise AccountChangePending("the last change is not proven yet")
    current = current_keys(context, context.trees)
    if current and wanted == sorted(current):
        raise AccountUnchanged("these are the account's keys already")
    previous = accounts.key_set_hash(current) if current else Field(0)
    context.state.key_hashes |= set(wanted)
    return KeyChange(
        account=context.keys.account_id,
        previous=previous,
        new=accounts.key_set_hash(wanted),
        keys=list(wanted),
    )


def _held(context: Context) -> set[Field]:
    return set() if context.signer is None else {accounts.key_hash(key) for key in context.signer.keys}


def _changing(context: Context) -> bool:
    return any(p.draft.operation is not None and not p.refused for p in context.state.pending)

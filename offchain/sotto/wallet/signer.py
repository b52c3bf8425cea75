"""Keys that sign transactions. A signer that runs elsewhere gets the plaintext, not only its hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sotto import crypto
from sotto.protocol import accounts
from sotto.protocol.babyjub import Point, Signature, public_key
from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.transfer import TransferPlan
from sotto.wallet.errors import AccountKeysUnknown
from sotto.wallet.state import Draft


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A transaction with all that its h hides: what is proven, and for whom its outputs are."""

    plan: TransferPlan
    draft: Draft


class Signer(Protocol):
    """Holds keys of the account; a device of its own in the strictest setting."""

    @property
    def keys(self) -> Sequence[Point]:
        """Public keys, preferred ones first."""

    async def sign(self, key: Point, request: SigningRequest) -> Signature:
        """Sign the request's h with one of `keys`."""


class KeySigner:
    """Signs with keys held in memory. `seeds` are key seeds (spec 03), the first account key's first."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        # Registered keys are preferred to the first one, and newer ones to older ones.
        self._seeds = {public_key(seed): seed for seed in reversed(seeds)}

    @property
    def keys(self) -> Sequence[Point]:
        """See Signer."""
        return tuple(self._seeds)

    def add(self, seed: bytes) -> None:
        """Hold one more key."""
        self._seeds = {public_key(seed): seed, **self._seeds}

    async def sign(self, key: Point, request: SigningRequest) -> Signature:
        """See Signer."""
        return sign(self._seeds[key], request.plan.transaction.h)


def sign(seed: bytes, h: Field) -> Signature:
    """Sign with a key seed (spec 01)."""
    x, y, s = crypto.eddsa_sign(seed, h)
    return Signature(Point(Field(x), Field(y)), s)


def choose_key(keys: ViewingKeys, plan: TransferPlan, held: Sequence[Point]) -> Point:
    """The first of the held keys that may sign a plan (spec 04, rule 4). Raises AccountKeysUnknown."""
    if plan.account.low == keys.account_id:
        allowed = set(plan.account.keys)
        for key in held:
            if accounts.key_hash(key) in allowed:
                return key
        raise AccountKeysUnknown("none of the account's registered keys is here")
    if keys.first_key not in held:
        raise AccountKeysUnknown("the account's first key is not here, and no other is registered")
    return keys.first_key

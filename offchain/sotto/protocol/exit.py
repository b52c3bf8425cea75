"""Exits: how a note leaves a frozen rollup on its own (spec 13).

A wallet makes an `ExitPlan` from its note, its keys and the last proven state, signs `plan.request.message`
with a key of the account, and hands `exit_witness` of both to a prover, who needs no spending key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

from sotto.protocol import accounts
from sotto.protocol.babyjub import Point
from sotto.protocol.errors import ExitFeeInvalid, ExitRecipientZero, ExitValueZero
from sotto.protocol.field import Field, check_bits, to_byte_word, to_field
from sotto.protocol.hash import H, Tag
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.merkle import Path
from sotto.protocol.notes import ASSET_BITS, VALUE_BITS, Note
from sotto.protocol.transaction import RECIPIENT_BITS
from sotto.protocol.transfer import AccountOpening, open_account
from sotto.protocol.trees import NullifierTree, State, StateRoots

ADDRESS_BITS: Final = RECIPIENT_BITS

PublicInputs = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class ExitRequest:
    """What L1 is asked to pay.

    Widths are checked when it is made: NonCanonicalField, IntegerOutOfRange.
    """

    domain: int
    nullifier: Field
    asset: int
    value: int
    """What the note holds, in the asset's smallest unit; the recipient gets value - fee."""
    recipient: int
    """L1 address."""
    executor: int = 0
    """L1 address that gets the fee, 0 for nobody."""
    fee: int = 0

    def __post_init__(self) -> None:
        to_byte_word(self.domain)
        to_field(self.nullifier)
        for number, bits in (
            (self.asset, ASSET_BITS),
            (self.value, VALUE_BITS),
            (self.recipient, ADDRESS_BITS),
            (self.executor, ADDRESS_BITS),
            (self.fee, VALUE_BITS),
        ):
            check_bits(number, bits)

    @property
    def message(self) -> Field:
        """What a key of the account signs. The nullifier fixes the note, hence asset and value."""
        return H(Tag.EXIT, self.domain, self.nullifier, self.recipient, self.executor, self.fee)

    def public_inputs(self, state: Field) -> PublicInputs:
        """The seven public inputs of the proof, for the state that the rollup is frozen in."""
        packed = (self.asset << VALUE_BITS) + self.value
        return self.domain, state, self.nullifier, packed, self.recipient, self.executor, self.fee

    def check(self) -> None:
        """What L1 refuses by these words alone. Raises ExitValueZero, ExitRecipientZero, ExitFeeInvalid."""
        if not self.value:
            raise ExitValueZero(f"nullifier {self.nullifier:#x}")
        if not self.recipient:
            raise ExitRecipientZero(f"nullifier {self.nullifier:#x}")
        if self.fee > self.value or (self.fee and not self.executor):
            raise ExitFeeInvalid(f"fee {self.fee} of {self.value} for executor {self.executor:#042x}")


@dataclass(frozen=True, slots=True)
class LowOpening:
    """The leaf of the nullifier tree whose arc holds a nullifier that is not in the tree."""

    value: Field
    next: Field
    index: int
    path: Path


def open_low(tree: NullifierTree, nullifier: Field) -> LowOpening:
    """Show that a nullifier is not in the tree. Raises ValueOnRing when it is."""
    index = tree.low_index(nullifier)
    leaf = tree.content(index)
    return LowOpening(leaf.value, leaf.next, index, tree.path(index))


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """Everything about an exit but its signature. Nothing is checked here: see `check_exit`."""

    request: ExitRequest
    roots: StateRoots
    nullifier_key: Field = field(repr=False)
    first_key: Point
    account: AccountOpening
    note: Note
    index: int
    path: Path
    low: LowOpening

    @property
    def state(self) -> Field:
        """The state that the note is shown to be unspent in."""
        return self.roots.hash()

    def paying(self, executor: int, fee: int) -> Self:
        """The same exit by an executor for a fee: the signature is another one."""
        return replace(self, request=replace(self.request, executor=executor, fee=fee))


def plan_exit(
    state: State,
    keys: ViewingKeys,
    note: Note,
    index: int,
    domain: int,
    recipient: int,
    *,
    key_hashes: Sequence[Field] = (),
    executor: int = 0,
    fee: int = 0,
) -> ExitPlan:
    """Plan the exit of a note at a leaf index of the note tree.

    Parameters
    ----------
    state
        The state after the last proven epoch.
    key_hashes
        Of the account's leaf, none while it has no leaf.

    Raises
    ------
    ValueOnRing
        The note is spent.
    KeySetMismatch
        The key hashes are not those of the account's leaf.
    """
    nullifier = note.nullifier(keys.nullifier_key)
    account = accounts.account_id(keys.first_key, keys.nullifier_key)
    return ExitPlan(
        request=ExitRequest(domain, nullifier, note.asset, note.value, recipient, executor, fee),
        roots=state.roots(),
        nullifier_key=keys.nullifier_key,
        first_key=keys.first_key,
        account=open_account(state.account, account, key_hashes),
        note=note,
        index=index,
        path=state.note.path(index),
        low=open_low(state.nullifier, nullifier),
    )

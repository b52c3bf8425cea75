"""Transactions as their wallet knows them: notes in, notes out, and the secrets that a proof needs (spec 04).

A wallet makes a `TransferPlan`, signs `plan.transaction.h` with a key of the account, and hands
`transfer_witness` of both to a prover, who needs no spending key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sotto.protocol import accounts, notes
from sotto.protocol.accounts import MAX_KEYS, Operation
from sotto.protocol.babyjub import Point
from sotto.protocol.errors import KeySetMismatch
from sotto.protocol.field import ZERO, Field
from sotto.protocol.insertion import empty_path
from sotto.protocol.merkle import Path
from sotto.protocol.notes import Note
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.trees import NOTE_DEPTH, AccountTree, State, anchor

KeyHashes = tuple[Field, Field, Field, Field]


@dataclass(frozen=True, slots=True)
class AccountOpening:
    """The account leaf that a spend opens: the account's own, or the one whose arc shows it absent."""

    low: Field
    next: Field
    key_set: Field
    keys: KeyHashes
    """The four key hashes of `key_set`; all 0 when the account is absent."""
    index: int
    path: Path


def open_account(tree: AccountTree, account: Field, key_hashes: Sequence[Field] = ()) -> AccountOpening:
    """Open an account in a tree. `key_hashes` are those of its leaf, none while it has no leaf.

    Raises KeySetMismatch when they are not its keys.
    """
    present = account in tree
    index = tree.index(account) if present else tree.low_index(account)
    leaf = tree.content(index)
    if present and (not key_hashes or accounts.key_set_hash(key_hashes) != leaf.key_set):
        raise KeySetMismatch("the key hashes are not those of the account's leaf")
    padded = [*key_hashes, *[ZERO] * MAX_KEYS][:MAX_KEYS] if present else [ZERO] * MAX_KEYS
    keys = (padded[0], padded[1], padded[2], padded[3])
    return AccountOpening(leaf.value, leaf.next, leaf.key_set, keys, index, tree.path(index))


@dataclass(frozen=True, slots=True)
class AnchorOpening:
    """The preimage of an anchor."""

    epoch_id: int
    note_root: Field
    account_root: Field

    @classmethod
    def of_state(cls, state: State) -> "AnchorOpening":
        """The anchor of the epoch that made a state."""
        return cls(state.epoch_id, state.note.root, state.account.root)

    @property
    def anchor(self) -> Field:
        """H(ANCHOR; ..)."""
        return anchor(self.epoch_id, self.note_root, self.account_root)


@dataclass(frozen=True, slots=True)
class SpendInput:
    """A note of the account, in the tree under the anchor or chained."""

    note: Note
    index: int = 0
    path: Path = field(default_factory=lambda: empty_path(NOTE_DEPTH))
    chained: bool = False


@dataclass(frozen=True, slots=True)
class DummyInput:
    """An input that spends nothing."""

    random: Field
    """Secret randomness that no other dummy of the account has."""


TransferInput = SpendInput | DummyInput


class Openable(Protocol):
    """A note tree, held in whatever way."""

    def path(self, index: int) -> Path:
        """Opening of a leaf."""


def spend(tree: Openable, note: Note, index: int) -> SpendInput:
    """Spend a note at a leaf index of the note tree under the anchor."""
    return SpendInput(note, index, tree.path(index))


def chain(note: Note) -> SpendInput:
    """Spend a note that an earlier lane of the same epoch appends."""
    return SpendInput(note, chained=True)


def input_nullifier(entry: TransferInput, nullifier_key: Field) -> Field:
    """The nullifier of an input. That of the first one fixes rho and ephemeral secrets of all outputs."""
    if isinstance(entry, DummyInput):
        return notes.dummy_nullifier(nullifier_key, entry.random)
    return entry.note.nullifier(nullifier_key)


@dataclass(frozen=True, slots=True)
class TransferOutput:
    """A note to make. Its rho follows from the transaction."""

    partial: Field
    asset: int
    value: int


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """Everything about a transaction but its signature. Nothing is checked here: see `check_transfer`."""

    domain: int
    anchor: AnchorOpening
    asset: int
    """The hidden asset."""
    nullifier_key: Field = field(repr=False)
    first_key: Point
    account: AccountOpening
    inputs: tuple[TransferInput, TransferInput]
    outputs: tuple[TransferOutput, TransferOutput, TransferOutput]
    ext: tuple[int, ...]
    expiry: int
    kind: Kind = Kind.TRANSFER
    public_value: int = 0
    recipient: int = 0
    fee: int = 0
    fee_asset: int = 0
    operation: Operation | None = None

    @property
    def nullifiers(self) -> tuple[Field, Field]:
        """The two nullifiers."""
        first, second = self.inputs
        return input_nullifier(first, self.nullifier_key), input_nullifier(second, self.nullifier_key)

    def _named(self, number: int) -> Field:
        entry = self.inputs[number]
        return entry.note.commitment if isinstance(entry, SpendInput) and entry.chained else ZERO

    @property
    def transaction(self) -> Transaction:
        """The transaction to sign."""
        nullifiers = self.nullifiers
        a, b, c = (
            notes.commitment(out.partial, out.asset, out.value, notes.rho(nullifiers[0], j))
            for j, out in enumerate(self.outputs)
        )
        return Transaction(
            kind=self.kind,
            domain=self.domain,
            anchor=self.anchor.anchor,
            named=(self._named(0), self._named(1)),
            nullifiers=nullifiers,
            commitments=(a, b, c),
            public_value=self.public_value,
            public_asset=self.asset if self.public_value else 0,
            recipient=self.recipient,
            fee=self.fee,
            fee_asset=self.fee_asset,
            expiry=self.expiry,
            operation=self.operation.word if self.operation else ZERO,
            ext=self.ext,
        )

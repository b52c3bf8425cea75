"""Notes, their commitments and nullifiers (spec 03)."""

from dataclasses import dataclass
from typing import Final

from sotto.protocol.field import ZERO, Field, check_bits
from sotto.protocol.hash import H, Tag

ASSET_BITS: Final = 64
VALUE_BITS: Final = 120

NO_ASSET: Final = 0
ETH: Final = 1


@dataclass(frozen=True, slots=True)
class Note:
    """A note. `asset` and `value` are checked when it is made: IntegerOutOfRange."""

    owner: Field
    asset: int
    """Asset id, 64 bits; 0 is no asset."""
    value: int
    """Amount in the asset's smallest unit, 120 bits."""
    r: Field
    rho: Field
    application: Field = ZERO
    data: Field = ZERO

    def __post_init__(self) -> None:
        check_bits(self.asset, ASSET_BITS)
        check_bits(self.value, VALUE_BITS)

    @property
    def partial(self) -> Field:
        """The part of the commitment that hides the owner."""
        return partial(self.owner, self.r, self.application, self.data)

    @property
    def commitment(self) -> Field:
        """The leaf of the note tree."""
        return commitment(self.partial, self.asset, self.value, self.rho)

    def nullifier(self, nullifier_key: Field) -> Field:
        """The value that spending this note reveals."""
        return nullifier(nullifier_key, self.commitment)


def partial(owner: Field, r: Field, application: Field = ZERO, data: Field = ZERO) -> Field:
    """H(PARTIAL; owner, application, data, r)."""
    return H(Tag.PARTIAL, owner, application, data, r)


def commitment(partial: Field, asset: int, value: int, rho: Field) -> Field:
    """H(NOTE; partial, asset * 2^120 + value, rho) of a 64-bit asset and a 120-bit value."""
    return H(Tag.NOTE, partial, (asset << VALUE_BITS) + value, rho)


def rho(first_nullifier: Field, index: int) -> Field:
    """rho of output `index` (0..2) of a transaction."""
    return H(Tag.RHO, first_nullifier, index)


def deposit_rho(domain: int, queue_index: int) -> Field:
    """rho of the note of a deposit."""
    return H(Tag.RHO_DEPOSIT, domain, queue_index)


def nullifier(nullifier_key: Field, commitment: Field) -> Field:
    """The nullifier of a note."""
    return H(Tag.NULLIFIER, nullifier_key, commitment)


def dummy_nullifier(nullifier_key: Field, random: Field) -> Field:
    """The nullifier of an input that spends nothing."""
    return H(Tag.NULLIFIER_DUMMY, nullifier_key, random)


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit as queued on L1: public asset and value, hidden owner."""

    partial: Field
    asset: int
    value: int

    def __post_init__(self) -> None:
        check_bits(self.asset, ASSET_BITS)
        check_bits(self.value, VALUE_BITS)

    def commitment(self, domain: int, queue_index: int) -> Field:
        """The note's commitment."""
        return commitment(self.partial, self.asset, self.value, deposit_rho(domain, queue_index))

    def h(self, domain: int, queue_index: int) -> Field:
        """H(DEPOSIT; ..), which stands for this deposit in c (spec 05)."""
        return H(Tag.DEPOSIT, domain, queue_index, self.partial, self.asset, self.value)

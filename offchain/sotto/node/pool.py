"""Transactions that wait for an epoch, in memory, with the indexes that find conflicts. Pure: no I/O."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from sotto.protocol.accounts import Operation
from sotto.protocol.field import Field
from sotto.protocol.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PoolTransaction:
    """A transaction whose proof is valid. `operation` is the preimage that kind 5 needs."""

    h: Field
    transaction: Transaction
    proof: bytes
    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Transactions that one epoch takes together, in this order, or none does; often just one."""

    members: tuple[PoolTransaction, ...]
    arrived: float = field(default_factory=monotonic, compare=False)

    @property
    def id(self) -> Field:
        """The h of the first member."""
        return self.members[0].h

    @property
    def commitments(self) -> set[Field]:
        """What the members append."""
        return {commitment for member in self.members for commitment in member.transaction.commitments}

    @property
    def parents(self) -> set[Field]:
        """Named commitments that are not the bundle's own."""
        named = {name for member in self.members for name in member.transaction.named if name}
        return named - self.commitments


class Pool:
    """Waiting bundles in order of arrival."""

    def __init__(self) -> None:
        self._bundles: dict[Field, Bundle] = {}
        self._members: dict[Field, Bundle] = {}
        self._nullifiers: dict[Field, Field] = {}
        self._commitments: dict[Field, Field] = {}

    def __len__(self) -> int:
        """Number of transactions."""
        return len(self._members)

    def __iter__(self) -> Iterator[Bundle]:
        """Bundles in order of arrival."""
        return iter(list(self._bundles.values()))

    def __contains__(self, h: object) -> bool:
        return h in self._members

    def get(self, bundle: Field) -> Bundle | None:
        """A bundle by its id."""
        return self._bundles.get(bundle)

    def spender(self, nullifier: Field) -> Field | None:
        """The h of the waiting transaction that has a nullifier."""
        return self._nullifiers.get(nullifier)

    def has_output(self, commitment: Field) -> bool:
        """Whether a waiting transaction appends a commitment."""
        return commitment in self._commitments

    def add(self, bundle: Bundle) -> None:
        """Add a bundle that conflicts with none of the pool."""
        self._bundles[bundle.id] = bundle
        for member in bundle.members:
            self._members[member.h] = bundle
            self._nullifiers.update(dict.fromkeys(member.transaction.nullifiers, member.h))
            self._commitments.update(dict.fromkeys(member.transaction.commitments, member.h))

    def put_back(self, bundles: Sequence[Bundle]) -> None:
        """Add bundles before all others: they arrived earlier."""
        later = list(self._bundles.values())
        self._bundles.clear()
        for bundle in bundles:
            self.add(bundle)
        for bundle in later:
            self._bundles[bundle.id] = bundle

    def remove(self, bundles: Iterable[Bundle]) -> None:
        """Remove bundles, if they are there."""
        for bundle in bundles:
            if self._bundles.pop(bundle.id, None) is None:
                continue
            for member in bundle.members:
                del self._members[member.h]
                for nullifier in member.transaction.nullifiers:
                    self._nullifiers.pop(nullifier, None)
                for commitment in member.transaction.commitments:
                    self._commitments.pop(commitment, None)

"""Insertions into the indexed trees in one batch, with the openings that prove them (spec 02, 05, 07).

New leaves reach the tree together, as one subtree at the end. Until then they are pending: a later insertion
of the batch may have one of them as its low leaf.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sotto.protocol.accounts import Operation
from sotto.protocol.errors import AccountExists, NullifierSpent, StaleKeySet
from sotto.protocol.field import ZERO, Field
from sotto.protocol.hash import Children
from sotto.protocol.indexed import AccountTree, IndexedLeaf, IndexedTree, NullifierTree
from sotto.protocol.merkle import Path

IN_TREE: Final = -1
"""`pending` of an opening whose low leaf lies in the tree."""

_NO_CHILDREN: Final[Children] = (ZERO, ZERO, ZERO, ZERO)


def empty_path(depth: int) -> Path:
    """The path of the right shape where none is checked."""
    return [_NO_CHILDREN] * depth


@dataclass(frozen=True, slots=True)
class Opening:
    """A low leaf as it was before the insertion, in the tree or pending."""

    leaf: IndexedLeaf
    pending: int
    """Number of the earlier insertion of the batch that made the leaf, or IN_TREE."""
    index: int
    path: Path


class _Batch:
    def __init__(self, tree: IndexedTree) -> None:
        self._tree = tree
        self._pending: dict[int, IndexedLeaf] = {}
        self._order: list[tuple[int, int]] = []

    def __contains__(self, value: Field) -> bool:
        return value in self._tree or self._pending_number(value) is not None

    def _pending_number(self, value: Field) -> int | None:
        at = bisect_left(self._order, (value,))
        return self._order[at][1] if at < len(self._order) and self._order[at][0] == value else None

    def _opening(self, value: Field) -> Opening:
        """The leaf of a value that is in the batch or the tree."""
        number = self._pending_number(value)
        if number is not None:
            return Opening(self._pending[number], number, 0, empty_path(self._tree.DEPTH))
        index = self._tree.index(value)
        return Opening(self._tree.content(index), IN_TREE, index, self._tree.path(index))

    def _low_opening(self, value: Field) -> Opening:
        """The leaf with the greatest value below one that is in neither."""
        low = self._tree.content(self._tree.low_index(value)).value
        at = bisect_left(self._order, (value,))
        if at and self._order[at - 1][0] > low:
            low = self._pending[self._order[at - 1][1]].value
        return self._opening(low)

    def _rewrite(self, opening: Opening, leaf: IndexedLeaf) -> None:
        if opening.pending == IN_TREE:
            self._tree.replace(opening.index, leaf)
        else:
            self._pending[opening.pending] = leaf

    def _insert(self, value: Field, key_set: Field, number: int) -> Opening:
        opening = self._low_opening(value)
        self._rewrite(opening, replace(opening.leaf, next=value))
        self._pending[number] = IndexedLeaf(value, opening.leaf.next, key_set)
        insort(self._order, (value, number))
        return opening


class NullifierBatch(_Batch):
    """Nullifiers of one epoch; insertion 2 l + i is nullifier i of lane l."""

    def __init__(self, tree: NullifierTree) -> None:
        super().__init__(tree)

    def check(self, nullifier: Field) -> None:
        """Whether `insert` is possible. Raises NullifierSpent."""
        if nullifier in self:
            raise NullifierSpent(f"{nullifier:#x}")

    def insert(self, nullifier: Field, number: int) -> Opening:
        """Insert a nullifier and return its low leaf. Raises NullifierSpent."""
        self.check(nullifier)
        return self._insert(nullifier, ZERO, number)

    def open(self, nullifier: Field) -> Opening:
        """The leaf of a nullifier that is spent. Raises ValueNotOnRing."""
        return self._opening(nullifier)

    def leaves(self, lanes: int) -> list[IndexedLeaf | None]:
        """The subtree's leaves: lane l owns four places and uses the first two."""
        return [self._pending.get(2 * lane + i) if i < 2 else None for lane in range(lanes) for i in range(4)]


@dataclass(frozen=True, slots=True)
class OperationStep:
    """An account operation and the leaf that it opens."""

    operation: Operation
    opening: Opening


class AccountBatch(_Batch):
    """Account operations of one epoch, numbered in lane order."""

    def __init__(self, tree: AccountTree) -> None:
        super().__init__(tree)
        self._count = 0

    def check(self, operation: Operation) -> None:
        """Whether `apply` is possible. Raises AccountExists, StaleKeySet."""
        present = operation.account in self
        if operation.previous == 0:
            if present:
                raise AccountExists(f"{operation.account:#x}")
            return
        if not present or self._opening(operation.account).leaf.key_set != operation.previous:
            raise StaleKeySet(f"{operation.account:#x}")

    def apply(self, operation: Operation) -> OperationStep:
        """Insert an account or replace its key set. Raises AccountExists, StaleKeySet."""
        self.check(operation)
        if operation.previous == 0:
            opening = self._insert(operation.account, operation.new, self._count)
        else:
            opening = self._opening(operation.account)
            self._rewrite(opening, replace(opening.leaf, key_set=operation.new))
        self._count += 1
        return OperationStep(operation, opening)

    def leaves(self) -> Sequence[IndexedLeaf | None]:
        """The subtree's leaves, by number of the operation; a replacement has none."""
        return [self._pending.get(number) for number in range(self._count)]

"""The four trees together: the state, its hash and genesis (spec 02)."""

from dataclasses import dataclass
from typing import Final

from sotto.protocol.field import Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.indexed import AccountTree, IndexedLeaf, IndexedTree, NullifierTree, strictly_between
from sotto.protocol.merkle import MerkleTree, Path, fold

__all__ = [
    "ACCOUNT_DEPTH",
    "NOTE_DEPTH",
    "NULLIFIER_DEPTH",
    "ROOT_DEPTH",
    "AccountTree",
    "IndexedLeaf",
    "IndexedTree",
    "MerkleTree",
    "NullifierTree",
    "Path",
    "State",
    "StateRoots",
    "anchor",
    "fold",
    "genesis",
    "strictly_between",
]

VERSION: Final = 1
NOTE_DEPTH: Final = 16
NULLIFIER_DEPTH: Final = NullifierTree.DEPTH
ROOT_DEPTH: Final = 13
ACCOUNT_DEPTH: Final = AccountTree.DEPTH


def anchor(epoch_id: int, note_root: Field, account_root: Field) -> Field:
    """H(ANCHOR; ..) of the roots after an epoch."""
    return H(Tag.ANCHOR, epoch_id, note_root, account_root)


@dataclass(frozen=True, slots=True)
class StateRoots:
    """Roots and sizes of the four trees: the preimage of a state hash."""

    note_root: Field
    note_size: int
    nullifier_root: Field
    nullifier_size: int
    root_root: Field
    root_size: int
    account_root: Field
    account_size: int

    def hash(self) -> Field:
        """H(STATE; ..)."""
        return H(
            Tag.STATE,
            VERSION,
            self.note_root,
            self.note_size,
            self.nullifier_root,
            self.nullifier_size,
            self.root_root,
            self.root_size,
            self.account_root,
            self.account_size,
            0,
        )


@dataclass(slots=True)
class State:
    """The trees after an epoch. `apply_epoch` never changes the state it is given."""

    note: MerkleTree
    nullifier: NullifierTree
    root: MerkleTree
    account: AccountTree

    def copy(self) -> "State":
        """A state that changes independently."""
        return State(self.note.copy(), self.nullifier.copy(), self.root.copy(), self.account.copy())

    def roots(self) -> StateRoots:
        """Roots and sizes."""
        return StateRoots(
            self.note.root,
            self.note.size,
            self.nullifier.root,
            self.nullifier.size,
            self.root.root,
            self.root.size,
            self.account.root,
            self.account.size,
        )

    def hash(self) -> Field:
        """The state as one element of F."""
        return self.roots().hash()

    @property
    def epoch_id(self) -> int:
        """Id of the epoch after which this is the state; 0 is genesis."""
        return self.root.size - 1

    def anchor(self, epoch_id: int | None = None) -> Field:
        """The anchor of an epoch up to this one, by default of this one."""
        return self.root.leaf(self.epoch_id if epoch_id is None else epoch_id)


def genesis() -> State:
    """The state that every deployment begins with."""
    state = State(
        MerkleTree(NOTE_DEPTH), NullifierTree.genesis(), MerkleTree(ROOT_DEPTH), AccountTree.genesis()
    )
    state.root.append([anchor(0, state.note.root, state.account.root)], 1)
    return state

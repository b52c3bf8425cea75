"""The leaves that the words of epochs add to the trees, without following the state transition (spec 02, 05).

For epochs that are known to be valid, as those that L1 has proven are: the state after many of them is built
at once, and its hash tells whether it is right.
"""

import struct
from typing import Final, Self

from sotto.protocol.errors import TooManyOperations, WordLengthWrong
from sotto.protocol.field import BYTE_WORD_BYTES, FIELD_WORD_BYTES, Field
from sotto.protocol.indexed import PLACE_BYTES, AccountTree, NullifierTree
from sotto.protocol.merkle import MerkleTree
from sotto.protocol.transaction import Kind
from sotto.protocol.trees import NOTE_DEPTH, ROOT_DEPTH, State, genesis
from sotto.protocol.words import (
    HEADER_BYTE_WORDS,
    HEADER_FIELD_WORDS,
    LANE_DATA_FIELD_WORDS,
    LANE_L1_BYTE_WORDS,
    check_lane_count,
    words_length,
)

_F: Final = FIELD_WORD_BYTES
_B: Final = BYTE_WORD_BYTES
_SIZES: Final = struct.Struct(">6Q")
_PLACE: Final = struct.Struct(">Q")
_SPENDING: Final = (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)


class Growth:
    """All leaves of a state in use. `add` the epochs after it one by one, and take the `state` after them."""

    def __init__(self) -> None:
        self._notes = bytearray()
        self._nullifiers = bytearray()
        self._nullifier_size = 0
        self._anchors = bytearray()
        self._accounts: dict[bytes, tuple[int, bytes]] = {}
        self._account_size = 0

    @classmethod
    def of(cls, state: State) -> Self:
        """The leaves of a state."""
        growth = cls()
        growth._notes += state.note.packed_leaves()
        growth._nullifiers += state.nullifier.packed_places()
        growth._nullifier_size = state.nullifier.size
        growth._anchors += state.root.packed_leaves()
        places = state.account.packed_places()
        for at in range(0, len(places), PLACE_BYTES):
            index = _PLACE.unpack_from(places, at + _F)[0]
            growth._accounts[places[at : at + _F]] = index, state.account.content(index).key_set.to_bytes(_F)
        growth._account_size = state.account.size
        return growth

    @classmethod
    def genesis(cls) -> Self:
        """The leaves of genesis."""
        return cls.of(genesis())

    @property
    def epoch_id(self) -> int:
        """Id of the last epoch added."""
        return len(self._anchors) // _F - 1

    def add(self, words: bytes, lanes: int) -> None:
        """Add the leaves of the next epoch, whose encoded words are not judged.

        Raises LaneCountUnsupported, WordLengthWrong, TooManyOperations.
        """
        check_lane_count(lanes)
        if len(words) != words_length(lanes):
            raise WordLengthWrong(f"{len(words)} bytes instead of {words_length(lanes)} for {lanes} lanes")
        l1_bytes = (HEADER_FIELD_WORDS + lanes) * _F
        data = l1_bytes + (HEADER_BYTE_WORDS + LANE_L1_BYTE_WORDS * lanes) * _B
        operations = data + LANE_DATA_FIELD_WORDS * lanes * _F
        subtree = 4 * lanes
        self._notes += bytes(-len(self._notes) % (subtree * _F))
        first = -(-self._nullifier_size // subtree) * subtree
        accounts = 0
        for lane in range(lanes):
            # A kind is below 256: it is the last byte of its word.
            kind = words[l1_bytes + (HEADER_BYTE_WORDS + LANE_L1_BYTE_WORDS * lane + 1) * _B - 1]
            at = data + LANE_DATA_FIELD_WORDS * lane * _F
            if kind in _SPENDING:
                for i in range(2):
                    nullifier = words[at + (3 + i) * _F : at + (4 + i) * _F]
                    self._nullifiers += nullifier + _PLACE.pack(first + 4 * lane + i)
            appended = kind != Kind.SKIPPED
            self._notes += (words[at + 5 * _F : at + 8 * _F] if appended else bytes(3 * _F)) + bytes(_F)
            accounts += kind == Kind.ACCOUNT
        self._nullifier_size = first + subtree
        self._change_accounts(words[operations : operations + lanes // 2 * _F], accounts, lanes // 4)
        self._anchors += words[2 * _F : 3 * _F]

    def _change_accounts(self, operations: bytes, count: int, subtree: int) -> None:
        if count > subtree:
            raise TooManyOperations(f"{count} account lanes")
        first = -(-self._account_size // subtree) * subtree
        for number in range(count):
            account, new = (operations[(2 * number + i) * _F : (2 * number + i + 1) * _F] for i in range(2))
            index, _ = self._accounts.get(account, (first + number, b""))
            self._accounts[account] = index, new
        self._account_size = first + subtree

    def state(self) -> State:
        """The state with these leaves. Raises ValueOnRing, ValueError, TreeFull if there is none."""
        accounts = b"".join(account + _PLACE.pack(index) for account, (index, _) in self._accounts.items())
        key_sets = {index: _field(key_set) for index, key_set in self._accounts.values()}
        return State(
            MerkleTree.from_packed(NOTE_DEPTH, bytes(self._notes)),
            NullifierTree.linked(bytes(self._nullifiers), self._nullifier_size),
            MerkleTree.from_packed(ROOT_DEPTH, bytes(self._anchors)),
            AccountTree.linked(accounts, self._account_size, key_sets),
        )

    def encode(self) -> bytes:
        """Bytes from which `decode` makes it again; not part of the specification."""
        accounts = b"".join(
            account + key_set + _PLACE.pack(index) for account, (index, key_set) in self._accounts.items()
        )
        parts = (bytes(self._notes), bytes(self._nullifiers), bytes(self._anchors), accounts)
        sizes = _SIZES.pack(self._nullifier_size, self._account_size, *map(len, parts))
        return b"".join((sizes, *parts))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Inverse of `encode`. Raises WordLengthWrong."""
        if len(data) < _SIZES.size:
            raise WordLengthWrong(f"{len(data)} bytes of leaves")
        growth, at, parts = cls(), _SIZES.size, []
        growth._nullifier_size, growth._account_size, *lengths = _SIZES.unpack_from(data)
        for length in lengths:
            parts.append(data[at : at + length])
            at += length
        widths = (_F, PLACE_BYTES, _F, 2 * _F + _PLACE.size)
        rests = [len(part) % width for part, width in zip(parts, widths, strict=True)]
        if at != len(data) or any(rests):
            raise WordLengthWrong(f"{len(data)} bytes of leaves")
        notes, nullifiers, anchors, accounts = parts
        growth._notes += notes
        growth._nullifiers += nullifiers
        growth._anchors += anchors
        for start in range(0, len(accounts), widths[3]):
            account, key_set = accounts[start : start + _F], accounts[start + _F : start + 2 * _F]
            growth._accounts[account] = _PLACE.unpack_from(accounts, start + 2 * _F)[0], key_set
        return growth


def _field(data: bytes | bytearray) -> Field:
    return Field(int.from_bytes(data))

"""The protocol's hash of field elements, the tree node and the domain tags (spec 01)."""

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Protocol

from sotto.protocol.field import FIELD_WORD_BYTES, MODULUS, Field, decode_field
from sotto.protocol.poseidon2 import permute

Children = tuple[Field, Field, Field, Field]

_RATE = 3
_PART_RUNS = 1 << 14


class Tag(IntEnum):
    """Domain tags. Each hash of the protocol has one of its own."""

    STATE = 1
    ANCHOR = 2
    PARTIAL = 3
    NOTE = 4
    RHO = 5
    RHO_DEPOSIT = 6
    NULLIFIER = 7
    NULLIFIER_DUMMY = 8
    NULLIFIER_KEY = 9
    ACCOUNT_ID = 10
    OWNER = 11
    KEY = 12
    KEY_SET = 13
    ACCOUNT_LEAF = 14
    NULLIFIER_LEAF = 15
    OPERATION = 16
    TRANSACTION = 17
    DEPOSIT = 18
    EXTENSION = 19
    VECTOR = 20
    SIGNATURE = 21
    EXIT = 22


class Hasher(Protocol):
    """Computes both functions of spec 01 for many inputs at once, in their order."""

    def sum_batch(self, tag: int, inputs: Sequence[Sequence[int]]) -> list[int]:
        """`H(tag; xs)` of each non-empty sequence `xs` of elements."""

    def compress_batch(self, nodes: Sequence[tuple[int, int, int, int]]) -> list[int]:
        """`node(a, b, c, d)` of each quadruple of elements."""

    def sum_packed(self, tag: int, width: int, data: bytes) -> bytes:
        """`H(tag; xs)` of each run of `width` elements; here and in the results, elements have 32 bytes."""

    def compress_packed(self, data: bytes) -> bytes:
        """`node(a, b, c, d)` of each run of four elements of 32 bytes."""


class ReferenceHasher:
    """The hasher in pure Python: slow, and the one that others are compared with."""

    def sum_batch(self, tag: int, inputs: Sequence[Sequence[int]]) -> list[int]:
        """See Hasher."""
        return [_sponge(tag, xs) for xs in inputs]

    def compress_batch(self, nodes: Sequence[tuple[int, int, int, int]]) -> list[int]:
        """See Hasher."""
        return [(permute(node)[0] + node[0]) % MODULUS for node in nodes]

    def sum_packed(self, tag: int, width: int, data: bytes) -> bytes:
        """See Hasher."""
        return _pack(self.sum_batch(tag, _runs(data, width)))

    def compress_packed(self, data: bytes) -> bytes:
        """See Hasher."""
        return _pack(self.compress_batch([(a, b, c, d) for a, b, c, d in _runs(data, 4)]))


def _runs(data: bytes, width: int) -> list[list[int]]:
    """Packed elements as runs of so many."""
    xs = [decode_field(data[at : at + FIELD_WORD_BYTES]) for at in range(0, len(data), FIELD_WORD_BYTES)]
    if len(xs) % width:
        raise ValueError(f"{len(xs)} elements are no runs of {width}")
    return [list(xs[at : at + width]) for at in range(0, len(xs), width)]


def _pack(values: Sequence[int]) -> bytes:
    return b"".join([value.to_bytes(FIELD_WORD_BYTES) for value in values])


def _sponge(tag: int, xs: Sequence[int]) -> int:
    if not xs:
        raise ValueError("H of no elements is not defined")
    a, b, c, d = 0, 0, 0, (tag << 64) + len(xs)
    for start in range(0, len(xs), _RATE):
        block = (*xs[start : start + _RATE], 0, 0)
        a, b, c, d = permute((a + block[0], b + block[1], c + block[2], d))
    return a


_hasher: Hasher = ReferenceHasher()


def set_backend(hasher: Hasher | None) -> None:
    """Use another hasher in this process, None for the reference. It must give the same results.

    The hasher is the one process-wide setting of this package: it changes speed and nothing else.
    """
    global _hasher
    _hasher = ReferenceHasher() if hasher is None else hasher


def H(tag: Tag, *xs: int) -> Field:  # noqa: N802 - the specification's name
    """`H(tag; xs)` of one or more elements of F. Raises ValueError without elements."""
    return Field(_hasher.sum_batch(tag, (xs,))[0])


def hash_batch(tag: Tag, inputs: Sequence[Sequence[int]]) -> list[Field]:
    """`H(tag; xs)` of each of `inputs`."""
    return [Field(x) for x in _hasher.sum_batch(tag, inputs)] if inputs else []


def node(a: int, b: int, c: int, d: int) -> Field:
    """The parent of four children in a Merkle tree."""
    return Field(_hasher.compress_batch(((a, b, c, d),))[0])


def node_batch(nodes: Sequence[tuple[int, int, int, int]]) -> list[Field]:
    """The parent of each quadruple of children."""
    return [Field(x) for x in _hasher.compress_batch(nodes)] if nodes else []


def hash_packed(tag: Tag, width: int, data: bytes) -> bytes:
    """`H(tag; xs)` of each run of `width` elements, packed as 32 bytes each. Raises ValueError for a rest."""
    return _in_parts(data, width, lambda part: _hasher.sum_packed(tag, width, part))


def node_packed(data: bytes) -> bytes:
    """The parent of each run of four children, packed as 32 bytes each. Raises ValueError for a rest."""
    return _in_parts(data, 4, _hasher.compress_packed)


def _in_parts(data: bytes, width: int, function: Callable[[bytes], bytes]) -> bytes:
    """Apply a function to whole runs, so many at once that memory stays small."""
    if len(data) % (width * FIELD_WORD_BYTES):
        raise ValueError(f"{len(data)} bytes are no runs of {width} elements")
    part = _PART_RUNS * width * FIELD_WORD_BYTES
    if len(data) <= part:
        return function(data) if data else b""
    return b"".join([function(data[at : at + part]) for at in range(0, len(data), part)])


def _zeros(levels: Iterable[int]) -> tuple[Field, ...]:
    values = [Field(0)]
    for _ in levels:
        z = values[-1]
        values.append(Field(ReferenceHasher().compress_batch([(z, z, z, z)])[0]))
    return tuple(values)


ZERO_SUBTREES = _zeros(range(16))
"""Root of the empty subtree of each height 0..16 (spec 02)."""

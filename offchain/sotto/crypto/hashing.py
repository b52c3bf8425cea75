"""The protocol's hash over F (docs/spec/01-field-hash.md), computed by the native code on all cores."""

from collections.abc import Sequence

from sotto.crypto._encoding import WORD, bounded_int, decode_elements, encode_elements
from sotto.crypto._library import fetch, invoke
from sotto.crypto.errors import MalformedInput

_WIDTH = 4
_NODE_RECORD = 1 + 8 + WORD


def hash_many(tag: int, rows: Sequence[Sequence[int]]) -> list[int]:
    """Return ``H(tag; row)`` of each row.

    Parameters
    ----------
    tag
        Domain tag, below 2^64.
    rows
        Each one or more field elements; rows may differ in length.

    Raises
    ------
    MalformedInput
        A row is empty, or a value is not a field element.
    """
    bounded_int("tag", tag, 64)
    lengths = b"".join([length.to_bytes(4, "little") for length in _lengths(rows)])
    data = encode_elements(x for row in rows for x in row)
    out = bytearray(WORD * len(rows))
    invoke("sotto_hash_many", tag, data, lengths, out)
    return decode_elements(out)


def hash_packed(tag: int, width: int, data: bytes) -> bytes:
    """Return ``H(tag; xs)`` of each run of `width` elements of 32 bytes; see `hash_many`.

    Raises
    ------
    MalformedInput
        The data are no whole number of runs, or a value is not a field element.
    """
    bounded_int("tag", tag, 64)
    count, rest = divmod(len(data), WORD * max(width, 1))
    if width < 1 or rest:
        raise MalformedInput(f"{len(data)} bytes are no runs of {width} elements")
    out = bytearray(WORD * count)
    invoke("sotto_hash_many", tag, data, width.to_bytes(4, "little") * count, out)
    return bytes(out)


def hash1(tag: int, *elements: int) -> int:
    """Return ``H(tag; elements)``; see `hash_many`."""
    return hash_many(tag, [elements])[0]


def compress_many(rows: Sequence[Sequence[int]]) -> list[int]:
    """Return ``node(row)`` of each row of four field elements.

    Raises
    ------
    MalformedInput
        A row has not four elements, or a value is not a field element.
    """
    if any(length != _WIDTH for length in _lengths(rows)):
        raise MalformedInput("a node has four children")
    out = bytearray(WORD * len(rows))
    invoke("sotto_compress_many", encode_elements(x for row in rows for x in row), out)
    return decode_elements(out)


def compress_packed(data: bytes | bytearray) -> bytes:
    """Return ``node(row)`` of each run of four elements of 32 bytes.

    Raises
    ------
    MalformedInput
        The data are no whole number of runs, or a value is not a field element.
    """
    count, rest = divmod(len(data), WORD * _WIDTH)
    if rest:
        raise MalformedInput(f"{len(data)} bytes are no runs of {_WIDTH} elements")
    out = bytearray(WORD * count)
    invoke("sotto_compress_many", data, out)
    return bytes(out)


def compress(a: int, b: int, c: int, d: int) -> int:
    """Return ``node(a, b, c, d)``; see `compress_many`."""
    return compress_many([(a, b, c, d)])[0]


def permute(state: Sequence[int]) -> list[int]:
    """Apply the Poseidon2 permutation to four field elements.

    Raises
    ------
    MalformedInput
        The state has not four elements, or a value is not a field element.
    """
    out = bytearray(WORD * _WIDTH)
    invoke("sotto_permute", encode_elements(state), out)
    return decode_elements(out)


def tree_update(
    depth: int, leaves: Sequence[tuple[int, int]], paths: Sequence[Sequence[Sequence[int]]]
) -> list[dict[int, int]]:
    """Compute the inner nodes of a 4-ary tree that change when leaves are replaced.

    Parameters
    ----------
    depth
        Levels of the tree, 1..31.
    leaves
        Pairs of index and new value, at least one, all indices different.
    paths
        For each leaf, from leaf to root, the four children of the node at that level before the update
        (docs/spec/07-witness.md). They are trusted to belong to one tree.

    Returns
    -------
    list[dict[int, int]]
        Element k holds the changed nodes of height k + 1 by their number; the last is ``{0: root}``.

    Raises
    ------
    MalformedInput
        An index lies outside the tree or occurs twice, a path has another shape or contradicts another, or a
        value is not a field element.
    """
    bounded_int("depth", depth, 32)
    try:
        indices = b"".join([bounded_int("index", index, 64).to_bytes(8, "big") for index, _ in leaves])
        values = encode_elements(value for _, value in leaves)
        flat = encode_elements(x for path in paths for children in path for x in _node(children))
    except (TypeError, ValueError) as error:
        raise MalformedInput(f"leaves or paths: {error}") from error
    records = fetch("sotto_tree_update", depth, indices, values, flat)
    levels: list[dict[int, int]] = [{} for _ in range(depth)]
    for at in range(0, len(records), _NODE_RECORD):
        number = int.from_bytes(records[at + 1 : at + 9], "big")
        levels[records[at] - 1][number] = int.from_bytes(records[at + 9 : at + _NODE_RECORD], "big")
    return levels


def _lengths(rows: Sequence[Sequence[int]]) -> list[int]:
    try:
        return [len(row) for row in rows]
    except TypeError as error:
        raise MalformedInput(f"rows are not sequences of field elements: {error}") from error


def _node(children: Sequence[int]) -> Sequence[int]:
    if len(children) != _WIDTH:
        raise MalformedInput("a node has four children")
    return children

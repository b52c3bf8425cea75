"""Encodings of a commit's call that L1 takes and that no library makes."""

from collections.abc import Callable
from typing import Final

WORD: Final = 32
BOND, WORDS, BLOB, CLIENT_PROOFS = 8, 22, 23, 25
"""Heads in `CommitInput`, in words from its start. The parent's bond is zero."""


def dirty_padding(data: bytes) -> bytes:
    """What is behind the words up to a multiple of 32 bytes is not zero."""
    start, length = _tail(data, WORDS)
    padding = -length % WORD
    assert padding
    end = start + WORD + length
    return data[:end] + b"\xff" * padding + data[end + padding :]


def missing_padding(data: bytes) -> bytes:
    """The words are the end of the data, and nothing is behind them."""
    start, length = _tail(data, WORDS)
    return _with_offset(data, WORDS, len(data) - _struct(data)) + data[start : start + WORD + length]


def tails_over_heads(data: bytes) -> bytes:
    """Empty values have a zero of the parent record as their length."""
    for head in (BLOB, CLIENT_PROOFS):
        assert _tail(data, head)[1] == 0
        data = _with_offset(data, head, WORD * BOND)
    return data


def words_before_struct(data: bytes) -> bytes:
    """The words come first, so that their offset is negative, and what follows begins at an odd place."""
    struct = _struct(data)
    start, length = _tail(data, WORDS)
    words = data[start : start + WORD + length]
    moved = _with_offset(data, WORDS, -len(words))
    arguments = bytearray(moved[4:struct])
    for place in _offsets(data):
        offset = int.from_bytes(arguments[place : place + WORD]) + len(words)
        arguments[place : place + WORD] = offset.to_bytes(WORD)
    return data[:4] + bytes(arguments) + words + moved[struct:]


ENCODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "dirty padding": dirty_padding,
    "missing padding": missing_padding,
    "tails over heads": tails_over_heads,
    "words before struct": words_before_struct,
}


def _struct(data: bytes) -> int:
    return 4 + _number(data, 4)


def _tail(data: bytes, head: int) -> tuple[int, int]:
    """Where the tail of a member begins, and the length that it says."""
    struct = _struct(data)
    start = struct + _number(data, struct + WORD * head)
    return start, _number(data, start)


def _offsets(data: bytes) -> tuple[int, ...]:
    """Which arguments of the call are offsets: the struct, and with `commitAndProve` the proof."""
    return (0,) if _struct(data) == 4 + WORD else (0, 2 * WORD)


def _with_offset(data: bytes, head: int, offset: int) -> bytes:
    place = _struct(data) + WORD * head
    return data[:place] + (offset % 2**256).to_bytes(WORD) + data[place + WORD :]


def _number(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + WORD])

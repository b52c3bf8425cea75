"""The native code as hasher of the executable specification."""

from collections.abc import Sequence

from sotto.crypto.hashing import compress_many, compress_packed, hash_many, hash_packed
from sotto.protocol.hash import set_backend


class NativeHasher:
    """`sotto.protocol.hash.Hasher` over libsotto."""

    def sum_batch(self, tag: int, inputs: Sequence[Sequence[int]]) -> list[int]:
        """``H(tag; xs)`` of each non-empty sequence of elements; ValueError for an empty one."""
        if not all(inputs):
            raise ValueError("H of no elements is not defined")
        return hash_many(tag, inputs)

    def compress_batch(self, nodes: Sequence[tuple[int, int, int, int]]) -> list[int]:
        """``node(a, b, c, d)`` of each quadruple of elements."""
        return compress_many(nodes)

    def sum_packed(self, tag: int, width: int, data: bytes) -> bytes:
        """See `sotto.protocol.hash.Hasher`."""
        return hash_packed(tag, width, data)

    def compress_packed(self, data: bytes) -> bytes:
        """See `sotto.protocol.hash.Hasher`."""
        return compress_packed(data)


def install_hash_backend() -> None:
    """Make `sotto.protocol` hash natively in this process: over ten times as fast, with equal results.

    Raises
    ------
    NativeLibraryMissing
        The library is not built; the reference hasher stays.
    """
    hasher = NativeHasher()
    hasher.compress_batch([(0, 0, 0, 0)])
    set_backend(hasher)

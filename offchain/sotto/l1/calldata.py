"""What the calldata of a commit says, as the EVM reads it.

Solidity takes more encodings of a call than the one that the ABI describes: what is behind a `bytes` value
need not be zero, nor be there at all, and a tail may lie anywhere, also before its head or over another one.
Whoever commits an epoch chooses among them. A reader that insisted on the usual one would lose an epoch that
L1 has proven.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

from eth_utils.abi import function_abi_to_4byte_selector

from sotto.l1 import interface
from sotto.protocol.transaction import PROOF_BYTES

_WORD: Final = 32
_SELECTOR: Final = 4
_ADDRESS: Final = 20
_PLACES: Final = 2**256


@dataclass(frozen=True, slots=True)
class CommitCall:
    """What a call of `commit` or `commitAndProve` publishes.

    Attributes:
        verifier: its address, 20 bytes.
        words: those in the calldata: the L1 words only if the others are in a blob.
        client_proofs: 256 bytes each.
    """

    verifier: bytes
    words: bytes
    client_proofs: tuple[bytes, ...]


def read_commit(data: bytes) -> CommitCall | None:
    """Read the calldata of a call that L1 took; None if it called another function."""
    heads = _heads_by_selector().get(data[:_SELECTOR])
    if heads is None:
        return None
    struct = (_SELECTOR + _word(data, _SELECTOR)) % _PLACES
    proofs = _bytes(data, struct, heads["clientProofs"])
    return CommitCall(
        _word(data, struct + heads["verifier"]).to_bytes(_WORD)[-_ADDRESS:],
        _bytes(data, struct, heads["words"]),
        tuple(proofs[i : i + PROOF_BYTES] for i in range(0, len(proofs), PROOF_BYTES)),
    )


@cache
def _heads_by_selector() -> dict[bytes, dict[str, int]]:
    """Where the struct `CommitInput` has its members: it is the first argument of both functions."""
    return {
        function_abi_to_4byte_selector(cast(Any, entry)): _heads(entry["inputs"][0]["components"])
        for entry in interface.load("Rollup")
        if entry["type"] == "function" and entry["name"] in ("commit", "commitAndProve")
    }


def _heads(components: list[dict[str, Any]]) -> dict[str, int]:
    """Distance of each member's head from the start of the struct. A record has no tail."""
    heads, place = {}, 0
    for component in components:
        heads[component["name"]] = place
        place += _WORD * (len(component["components"]) if component["type"] == "tuple" else 1)
    return heads


def _bytes(data: bytes, struct: int, head: int) -> bytes:
    place = (struct + _word(data, struct + head)) % _PLACES
    start = place + _WORD
    return data[start : start + _word(data, place)]


def _word(data: bytes, place: int) -> int:
    """Behind the end there are zeros."""
    return int.from_bytes(data[place : place + _WORD].ljust(_WORD, b"\0"))

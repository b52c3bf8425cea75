"""What L1 says about a transaction that it has executed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class L1Receipt:
    """A successful L1 transaction. `hash` is 0x hex, `gas` in gas, `block` the number of its L1 block."""

    hash: str
    gas: int
    block: int


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """A deposit or forced transaction in the L1 queue. `final`: its block cannot be lost any more."""

    index: int
    receipt: L1Receipt
    final: bool = False

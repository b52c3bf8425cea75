"""Schedules of reorganisations: what happens on L1, how much of it L1 loses, what becomes of that. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from eth_account import Account
from hexbytes import HexBytes

DEEPEST = 64
"""Blocks that L1 may lose: what is older is final."""
MOST_STEPS = 5


class Act(StrEnum):
    """A step of a schedule."""

    DEPOSIT = "deposit"
    PAY = "pay"
    WITHDRAW = "withdraw"
    CLAIM = "claim"
    FORCE = "force"
    MINE = "mine"
    COMMITTED = "wait for the commit"
    PROVEN = "wait for the proof"
    STRANGER = "a stranger proves"
    PRUNE = "let the deadline pass and prune"


class Fate(StrEnum):
    """What becomes of the transactions of lost blocks."""

    AGAIN = "again"
    ORDER = "in another order"
    SOME = "some again"
    GONE = "gone"
    REPLACED = "gone for good"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps, and then a reorganisation.

    Attributes:
        depth: blocks that are lost.
        fills: whether empty blocks follow the steps, so that no more is lost than these.
    """

    steps: tuple[Act, ...]
    depth: int
    fate: Fate
    fills: bool = False

    def __str__(self) -> str:
        return f"{', '.join(self.steps)}; {self.depth} blocks lost, {self.fate}"


@dataclass(frozen=True, slots=True)
class Lost:
    """A signed transaction of a lost block, whose place is from 0 on."""

    raw: bytes
    place: int


def draw(random: Random) -> Schedule:
    """A schedule: small depths are as likely as large ones."""
    steps = random.choices(list(Act), k=random.randint(1, MOST_STEPS))
    depth = min(DEEPEST, int(2 ** random.uniform(0, 6.1)))
    return Schedule(tuple(steps), depth, random.choice(list(Fate)), random.random() < 0.5)


def kept(
    fate: Fate, lost: Sequence[Lost], depth: int, random: Random, replace: Callable[[bytes], bytes]
) -> list[tuple[bytes, int]]:
    """What the new blocks hold, with the places of their blocks. Each sender's stay in their order.

    Args:
        replace: another transaction of the same sender with the same nonce.
    """
    by_sender: dict[str, list[Lost]] = {}
    for item in lost:
        by_sender.setdefault(sender_of(item.raw), []).append(item)
    match fate:
        case Fate.AGAIN:
            return [(item.raw, item.place) for item in lost]
        case Fate.ORDER:
            turns = [sender for sender, items in by_sender.items() for _ in items]
            random.shuffle(turns)
            order = [by_sender[sender].pop(0).raw for sender in turns]
            return list(zip(order, sorted(random.randrange(depth) for _ in order), strict=True))
        case Fate.SOME:
            left = {sender: random.randint(0, len(items)) for sender, items in by_sender.items()}
            some = [item for items in by_sender.items() for item in items[1][: left[items[0]]]]
            return [(item.raw, item.place) for item in sorted(some, key=lost.index)]
        case Fate.GONE:
            return []
        case Fate.REPLACED:
            return [(replace(items[0].raw), 0) for items in by_sender.values()]


def sender_of(raw: bytes) -> str:
    """Who has signed a transaction."""
    sender: str = Account.recover_transaction(HexBytes(raw))
    return sender

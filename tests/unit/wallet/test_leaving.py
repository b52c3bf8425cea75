"""What is told of notes whose exits L1 did not pay in this run."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from web3.types import TxReceipt

from sotto.l1.errors import ContractRejected
from sotto.l1.events import Position, ReceivedExit
from sotto.l1.exit import ExitContract, ProvenExit
from sotto.protocol.l1 import genesis_record
from sotto.wallet.leaving import ExitMaker, ExitOptions, Leaver, Left
from sotto.wallet.recovery import Recovered
from sotto.wallet.state import StoredNote

NOBODY = bytes(20)
OPTIONS = ExitOptions(recipient=1, dust=True)


class BusyExit:
    """The contract `Exit` and a sender to it, while somebody else takes notes out, too.

    Args:
        others: nullifiers of the notes that leave by others, after this run has looked.
        unpayable: of those whose recipient takes no payment.
    """

    def __init__(self, others: Sequence[int] = (), unpayable: Sequence[int] = ()) -> None:
        self._others, self._unpayable = set(others), set(unpayable)
        self._gone: set[int] = set()

    async def has_exited(self, nullifier: int) -> bool:
        """See ExitContract."""
        return nullifier in self._gone

    def exit(self, _last: object, leaving: ProvenExit) -> ProvenExit:
        """See ExitContract."""
        return leaving

    def exit_many(self, _last: object, leaving: Sequence[ProvenExit]) -> Sequence[ProvenExit]:
        """See ExitContract."""
        return leaving

    async def send(self, called: ProvenExit | Sequence[ProvenExit]) -> TxReceipt:
        """See Sender."""
        self._gone |= self._others
        if isinstance(called, ProvenExit):
            if called.nullifier in self._gone:
                raise ContractRejected("AlreadyExited", [called.nullifier])
            if called.nullifier in self._unpayable:
                raise ContractRejected("PaymentFailed", [])
            called = [called]
        paid = {each.nullifier for each in called} - self._gone - self._unpayable
        self._gone |= paid
        return cast(TxReceipt, {"transactionHash": bytes(32), "gasUsed": 1, "paid": sorted(paid)})

    def exited(self, receipt: Any) -> list[ReceivedExit]:
        """See ExitContract."""
        nowhere = Position(1, bytes(32), bytes(32), 0)
        return [ReceivedExit(nowhere, paid, NOBODY, 1, 1, NOBODY, 0) for paid in receipt["paid"]]


class QuickMaker:
    """Makes exits without proofs."""

    async def prove(self, note: StoredNote, _options: ExitOptions) -> ProvenExit:
        """See ExitMaker."""
        return ProvenExit(note.nullifier, note.asset, note.value, NOBODY, NOBODY, 0, bytes(256))


def stored(number: int) -> StoredNote:
    """A note whose nullifier is its number."""
    return StoredNote(
        commitment=number, nullifier=number, asset=1, value=1, r=1, rho=number, source=1, output=0
    )


async def leave(contract: BusyExit, notes: int) -> tuple[list[int], list[int], list[int]]:
    """Take out notes 1 to `notes`: those that were paid, had left before, and were refused."""
    waiting = tuple(stored(number) for number in range(1, notes + 1))
    recovered = Recovered(genesis_record(1), cast(Any, None), waiting, (), ())
    leaver, left = Leaver(cast(Any, None), cast(Any, None), None, lambda *_: None), Left()
    leaver._own_sender = cast(Any, contract)
    maker = cast(ExitMaker, QuickMaker())
    await leaver._exit_notes(cast(ExitContract, contract), recovered, maker, OPTIONS, left)
    exits, before, refused = (
        [note.nullifier for note in group] for group in (left.exits, left.before, left.refused)
    )
    return exits, before, refused


@pytest.mark.parametrize("notes", [1, 3, 20])
async def test_all_are_paid(notes: int) -> None:
    assert await leave(BusyExit(), notes) == (list(range(1, notes + 1)), [], [])


@pytest.mark.parametrize(("notes", "paid"), [(1, []), (3, [2, 3])])
async def test_a_note_that_another_run_took_out_meanwhile_has_left(notes: int, paid: list[int]) -> None:
    assert await leave(BusyExit(others=[1]), notes) == (paid, [1], [])


@pytest.mark.parametrize(("notes", "paid"), [(1, []), (3, [2, 3])])
async def test_a_note_whose_recipient_takes_nothing_stays(notes: int, paid: list[int]) -> None:
    assert await leave(BusyExit(unpayable=[1]), notes) == (paid, [], [1])


async def test_the_reasons_are_told_apart_in_one_transaction() -> None:
    assert await leave(BusyExit(others=[4], unpayable=[2]), 4) == ([1, 3], [4], [2])

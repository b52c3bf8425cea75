"""Finding own notes: a ciphertext counts only when the commitment made from it is the one in the tree."""

from collections.abc import Iterable, Sequence
from typing import Final

from sotto.crypto import note_scan, x25519_public
from sotto.protocol.ciphertext import CIPHERTEXT_BYTES
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys, deposit_esk
from sotto.protocol.notes import Note, deposit_rho, rho
from sotto.protocol.transaction import Kind
from sotto.wallet.messages import Entry
from sotto.wallet.state import StoredNote

DEPOSIT_WINDOW: Final = 64
"""A restored wallet recognises its deposits up to so many numbers ahead of the last one it found."""


def scan(keys: ViewingKeys, entries: Sequence[Entry]) -> list[StoredNote]:
    """The notes above zero that these entries bring to the holder of `keys`, in order."""
    places = [
        (entry, output)
        for entry in entries
        if entry.kind != Kind.SKIPPED
        for output, ciphertext in enumerate(entry.ciphertexts)
        if len(ciphertext) == CIPHERTEXT_BYTES and entry.commitments[output]
    ]
    opened = note_scan(keys.incoming, b"".join(entry.ciphertexts[output] for entry, output in places))
    found = []
    for index, content in opened:
        entry, output = places[index]
        if content.value == 0:
            continue
        try:
            note = Note(keys.owner, content.asset, content.value, Field(content.r), _rho(keys, entry, output))
        except ProtocolError:
            continue
        if note.commitment == entry.commitments[output]:
            found.append(_stored(keys, entry, output, note, content.reference))
    return found


def _rho(keys: ViewingKeys, entry: Entry, output: int) -> Field:
    if entry.kind == Kind.DEPOSIT:
        return deposit_rho(keys.domain, entry.queue_index or 0)
    return rho(entry.nullifiers[0], output)


def _stored(keys: ViewingKeys, entry: Entry, output: int, note: Note, reference: bytes) -> StoredNote:
    return StoredNote(
        commitment=note.commitment,
        nullifier=note.nullifier(keys.nullifier_key),
        asset=note.asset,
        value=note.value,
        r=note.r,
        rho=note.rho,
        source=entry.id,
        output=output,
        reference=reference.hex(),
        epoch=entry.epoch if entry.node is not None else None,
        node=entry.node,
    )


class DepositCounter:
    """Recognises own deposits by their ephemeral keys, so that no counter is ever used twice.

    A wallet restored from its seed does not know how many deposits it made; the same counter again would
    encrypt two notes under one key.
    """

    def __init__(self, outgoing: bytes, counter: int) -> None:
        self._outgoing = outgoing
        self.counter = counter
        self._ahead: dict[bytes, int] = {}
        self._known = counter

    def observe(self, ciphertexts: Iterable[bytes]) -> None:
        """Look at ciphertexts of deposits in order; the counter moves behind every own one."""
        self._fill()
        for ciphertext in ciphertexts:
            number = self._ahead.get(ciphertext[:32])
            if number is not None and number >= self.counter:
                self.counter = number + 1
                self._fill()

    def _fill(self) -> None:
        while self._known < self.counter + DEPOSIT_WINDOW:
            self._ahead[x25519_public(deposit_esk(self._outgoing, self._known))] = self._known
            self._known += 1

"""Finding own notes: a ciphertext counts only when the commitment made from it is the one in the tree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sotto.crypto import note_open_sent, note_scan, x25519_public
from sotto.protocol.address import Address
from sotto.protocol.ciphertext import CIPHERTEXT_BYTES
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys, deposit_esk
from sotto.protocol.notes import Note, deposit_rho, rho
from sotto.protocol.transaction import Kind
from sotto.protocol.viewing import IncomingViewingKey, incoming_of
from sotto.wallet.messages import Entry
from sotto.wallet.state import StoredNote

DEPOSIT_WINDOW: Final = 64
"""A restored wallet recognises its deposits up to so many numbers ahead of the last one it found."""


@dataclass(frozen=True, slots=True)
class FoundNote:
    """A note above zero; its commitment, made from the opened ciphertext, is this output of the entry."""

    entry: Entry
    output: int
    note: Note
    reference: bytes


def find(key: IncomingViewingKey, entries: Sequence[Entry]) -> list[FoundNote]:
    """The notes that these entries bring to the holder of `key`, in order."""
    places = [
        (entry, output)
        for entry in entries
        if entry.kind != Kind.SKIPPED
        for output, ciphertext in enumerate(entry.ciphertexts)
        if len(ciphertext) == CIPHERTEXT_BYTES and entry.commitments[output]
    ]
    opened = note_scan(key.incoming, b"".join([entry.ciphertexts[output] for entry, output in places]))
    found = []
    for index, content in opened:
        entry, output = places[index]
        note = _remake(key.owner, key.domain, entry, output, content.asset, content.value, content.r)
        if note is not None:
            found.append(FoundNote(entry, output, note, content.reference))
    return found


def open_sent(
    esk: bytes, receivers: Iterable[Address], domain: int, entry: Entry, output: int
) -> tuple[Address, FoundNote | None] | None:
    """The receiver of an output whose ciphertext was made with `esk`, if it is one of `receivers`.

    The note is None when its value is 0.
    """
    ciphertext = entry.ciphertexts[output]
    if len(ciphertext) != CIPHERTEXT_BYTES:
        return None
    for receiver in receivers:
        content = note_open_sent(esk, receiver.key, ciphertext)
        if content is None:
            continue
        if not content.value:
            return receiver, None
        note = _remake(receiver.owner, domain, entry, output, content.asset, content.value, content.r)
        if note is not None:
            return receiver, FoundNote(entry, output, note, content.reference)
    return None


def scan(keys: ViewingKeys, entries: Sequence[Entry]) -> list[StoredNote]:
    """The notes that these entries bring to the holder of `keys`, in order, ready to be spent."""
    return [_stored(keys, found) for found in find(incoming_of(keys), entries)]


def _remake(
    owner: Field, domain: int, entry: Entry, output: int, asset: int, value: int, r: int
) -> Note | None:
    if value == 0:
        return None
    if entry.kind == Kind.DEPOSIT:
        own_rho = deposit_rho(domain, entry.queue_index or 0)
    else:
        own_rho = rho(entry.nullifiers[0], output)
    try:
        note = Note(owner, asset, value, Field(r), own_rho)
    except ProtocolError:
        return None
    return note if note.commitment == entry.commitments[output] else None


def _stored(keys: ViewingKeys, found: FoundNote) -> StoredNote:
    note, entry = found.note, found.entry
    return StoredNote(
        commitment=note.commitment,
        nullifier=note.nullifier(keys.nullifier_key),
        asset=note.asset,
        value=note.value,
        r=note.r,
        rho=note.rho,
        source=entry.id,
        output=found.output,
        reference=found.reference.hex(),
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
        for ciphertext in ciphertexts:
            self.secret_of(ciphertext)

    def secret_of(self, ciphertext: bytes) -> bytes | None:
        """The ephemeral secret of an own deposit's ciphertext, seen now or since this object was made."""
        self._fill()
        number = self._ahead.get(ciphertext[:32])
        if number is None:
            return None
        self.counter = max(self.counter, number + 1)
        return deposit_esk(self._outgoing, number)

    def _fill(self) -> None:
        while self._known < self.counter + DEPOSIT_WINDOW:
            self._ahead[x25519_public(deposit_esk(self._outgoing, self._known))] = self._known
            self._known += 1

"""Note ciphertexts (docs/spec/03-notes-accounts.md, Ciphertext)."""

from dataclasses import dataclass
from typing import Final

from sotto.crypto._encoding import WORD, bounded_int, fixed_bytes
from sotto.crypto._library import fetch, invoke
from sotto.crypto.errors import MalformedInput

KEY_SIZE: Final = 32
CIPHERTEXT_SIZE: Final = 93
REFERENCE_SIZE: Final = 20

_VALUE_SIZE: Final = 15
_ASSET_SIZE: Final = 8
_CONTENT_SIZE: Final = _VALUE_SIZE + _ASSET_SIZE + REFERENCE_SIZE
_OPENED_SIZE: Final = _CONTENT_SIZE + WORD
_INDEX_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """Content of a ciphertext. The commitment must be recomputed from it and compared with the tree's.

    Attributes
    ----------
    value
        Amount in the asset's smallest unit, below 2^120.
    asset
        Asset number, below 2^64.
    reference
        The sender's 20 bytes, zero when unused.
    r
        Randomness of the note's partial commitment, a field element.
    """

    value: int
    asset: int
    reference: bytes
    r: int


def x25519_public(secret: bytes) -> bytes:
    """Return the X25519 public key of a 32-byte secret (RFC 7748), or raise `MalformedInput`."""
    out = bytearray(KEY_SIZE)
    invoke("sotto_x25519_public", fixed_bytes("secret", secret, KEY_SIZE), out)
    return bytes(out)


def note_encrypt(
    esk: bytes, recipient_key: bytes, value: int, asset: int, reference: bytes = bytes(REFERENCE_SIZE)
) -> tuple[bytes, int]:
    """Make the ciphertext of a note.

    Parameters
    ----------
    esk
        Ephemeral secret, 32 bytes, to be used for this one note only.
    recipient_key
        X25519 key of the recipient's address, 32 bytes.
    value, asset
        Below 2^120 and 2^64.
    reference
        20 bytes of the sender's choice.

    Returns
    -------
    tuple[bytes, int]
        The ciphertext of 93 bytes, and r, the randomness that the note's partial commitment must have.

    Raises
    ------
    MalformedInput
        An argument has a wrong size or range.
    InvalidPoint
        The recipient's key has low order: nothing sent to it would be secret.
    """
    content = (
        bounded_int("value", value, 8 * _VALUE_SIZE).to_bytes(_VALUE_SIZE, "big")
        + bounded_int("asset", asset, 8 * _ASSET_SIZE).to_bytes(_ASSET_SIZE, "big")
        + fixed_bytes("reference", reference, REFERENCE_SIZE)
    )
    out = bytearray(CIPHERTEXT_SIZE + WORD)
    invoke(
        "sotto_note_encrypt",
        fixed_bytes("ephemeral secret", esk, KEY_SIZE),
        fixed_bytes("recipient key", recipient_key, KEY_SIZE),
        content,
        out,
    )
    return bytes(out[:CIPHERTEXT_SIZE]), int.from_bytes(out[CIPHERTEXT_SIZE:], "big")


def note_open(secret: bytes, ciphertext: bytes) -> OpenedNote | None:
    """Open a ciphertext with the incoming viewing key; None when it is not for this key, whatever the reason.

    Raises
    ------
    MalformedInput
        The secret is not 32 bytes or the ciphertext not 93.
    """
    out = bytearray(_OPENED_SIZE)
    mine = invoke(
        "sotto_note_open",
        fixed_bytes("secret", secret, KEY_SIZE),
        fixed_bytes("ciphertext", ciphertext, CIPHERTEXT_SIZE),
        out,
    )
    return _parse(out) if mine else None


def note_open_sent(esk: bytes, recipient_key: bytes, ciphertext: bytes) -> OpenedNote | None:
    """Open a ciphertext with the ephemeral secret that made it; None when it was made otherwise.

    Raises
    ------
    MalformedInput
        A key is not 32 bytes or the ciphertext not 93.
    """
    out = bytearray(_OPENED_SIZE)
    mine = invoke(
        "sotto_note_open_sent",
        fixed_bytes("ephemeral secret", esk, KEY_SIZE),
        fixed_bytes("recipient key", recipient_key, KEY_SIZE),
        fixed_bytes("ciphertext", ciphertext, CIPHERTEXT_SIZE),
        out,
    )
    return _parse(out) if mine else None


def note_scan(secret: bytes, ciphertexts: bytes, threads: int = 0) -> list[tuple[int, OpenedNote]]:
    """Open all ciphertexts of a list that are for this viewing key.

    Parameters
    ----------
    secret
        Incoming viewing key, 32 bytes.
    ciphertexts
        Ciphertexts of 93 bytes one after another.
    threads
        Native threads to use, at most 1024 and never more than cores; 0 takes all cores.

    Returns
    -------
    list[tuple[int, OpenedNote]]
        Index in the list and content, in order.

    Raises
    ------
    MalformedInput
        The secret is not 32 bytes, the list is torn, or `threads` is out of range.
    """
    if not isinstance(ciphertexts, bytes):
        raise MalformedInput("ciphertexts are not bytes")
    bounded_int("threads", threads, 32)
    records = fetch("sotto_note_scan", fixed_bytes("secret", secret, KEY_SIZE), ciphertexts, threads)
    size = _INDEX_SIZE + _OPENED_SIZE
    return [
        (int.from_bytes(records[at : at + _INDEX_SIZE], "big"), _parse(records[at + _INDEX_SIZE : at + size]))
        for at in range(0, len(records), size)
    ]


def _parse(record: bytes | bytearray) -> OpenedNote:
    asset_at = _VALUE_SIZE
    reference_at = asset_at + _ASSET_SIZE
    return OpenedNote(
        value=int.from_bytes(record[:asset_at], "big"),
        asset=int.from_bytes(record[asset_at:reference_at], "big"),
        reference=bytes(record[reference_at:_CONTENT_SIZE]),
        r=int.from_bytes(record[_CONTENT_SIZE:], "big"),
    )

"""Memos: the attachment of a transaction, 512 bytes that its receiver and its sender can read (spec 03)."""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sotto.protocol.ciphertext import exchange, public_key
from sotto.protocol.errors import AttachmentSizeWrong, MemoNotForKey, MemoTooLong, SharedSecretIsZero
from sotto.protocol.field import MODULUS, Field, decode_field, encode_field
from sotto.protocol.keys import hkdf

ATTACHMENT_BYTES: Final = 512
MEMO_BYTES: Final = 381

_INFO: Final = b"sotto/memo/v1"
_NONCE: Final = bytes(12)  # each key encrypts one message
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32
_LENGTH_BYTES: Final = 2
_RECEIVER_BOX: Final = _LENGTH_BYTES + MEMO_BYTES + _TAG_BYTES
_OUTPUTS: Final = 3


@dataclass(frozen=True, slots=True)
class SentMemo:
    """What the sender reads: the memo, and for whom it was.

    Attributes:
        output: place of the receiver's note, 0..2.
        owner, key: the receiver's address.
    """

    memo: bytes
    output: int
    owner: Field
    key: bytes


def sender_key(outgoing: bytes, first_nullifier: Field) -> bytes:
    """The key of the sender's part, for the transaction that begins with a nullifier."""
    return hkdf(outgoing, b"sotto/v1", b"memo" + encode_field(first_nullifier), _KEY_BYTES)


def seal_memo(memo: bytes, esk: bytes, output: int, owner: Field, recipient: bytes, own_key: bytes) -> bytes:
    """The attachment with a memo for one output.

    `esk` is the ephemeral secret of that output's ciphertext, `recipient` the X25519 key of its address, and
    `own_key` 32 bytes that encrypt nothing else: `sender_key`, or random ones when a transaction before began
    with the same nullifier. Raises MemoTooLong, SharedSecretIsZero.
    """
    if len(memo) > MEMO_BYTES:
        raise MemoTooLong(f"{len(memo)} bytes, at most {MEMO_BYTES} are possible")
    key = _receiver_key(exchange(esk, recipient), public_key(esk), recipient)
    plain = len(memo).to_bytes(_LENGTH_BYTES) + memo.ljust(MEMO_BYTES, b"\0")
    own = bytes([output]) + encode_field(owner) + recipient + key
    return _encrypt(key, plain) + _encrypt(own_key, own)


def open_memo(secret: bytes, epk: bytes, attachment: bytes) -> bytes:
    """Open a memo with the incoming viewing key. `epk` begins the ciphertext of the note that it is with.

    Raises AttachmentSizeWrong, MemoNotForKey.
    """
    _check_size(attachment)
    try:
        key = _receiver_key(exchange(secret, epk), epk, public_key(secret))
    except SharedSecretIsZero as error:
        raise MemoNotForKey("the ephemeral key has a small order") from error
    return _open(key, attachment)


def open_made_memo(esk: bytes, recipient: bytes, attachment: bytes) -> bytes:
    """Open a memo with the ephemeral secret that made it. Raises AttachmentSizeWrong, MemoNotForKey."""
    _check_size(attachment)
    try:
        key = _receiver_key(exchange(esk, recipient), public_key(esk), recipient)
    except SharedSecretIsZero as error:
        raise MemoNotForKey("the recipient's key has a small order") from error
    return _open(key, attachment)


def open_sent_memo(own_key: bytes, attachment: bytes) -> SentMemo:
    """Open a memo with the sender's key. Raises AttachmentSizeWrong, MemoNotForKey."""
    _check_size(attachment)
    own = _decrypt(own_key, attachment[_RECEIVER_BOX:])
    output, owner, recipient, key = own[0], own[1:33], own[33:65], own[65:]
    if output >= _OUTPUTS or int.from_bytes(owner) >= MODULUS:
        raise MemoNotForKey("the sender's part names no output or no owner")
    return SentMemo(_open(key, attachment), output, decode_field(owner), recipient)


def _receiver_key(shared: bytes, epk: bytes, recipient: bytes) -> bytes:
    return hkdf(shared, epk + recipient, _INFO, _KEY_BYTES)


def _open(key: bytes, attachment: bytes) -> bytes:
    plain = _decrypt(key, attachment[:_RECEIVER_BOX])
    end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES])
    if end > len(plain) or any(plain[end:]):
        raise MemoNotForKey("the padding is not as it must be")
    return plain[_LENGTH_BYTES:end]


def _encrypt(key: bytes, plain: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(_NONCE, plain, None)


def _decrypt(key: bytes, box: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, box, None)
    except InvalidTag as error:
        raise MemoNotForKey("the box does not open") from error


def _check_size(attachment: bytes) -> None:
    if len(attachment) != ATTACHMENT_BYTES:
        raise AttachmentSizeWrong(f"an attachment has {ATTACHMENT_BYTES} bytes, not {len(attachment)}")

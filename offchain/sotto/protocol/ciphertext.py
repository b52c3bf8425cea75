"""Ciphertexts of notes: 93 bytes, three byte words (spec 03)."""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sotto.protocol.errors import CiphertextNotForKey, SharedSecretIsZero, WordLengthWrong
from sotto.protocol.field import Field, check_bits, reduce

CIPHERTEXT_BYTES: Final = 93
REFERENCE_BYTES: Final = 20
NO_REFERENCE: Final = bytes(REFERENCE_BYTES)

_INFO: Final = b"sotto/note/v1"
_NONCE: Final = bytes(12)  # each key encrypts one message
_KEY_BYTES: Final = 32
_TAG_BYTES: Final = 2
_VALUE_BYTES: Final = 15
_ASSET_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class NotePlaintext:
    """What a ciphertext tells its receiver."""

    value: int
    asset: int
    reference: bytes
    """20 bytes of the sender's choice, zero when unused."""
    r: Field
    """Randomness of the note, from the shared secret."""


def _okm(shared: bytes, epk: bytes, recipient: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=epk + recipient, info=_INFO).derive(shared)


def exchange(secret: bytes, public: bytes) -> bytes:
    """The X25519 shared secret, 32 bytes. Raises SharedSecretIsZero."""
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise SharedSecretIsZero("X25519 of a key of small order") from error


def public_key(secret: bytes) -> bytes:
    """X25519 public key of a 32-byte secret."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def note_randomness(esk: bytes, recipient: bytes) -> Field:
    """r of the note that `encrypt` describes: known before value and asset. Raises SharedSecretIsZero."""
    return reduce(_okm(exchange(esk, recipient), public_key(esk), recipient, 128)[64:])


def encrypt(
    esk: bytes, recipient: bytes, value: int, asset: int, reference: bytes = NO_REFERENCE
) -> tuple[bytes, Field]:
    """The ciphertext of a note, and the note's r.

    `esk` is a 32-byte ephemeral secret never used before, `recipient` an X25519 public key, `value` has 120
    bits, `asset` 64 bits, `reference` 20 bytes. Raises SharedSecretIsZero, IntegerOutOfRange,
    WordLengthWrong.
    """
    if len(reference) != REFERENCE_BYTES:
        raise WordLengthWrong(f"a reference has {REFERENCE_BYTES} bytes, not {len(reference)}")
    value = check_bits(value, 8 * _VALUE_BYTES)
    asset = check_bits(asset, 8 * _ASSET_BYTES)
    epk = public_key(esk)
    okm = _okm(exchange(esk, recipient), epk, recipient, 128)
    plain = value.to_bytes(_VALUE_BYTES) + asset.to_bytes(_ASSET_BYTES) + reference
    box = ChaCha20Poly1305(okm[32:64]).encrypt(_NONCE, plain, None)
    return epk + okm[:_TAG_BYTES] + box, reduce(okm[64:])


def decrypt(secret: bytes, ciphertext: bytes) -> NotePlaintext:
    """Open a ciphertext with an incoming viewing key.

    The receiver must still compare the commitment with the one in the tree. Raises WordLengthWrong,
    SharedSecretIsZero, CiphertextNotForKey.
    """
    _check_length(ciphertext)
    recipient = public_key(secret)
    epk = ciphertext[:_KEY_BYTES]
    return _open(ciphertext, exchange(secret, epk), epk, recipient)


def decrypt_as_sender(esk: bytes, recipient: bytes, ciphertext: bytes) -> NotePlaintext:
    """Open a ciphertext with the ephemeral secret that the sender derives again. Raises as `decrypt`."""
    _check_length(ciphertext)
    epk = public_key(esk)
    if ciphertext[:_KEY_BYTES] != epk:
        raise CiphertextNotForKey("another ephemeral key")
    return _open(ciphertext, exchange(esk, recipient), epk, recipient)


def _check_length(ciphertext: bytes) -> None:
    if len(ciphertext) != CIPHERTEXT_BYTES:
        raise WordLengthWrong(f"a ciphertext has {CIPHERTEXT_BYTES} bytes, not {len(ciphertext)}")


def _open(ciphertext: bytes, shared: bytes, epk: bytes, recipient: bytes) -> NotePlaintext:
    tag = ciphertext[_KEY_BYTES : _KEY_BYTES + _TAG_BYTES]
    # The first block of the expansion decides nearly all ciphertexts of others.
    if _okm(shared, epk, recipient, _TAG_BYTES) != tag:
        raise CiphertextNotForKey("another view tag")
    okm = _okm(shared, epk, recipient, 128)
    try:
        plain = ChaCha20Poly1305(okm[32:64]).decrypt(_NONCE, ciphertext[_KEY_BYTES + _TAG_BYTES :], None)
    except InvalidTag as error:
        raise CiphertextNotForKey("the box does not open") from error
    asset_end = _VALUE_BYTES + _ASSET_BYTES
    return NotePlaintext(
        int.from_bytes(plain[:_VALUE_BYTES]),
        int.from_bytes(plain[_VALUE_BYTES:asset_end]),
        plain[asset_end:],
        reduce(okm[64:]),
    )

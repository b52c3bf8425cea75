"""The side file: the wallet's state, encrypted under a key from the seed.

Losing it loses no funds: notes are found again from the seed and public data. Each writing uses a key of its
own, from 32 random bytes in the file, so that no nonce is ever used twice.
"""

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from pydantic import ValidationError

from sotto.protocol.keys import hkdf
from sotto.wallet.errors import CorruptState, UnsupportedVersion
from sotto.wallet.files import write_atomically
from sotto.wallet.state import WalletState

_MAGIC: Final = b"sottostate"
_VERSION: Final = 1
_SALT_BYTES: Final = 32
_NONCE: Final = bytes(12)
_PADDING: Final = 4096
"""The size of the file tells roughly how many notes there are: let it tell less."""


class StateFile:
    """Reads and writes the state of one wallet. `seed` is the wallet's seed, `domain` its deployment."""

    def __init__(self, path: Path, seed: bytes, domain: int) -> None:
        self.path = path
        self._key = hkdf(seed, b"sotto/v1", b"wallet-state" + domain.to_bytes(32), 32)

    def load(self) -> WalletState:
        """The stored state, an empty one without file. Raises CorruptState, UnsupportedVersion."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return WalletState()
        except OSError as error:
            raise CorruptState(f"{self.path}: {error.strerror}") from error
        head, salt, box = data[:11], data[11 : 11 + _SALT_BYTES], data[11 + _SALT_BYTES :]
        if len(head) != 11 or head[:10] != _MAGIC or len(salt) != _SALT_BYTES:
            raise CorruptState(f"{self.path} is no state file")
        if head[10] > _VERSION:
            raise UnsupportedVersion(f"{self.path} has version {head[10]}, this release reads {_VERSION}")
        try:
            plain = self._cipher(salt).decrypt(_NONCE, box, head + salt)
            return WalletState.model_validate_json(plain.rstrip(b" "))
        except (InvalidTag, ValidationError) as error:
            raise CorruptState(f"{self.path} is damaged or of another wallet") from error

    def save(self, state: WalletState) -> None:
        """Replace the stored state."""
        plain = state.model_dump_json().encode()
        plain += b" " * (-len(plain) % _PADDING)
        head, salt = _MAGIC + bytes([_VERSION]), os.urandom(_SALT_BYTES)
        write_atomically(self.path, head + salt + self._cipher(salt).encrypt(_NONCE, plain, head + salt))

    def _cipher(self, salt: bytes) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(hkdf(self._key, salt, b"state-file", 32))

"""The wallet file: a seed, or viewing keys only, under a password.

JSON with scrypt parameters and one ChaCha20-Poly1305 box; everything outside the box is its associated data.
A 16-byte check value beside the key tells a wrong password from a damaged file, which the box's tag alone
could not.
"""

import json
import os
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sotto.protocol.errors import ViewingKeyInvalid
from sotto.protocol.l1 import compute_domain
from sotto.protocol.viewing import ViewingKey, decode_viewing_key, encode_viewing_key
from sotto.wallet.errors import (
    CorruptWallet,
    UnsupportedVersion,
    ViewOnlyWallet,
    WalletExists,
    WalletNotFound,
    WrongPassword,
)
from sotto.wallet.files import create_exclusively, write_atomically

FORMAT: Final = "sotto-wallet"
VERSION: Final = 1
DEFAULT_WORK: Final = 17
"""log2 of scrypt's cost: 128 MiB and about half a second."""

_WORK_RANGE: Final = range(14, 22)
_BLOCK_SIZE: Final = 8
_KEY_BYTES: Final = 32
_CHECK_BYTES: Final = 16
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_MAX_FILE_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Secret:
    """What the wallet file protects.

    Attributes:
        seed: 64 bytes of a phrase, or 32 of an L1 signature (spec 03).
        phrase: the words, to show them again; empty for a seed from a signature.
        chain_id: chain of L1.
        rollup: L1 address of the rollup, 20 bytes: the deployment that this wallet belongs to.
        signing_keys: seeds of account keys besides the first one, in the order in which they were made. No
            seed phrase brings them back.
        birthday: no proven epoch up to this one has notes of the wallet; 0 is genesis.
    """

    seed: bytes = field(repr=False)
    phrase: str = field(repr=False)
    chain_id: int
    rollup: bytes
    signing_keys: tuple[bytes, ...] = field(default=(), repr=False)
    birthday: int = 0

    @property
    def domain(self) -> int:
        """The deployment's domain (spec 06)."""
        return compute_domain(self.chain_id, self.rollup)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a view-only wallet file protects: nothing that spends.

    Attributes:
        key: of the deployment that `chain_id` and `rollup` name.
        receivers: addresses whose payments an outgoing viewing key is to read.
        birthday: as in Secret.
    """

    key: ViewingKey
    chain_id: int
    rollup: bytes
    receivers: tuple[str, ...] = ()
    birthday: int = 0

    @property
    def domain(self) -> int:
        """The deployment's domain (spec 06)."""
        return self.key.domain


Content = Secret | Watched


def create(path: Path, secret: Content, password: str, work: int = DEFAULT_WORK) -> None:
    """Write a new wallet file. Raises WalletExists; never overwrites."""
    data = _seal(secret, password, work)
    try:
        create_exclusively(path, data)
    except FileExistsError as error:
        raise WalletExists(f"{path} exists") from error


def change_password(path: Path, old: str, new: str, work: int = DEFAULT_WORK) -> None:
    """Encrypt the content under another password. Raises as `read_content`."""
    write_atomically(path, _seal(read_content(path, old), new, work))


def add_signing_key(path: Path, password: str, key_seed: bytes, work: int = DEFAULT_WORK) -> None:
    """Keep one more account key; the disk has it when this returns. Raises as `read`."""
    secret = read(path, password)
    if key_seed not in secret.signing_keys:
        kept = replace(secret, signing_keys=(*secret.signing_keys, key_seed))
        write_atomically(path, _seal(kept, password, work))


def read(path: Path, password: str) -> Secret:
    """Open a wallet file that holds a seed. Raises ViewOnlyWallet and as `read_content`."""
    content = read_content(path, password)
    if isinstance(content, Watched):
        raise ViewOnlyWallet(f"{path} holds viewing keys only")
    return content


def read_content(path: Path, password: str) -> Content:
    """Open a wallet file of either kind.

    Raises WalletNotFound, WrongPassword, CorruptWallet, UnsupportedVersion.
    """
    return _parse(_decrypt(path, password))


def _decrypt(path: Path, password: str) -> bytes:
    header = _header(path)
    kdf = _mapping(header, "kdf")
    salt, nonce = _bytes(kdf, "salt", _SALT_BYTES), _bytes(header, "nonce", _NONCE_BYTES)
    check, box = _bytes(header, "check", _CHECK_BYTES), _bytes(header, "box", None)
    work = kdf.get("work")
    if kdf.get("name") != "scrypt" or type(work) is not int or work not in _WORK_RANGE:
        raise CorruptWallet("unknown key derivation")
    key, expected = _derive(password, salt, work)
    if not compare_digest(check, expected):
        raise WrongPassword("the password does not fit")
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, box, _associated(header))
    except InvalidTag as error:
        raise CorruptWallet("the encrypted part was changed") from error


def _seal(secret: Content, password: str, work: int) -> bytes:
    if work not in _WORK_RANGE:
        raise ValueError(f"work {work} is not in {_WORK_RANGE}")
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    key, check = _derive(password, salt, work)
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "kdf": {"name": "scrypt", "work": work, "salt": salt.hex()},
        "check": check.hex(),
        "nonce": nonce.hex(),
    }
    plain = json.dumps(_members(secret)).encode()
    header["box"] = ChaCha20Poly1305(key).encrypt(nonce, plain, _associated(header)).hex()
    return json.dumps(header, indent=1).encode() + b"\n"


def _members(content: Content) -> dict[str, object]:
    common: dict[str, object] = {
        "chain_id": content.chain_id,
        "rollup": content.rollup.hex(),
        "birthday": content.birthday,
    }
    if isinstance(content, Watched):
        return {
            "viewing_key": encode_viewing_key(content.key),
            "receivers": list(content.receivers),
            **common,
        }
    return {
        "seed": content.seed.hex(),
        "phrase": content.phrase,
        "signing_keys": [seed.hex() for seed in content.signing_keys],
        **common,
    }


def _derive(password: str, salt: bytes, work: int) -> tuple[bytes, bytes]:
    out = Scrypt(salt=salt, length=_KEY_BYTES + _CHECK_BYTES, n=1 << work, r=_BLOCK_SIZE, p=1).derive(
        password.encode()
    )
    return out[:_KEY_BYTES], out[_KEY_BYTES:]


def _associated(header: dict[str, Any]) -> bytes:
    outside = {key: value for key, value in header.items() if key != "box"}
    return json.dumps(outside, sort_keys=True, separators=(",", ":")).encode()


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise WalletNotFound(f"there is no wallet at {path}") from error
    except OSError as error:
        raise CorruptWallet(f"{path}: {error.strerror}") from error
    try:
        header = json.loads(data)
    except ValueError as error:
        raise CorruptWallet(f"{path} is no wallet file") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CorruptWallet(f"{path} is no wallet file")
    version = header.get("version")
    if type(version) is not int or version < VERSION:
        raise CorruptWallet(f"{path} has no version")
    if version > VERSION:
        raise UnsupportedVersion(f"{path} has version {version}, this release reads {VERSION}")
    return header


def _parse(plain: bytes) -> Content:
    try:
        content = json.loads(plain)
        chain_id, rollup = int(content["chain_id"]), bytes.fromhex(content["rollup"])
        birthday = int(content.get("birthday", 0))
        if "viewing_key" in content:
            key = decode_viewing_key(content["viewing_key"])
            receivers = tuple(str(address) for address in content["receivers"])
            return Watched(key, chain_id, rollup, receivers, birthday)
        return Secret(
            bytes.fromhex(content["seed"]),
            str(content["phrase"]),
            chain_id,
            rollup,
            tuple(bytes.fromhex(seed) for seed in content.get("signing_keys", [])),
            birthday,
        )
    except (ValueError, KeyError, TypeError, ViewingKeyInvalid) as error:
        raise CorruptWallet("the content of the wallet file is malformed") from error


def _mapping(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if not isinstance(value, dict):
        raise CorruptWallet(f"{key} is missing")
    return value


def _bytes(data: dict[str, Any], key: str, length: int | None) -> bytes:
    value = data.get(key)
    try:
        decoded = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        decoded = b""
    if not decoded or (length is not None and len(decoded) != length):
        raise CorruptWallet(f"{key} is malformed")
    return decoded

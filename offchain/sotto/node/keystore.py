"""The operator's key in an encrypted file: Ethereum's keystore, version 3, which other tools read, too.

https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage
"""

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address, to_checksum_address

from sotto.node.errors import KeystoreExists, KeystoreInvalid, PasswordWrong

SHORTEST_PASSWORD: Final = 8

_KDF: Final = "scrypt"
_WORK: Final = 2**18
"""The cost that other clients use: about a second and 256 MiB for each guess."""


def write(path: Path, account: LocalAccount, password: str, work: int = _WORK) -> None:
    """Encrypt a key into a new file that only its owner can read.

    Raises KeystoreExists (a key that holds money is never replaced), KeystoreInvalid.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise KeystoreInvalid(f"the password needs at least {SHORTEST_PASSWORD} characters")
    encrypted = Account.encrypt(bytes(account.key), password, kdf=_KDF, iterations=work)
    text = json.dumps({**encrypted, "address": account.address[2:].lower()}, indent=2) + "\n"
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a renaming, fails if the name is taken: two writers cannot lose a key.
        os.link(partial, path)
    except FileExistsError as error:
        raise KeystoreExists(f"{path} exists") from error
    except OSError as error:
        raise KeystoreInvalid(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def read(path: Path, password: str) -> LocalAccount:
    """Decrypt a key. Raises PasswordWrong, KeystoreInvalid."""
    content = _content(path)
    try:
        key = Account.decrypt(content, password)
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise PasswordWrong(f"the password does not open {path}") from None
        raise KeystoreInvalid(f"{path} is no keystore of version 3") from None
    except (KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise KeystoreInvalid(f"{path} is no keystore of version 3") from error
    account: LocalAccount = Account.from_key(key)
    if address(path) != account.address:
        raise KeystoreInvalid(f"{path} names another address than that of its key")
    return account


def address(path: Path) -> str:
    """The address that a file says it has the key of; no password is needed. Raises KeystoreInvalid."""
    named = _content(path).get("address")
    prefixed = "0x" + named.removeprefix("0x") if isinstance(named, str) else ""
    if not is_address(prefixed):
        raise KeystoreInvalid(f"{path} does not name its address")
    return to_checksum_address(prefixed)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise KeystoreInvalid(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeystoreInvalid(f"{path} is not JSON") from error
    if not isinstance(content, dict):
        raise KeystoreInvalid(f"{path} is no keystore of version 3")
    return cast(dict[str, Any], content)

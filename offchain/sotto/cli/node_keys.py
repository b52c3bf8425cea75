"""`sotto node keys`: the operator's key in an encrypted file."""

import os
from pathlib import Path

import click
from eth_account import Account
from eth_account.signers.local import LocalAccount

from sotto.cli.options import json_option, read_secret
from sotto.cli.output import Output
from sotto.node import keystore
from sotto.node.errors import KeystoreExists

PASSWORD_VARIABLE = "SOTTO_PROPOSER_PASSWORD"  # noqa: S105 - a name

_keystore_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File with the keystore's password; else {PASSWORD_VARIABLE}, else a prompt.",
)


@click.group()
def keys() -> None:
    """The key that pays L1 and gets the fees, in an encrypted keystore (version 3)."""


@keys.command()
@_keystore_argument
@_password_option
@json_option
def new(file: Path, password_file: Path | None, output: Output) -> None:
    """Make a key and write it to FILE. Back FILE and password up: nobody can recover them."""
    _store(file, Account.create(), password_file, output)


@keys.command("import")
@_keystore_argument
@_password_option
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the 0x hex private key; else a prompt. Delete it afterwards.",
)
@json_option
def import_key(file: Path, password_file: Path | None, key_file: Path | None, output: Output) -> None:
    """Encrypt a private key into FILE."""
    key = read_secret(key_file, "Private key (0x and 64 hex digits)")
    try:
        account: LocalAccount = Account.from_key(key.strip())
    except ValueError:
        # The library's message may repeat the key.
        raise click.UsageError("the key is not 0x and 64 hex digits") from None
    _store(file, account, password_file, output)


@keys.command()
@_keystore_argument
@click.option("--check", is_flag=True, help="Decrypt it, too, to see that the password opens it.")
@_password_option
@json_option
def show(file: Path, check: bool, password_file: Path | None, output: Output) -> None:
    """Show whose key FILE holds. The key itself is never printed."""
    address = keystore.address(file)
    if check:
        keystore.read(file, _password(password_file))
    output.result({"file": str(file), "address": address, "checked": check}, [address])


def _store(file: Path, account: LocalAccount, password_file: Path | None, output: Output) -> None:
    if file.exists():
        raise KeystoreExists(f"{file} exists")
    keystore.write(file, account, _password(password_file, confirm=True))
    lines = [f"{account.address}: its key is in {file}"]
    output.result({"file": str(file), "address": account.address}, lines)


def _password(file: Path | None, confirm: bool = False) -> str:
    if file is not None:
        return file.read_text().rstrip("\r\n")
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    return str(
        click.prompt("Password of the keystore", hide_input=True, confirmation_prompt=confirm, err=True)
    )

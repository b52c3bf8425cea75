"""`sotto wallet account`: the keys that sign for a wallet."""

from collections.abc import Sequence
from pathlib import Path

import click

from sotto.cli.options import (
    Access,
    access_options,
    fee_asset_option,
    json_option,
    max_fee_option,
    password_option,
    read_password,
    read_secret,
    wallet_option,
)
from sotto.cli.output import Output
from sotto.cli.session import action_line, opened_wallet, read_amount
from sotto.cli.views import action_data
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field, field_from_json, field_to_json
from sotto.wallet import SyncWallet, keyfile
from sotto.wallet.account import Account, SigningKey, make_signing_key, signing_key_from_words
from sotto.wallet.errors import KeyUnknown

wait_option = click.option("--wait", is_flag=True, help="Return when the change is proven on L1.")


@click.group()
def account() -> None:
    """Signing keys of the account: register a random one, rotate, revoke.

    A new account is signed for by its first key, which follows from the seed. When the seed comes from a
    signature of an L1 wallet, whoever obtains the same signature has that key: register a random key and
    revoke the first one. From then on the key's own words are needed to move the notes.
    """


@account.command()
@access_options
@click.option("--offline", is_flag=True, help="Show what the last sync saw, without asking the node.")
@json_option
def show(offline: bool, output: Output, access: Access) -> None:
    """Show which keys may sign."""
    with opened_wallet(output, access) as opened:
        if not offline:
            opened.sync()
        found = opened.account
    data = {
        "id": field_to_json(found.id),
        "registered": found.registered,
        "changing": found.changing,
        "keys": [
            {"hash": field_to_json(key.hash), "first": key.first, "held": key.held} for key in found.keys
        ],
    }
    rows = [
        [
            field_to_json(key.hash),
            "first, from the seed" if key.first else "registered",
            "here" if key.held else "elsewhere",
        ]
        for key in found.keys
    ]
    output.table(data, ["key", "kind", "held"], rows, "registered keys of which this wallet knows nothing")
    if found.changing:
        output.note("a change of the keys is on its way")


@account.command("new-key")
@wallet_option
@password_option
@json_option
def new_key(path: Path, password_file: Path | None, output: Output) -> None:
    """Make a random key in the wallet file, without a node. `register KEY` makes it sign.

    For a signer on a machine of its own: its key never leaves it.
    """
    made = make_signing_key()
    keyfile.add_signing_key(path, read_password(password_file), made.seed)
    output.result(_key_data(made), _key_lines(made))


@account.command("import")
@wallet_option
@password_option
@click.option(
    "--words-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the key's words; else a prompt.",
)
@json_option
def import_key(path: Path, password_file: Path | None, words_file: Path | None, output: Output) -> None:
    """Bring a signing key back from its 24 words."""
    key = signing_key_from_words(read_secret(words_file, "Words of the key"))
    keyfile.add_signing_key(path, read_password(password_file), key.seed)
    output.result({"key": field_to_json(key.hash)}, [f"key  {field_to_json(key.hash)}"])


@account.command()
@access_options
@click.argument("key", required=False)
@fee_asset_option
@max_fee_option
@wait_option
@json_option
def register(
    key: str | None, fee_asset: str, max_fee: str | None, wait: bool, output: Output, access: Access
) -> None:
    """Let one more key sign: a new random one, or the one with the hash KEY."""
    with opened_wallet(output, access) as opened:
        opened.sync()
        given = None if key is None else _parse_hash(key)
        made = opened.add_signing_key(read_password(access.password_file)) if given is None else None
        added = given if made is None else made.hash
        assert added is not None, "a key is given or made"
        hashes = [*(known.hash for known in opened.account.keys), added]
        _change(opened, hashes, made, fee_asset, max_fee, wait, output)


@account.command()
@access_options
@click.argument("key", required=False)
@fee_asset_option
@max_fee_option
@wait_option
@json_option
def rotate(
    key: str | None, fee_asset: str, max_fee: str | None, wait: bool, output: Output, access: Access
) -> None:
    """Put a new random key in the place of KEY (`first`, or the beginning of its hash).

    Without KEY all keys of this wallet are replaced by the new one; keys held elsewhere stay.
    """
    with opened_wallet(output, access) as opened:
        opened.sync()
        found = opened.account
        gone = [known.hash for known in found.keys if known.held] if key is None else [_find(found, key)]
        made = opened.add_signing_key(read_password(access.password_file))
        hashes = [*(known.hash for known in found.keys if known.hash not in gone), made.hash]
        _change(opened, hashes, made, fee_asset, max_fee, wait, output)


@account.command()
@access_options
@click.argument("key")
@fee_asset_option
@max_fee_option
@wait_option
@json_option
def revoke(key: str, fee_asset: str, max_fee: str | None, wait: bool, output: Output, access: Access) -> None:
    """Take KEY (`first`, or the beginning of its hash) from the account.

    It can spend for 300 L1 blocks more, until the last state from before cannot be used.
    """
    with opened_wallet(output, access) as opened:
        opened.sync()
        found = opened.account
        gone = _find(found, key)
        hashes = [known.hash for known in found.keys if known.hash != gone]
        _change(opened, hashes, None, fee_asset, max_fee, wait, output)


def _change(
    opened: SyncWallet,
    hashes: Sequence[Field],
    made: SigningKey | None,
    fee_asset: str,
    max_fee: str | None,
    wait: bool,
    output: Output,
) -> None:
    limit = None if max_fee is None else read_amount(opened, max_fee, fee_asset)[1]
    if made is not None and not output.as_json:
        # Before anything is sent: from now on the account may depend on these words.
        for line in _key_lines(made):
            output.note(line)
    action = opened.change_keys(hashes, fee_asset=fee_asset, max_fee=limit)
    action = opened.wait(action.number) if wait else action
    assets = opened.assets()
    data = action_data(action, assets) | {"keys": [field_to_json(h) for h in sorted(set(hashes))]}
    if made is not None:
        data |= {"new_key": _key_data(made)}
    output.result(data, [action_line(action, assets)])


def _find(found: Account, text: str) -> Field:
    matching = [
        key.hash
        for key in found.keys
        if (key.first if text == "first" else len(text) > 4 and field_to_json(key.hash).startswith(text))
    ]
    if len(matching) != 1:
        raise KeyUnknown(f"{len(matching)} keys of the account fit {text[:70]!r}")
    return matching[0]


def _parse_hash(text: str) -> Field:
    try:
        return field_from_json(text)
    except ProtocolError as error:
        raise KeyUnknown("a key goes by its hash, 0x and 64 hex digits") from error


def _key_data(key: SigningKey) -> dict[str, object]:
    return {"key": field_to_json(key.hash), "words": key.words}


def _key_lines(key: SigningKey) -> list[str]:
    return [
        f"new key  {field_to_json(key.hash)}",
        "Write its words down: the seed phrase does not bring it back. They are not shown again:",
        key.words,
    ]

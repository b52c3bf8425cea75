"""Commands from the outside: help, JSON, exit codes, and what is printed of others' text."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.unit.cli.conftest import Run, document
from tests.unit.wallet.recorded import ETHER, PASSWORD, RecordedNode

import sotto
from sotto.cli import cli, codes
from sotto.cli.codes import code_of
from sotto.cli.output import escape
from sotto.wallet import errors

NOWHERE = "http://127.0.0.1:1"
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The path of every command."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_every_command_has_help(run: Run, path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == codes.OK
    assert "Usage: sotto" in result.stdout
    assert len(result.stdout.splitlines()) > 4


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_every_command_can_speak_json(run: Run, path: tuple[str, ...]) -> None:
    group: click.Command = cli
    for name in path:
        assert isinstance(group, click.Group)
        command = group.get_command(click.Context(group), name)
        assert command is not None
        group = command
    # What runs until it is stopped has no result.
    if isinstance(group, click.Group) or path in (("node", "run"), ("signer",)):
        return
    assert "--json" in run(*path, "--help").stdout


def test_no_secret_is_an_argument(run: Run) -> None:
    for path in commands(cli):
        text = run(*path, "--help").stdout
        assert not {"--password ", "--phrase ", "--l1-key ", "--proposer-key "} & set(text.split("\n"))
        for secret in ("--password TEXT", "--phrase TEXT", "--l1-key TEXT", "--proposer-key TEXT"):
            assert secret not in text


def test_version(run: Run) -> None:
    assert document(run("version", "--json")) == {"version": sotto.__version__}


def test_module_runs() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "sotto.cli", "version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"sotto {sotto.__version__}\n"


def test_new_wallet_and_its_address(run: Run, tmp_path: Path, node_url: str) -> None:
    path = str(tmp_path / "deep" / "wallet.json")
    made = run("wallet", "new", "--wallet", path, "--node", node_url, "--json")
    assert made.exit_code == codes.OK, made.output
    data = document(made)
    assert set(data) == {"wallet", "address", "chain_id", "rollup", "birthday", "phrase"}
    assert len(data["phrase"].split()) == 24
    shown = document(run("wallet", "address", "--wallet", path, "--json"))
    assert shown == {"address": data["address"]}
    again = run("wallet", "new", "--wallet", path, "--node", node_url)
    assert again.exit_code == codes.WALLET_FILE
    assert "WalletExists" in again.stderr


def test_restored_wallet_has_the_same_address(run: Run, tmp_path: Path, node_url: str) -> None:
    words = tmp_path / "words"
    words.write_text(WORDS.upper() + "\n")
    shown = []
    for name in ("a", "b"):
        options = (
            "--wallet",
            str(tmp_path / name),
            "--node",
            node_url,
            "--phrase-file",
            str(words),
            "--json",
        )
        shown.append(document(run("wallet", "restore", *options))["address"])
    assert shown[0] == shown[1]
    words.write_text(WORDS + " extra")
    refused = run(
        "wallet", "restore", "--wallet", str(tmp_path / "c"), "--node", node_url, "--phrase-file", str(words)
    )
    assert refused.exit_code == codes.INPUT


def test_wallet_from_an_l1_key(run: Run, tmp_path: Path, node_url: str) -> None:
    key = tmp_path / "key"
    key.write_text("0x" + "11" * 32)
    options = ("--node", node_url, "--from-l1", "--l1-key-file", str(key), "--json")
    one, two = (
        document(run("wallet", "new", "--wallet", str(tmp_path / name), *options)) for name in ("a", "b")
    )
    assert one["address"] == two["address"]
    assert one["phrase"] == ""


def test_passwords(run: Run, wallet: Path, tmp_path: Path) -> None:
    asked = run("wallet", "address", "--wallet", str(wallet), password=None, input=PASSWORD + "\n")
    assert asked.exit_code == codes.OK
    assert PASSWORD not in asked.output
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    options = ("--wallet", str(wallet), "--password-file", str(file))
    assert run("wallet", "address", *options, password="other").exit_code == codes.OK
    wrong = run("wallet", "address", "--wallet", str(wallet), "--json", password="other")
    assert wrong.exit_code == codes.WALLET_FILE
    assert document(wrong)["error"]["code"] == "WrongPassword"


def test_payment_from_the_command_line(run: Run, wallet: Path, node: RecordedNode, node_url: str) -> None:
    options = ("--wallet", str(wallet), "--node", node_url, "--json")
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 2 * ETHER)
    node.close()

    balance = document(run("wallet", "balance", *options))
    assert balance["balances"][0]["available"] == {
        "asset": 1,
        "symbol": "ETH",
        "amount": "2",
        "smallest_units": str(2 * ETHER),
    }
    refused = run("wallet", "send", *options, "5", "ETH", address)
    assert refused.exit_code == codes.INPUT
    assert document(refused)["error"]["code"] == "InsufficientFunds"
    for amount, code in (("1.2.3", "AmountMalformed"), ("0", "AmountNotPositive")):
        assert document(run("wallet", "send", *options, amount, "ETH", address))["error"]["code"] == code

    synced = document(run("wallet", "sync", *options))
    assert synced == {"epoch": 1, "new_epochs": 0, "checked_on_l1": False}
    history = document(run("wallet", "history", *options))
    assert [line["kind"] for line in history] == ["deposit"]
    offline = document(
        run("wallet", "history", "--wallet", str(wallet), "--node", NOWHERE, "--offline", "--json")
    )
    assert [line["id"] for line in offline] == [line["id"] for line in history]
    plain = run("wallet", "balance", "--wallet", str(wallet), "--node", node_url)
    assert "2 ETH" in plain.stdout


def test_errors_have_exit_codes(run: Run, wallet: Path, tmp_path: Path, node_url: str) -> None:
    here = ("--wallet", str(wallet))
    missing = ("--wallet", str(tmp_path / "none"))
    cases = [
        (codes.USAGE, ("wallet", "send")),
        (codes.USAGE, ("nonsense",)),
        (codes.WALLET_FILE, ("wallet", "balance", *missing)),
        (codes.NODE, ("wallet", "balance", *here, "--node", NOWHERE)),
        (codes.NODE, ("node", "status", "--node", NOWHERE)),
        (codes.L1, ("wallet", "deposit", *here, "--node", node_url, "1", "ETH")),
        (codes.SETUP, ("node", "config")),
    ]
    for expected, arguments in cases:
        result = run(*arguments)
        assert result.exit_code == expected, (arguments, result.output)
        if expected != codes.USAGE:
            assert result.stderr.startswith("error: ")
            assert "Traceback" not in result.stderr


def test_l1_key_is_never_repeated(run: Run, wallet: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0x1234secret")
    result = run("wallet", "sync", "--wallet", str(wallet), "--l1-key-file", str(key))
    assert result.exit_code == codes.USAGE
    assert "1234" not in result.output


def test_node_status(run: Run, node_url: str) -> None:
    data = document(run("node", "status", "--node", node_url, "--json"))
    assert (data["chain_id"], data["proven"], data["lanes"]) == (31337, 0, [4, 16])


def test_every_wallet_error_has_code_and_hint() -> None:
    def classes(base: type[errors.WalletError]) -> Iterator[type[errors.WalletError]]:
        for child in base.__subclasses__():
            yield child
            yield from classes(child)

    for found in classes(errors.WalletError):
        assert found.hint
        assert found.__doc__
        assert code_of(found.__new__(found)) != codes.UNEXPECTED


def test_text_of_others_cannot_move_the_cursor() -> None:
    assert escape("a\x1b[2Jb\r\n\u202e\x07c") == "a\\x1b[2Jb\\r\\n\\u202e\\x07c"


def test_hostile_text_is_shown_escaped(run: Run, node: RecordedNode, node_url: str) -> None:
    node.tamper = lambda _path, answer: {**answer, "version": "\x1b[31mred"}
    result = run("node", "status", "--node", node_url)
    assert "\x1b" not in result.output
    assert "\\x1b[31mred" in result.stdout

"""Viewing keys, birthdays, progress and hostile texts on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Run, document
from tests.unit.wallet.recorded import ETHER, TOKEN, RecordedNode

from sotto.cli import codes
from sotto.cli.output import SLOW_SECONDS, Output, ProgressLines
from sotto.wallet.viewing import ViewingKind

ESCAPES = "\x1b[2J\x1b]0;title\x07\r\n\u202eabc\x00\x9b31m"
L1_RECIPIENT = "0x" + "ab" * 20


def watched(run: Run, wallet: Path, node_url: str, folder: Path, kind: str) -> tuple[str, ...]:
    """Options of a view-only wallet of the kind."""
    shown = run("wallet", "view-key", "--wallet", str(wallet), kind, "--json")
    assert "spends nothing" in shown.stderr
    key, path = folder / f"{kind}.key", folder / f"{kind}.json"
    key.write_text(document(shown)["viewing_key"] + "\n")
    options = ("--wallet", str(path), "--node", node_url, "--json")
    made = document(run("wallet", "watch", *options, "--key-file", str(key)))
    assert made["kind"] == kind
    assert made["address"] == document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    return options


def test_each_kind_shows_its_part(
    run: Run, wallet: Path, node: RecordedNode, node_url: str, tmp_path: Path
) -> None:
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 2 * ETHER)
    node.close()
    full = watched(run, wallet, node_url, tmp_path, "full")
    assert document(run("wallet", "balance", *full))["balances"][0]["available"]["amount"] == "2"
    incoming = watched(run, wallet, node_url, tmp_path, "incoming")
    shown = run("wallet", "balance", *incoming)
    assert document(shown)["received"][0]["amount"] == "2"
    assert "cannot tell what is spent" in shown.stderr
    assert [line["kind"] for line in document(run("wallet", "history", *incoming))] == ["deposit"]
    outgoing = watched(run, wallet, node_url, tmp_path, "outgoing")
    assert document(run("wallet", "history", *outgoing)) == []
    assert document(run("wallet", "balance", *outgoing))["error"]["code"] == "ViewOnlyWallet"


@pytest.mark.parametrize("kind", ViewingKind)
def test_no_view_only_wallet_spends(
    run: Run, wallet: Path, node: RecordedNode, node_url: str, tmp_path: Path, kind: ViewingKind
) -> None:
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 2 * ETHER)
    node.close()
    options = watched(run, wallet, node_url, tmp_path, kind)
    for command in (
        ("send", "1", "ETH", address),
        ("withdraw", "1", "ETH", L1_RECIPIENT),
        ("deposit", "1", "ETH"),
    ):
        refused = run("wallet", command[0], *options, *command[1:])
        assert refused.exit_code == codes.WALLET_FILE
        assert document(refused)["error"]["code"] == "ViewOnlyWallet"
    for other in set(ViewingKind) - {kind}:
        shown = run("wallet", "view-key", *options[:2], other, "--json")
        assert (shown.exit_code == codes.OK) == (kind == ViewingKind.FULL)


def test_wrong_viewing_key_is_refused_without_a_trace(
    run: Run, wallet: Path, node_url: str, tmp_path: Path
) -> None:
    shown = document(run("wallet", "view-key", "--wallet", str(wallet), "full", "--json"))["viewing_key"]
    key, path = tmp_path / "key", tmp_path / "new.json"
    key.write_text(shown[:-1] + ("q" if shown[-1] != "q" else "p"))
    refused = run("wallet", "watch", "--wallet", str(path), "--node", node_url, "--key-file", str(key))
    assert refused.exit_code == codes.WALLET_FILE
    assert "ViewingKeyRejected" in refused.stderr
    assert shown[:40] not in refused.output
    assert not path.exists()


def test_birthday_of_new_and_restored_wallets(
    run: Run, node: RecordedNode, node_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "new.json"
    made = document(run("wallet", "new", "--wallet", str(path), "--node", node_url, "--json"))
    assert made["birthday"] == 0
    node.deposit(made["address"], 5)
    node.close()
    node.deposit(made["address"], 6)
    node.close()
    words = tmp_path / "words"
    words.write_text(made["phrase"])
    for birthday, seen in ((0, "11"), (1, "6"), (3, "11")):
        again = ("--wallet", str(tmp_path / f"again{birthday}.json"), "--node", node_url, "--json")
        run("wallet", "restore", *again, "--phrase-file", str(words), "--birthday", str(birthday))
        balances = document(run("wallet", "balance", *again))["balances"]
        assert balances[0]["available"]["smallest_units"] == seen
        document(run("wallet", "sync", *again, "--rescan"))
        balances = document(run("wallet", "balance", *again))["balances"]
        assert balances[0]["available"]["smallest_units"] == "11"


def test_slow_work_tells_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    lines = ProgressLines(as_json=False, clock=lambda: now)
    machine = ProgressLines(as_json=True, clock=lambda: now)
    for share in (0.0, 0.1, 0.2):
        lines.report("reading epochs", share)
        now += SLOW_SECONDS / 2
    lines.report("reading\x1b[2J epochs", 0.25)
    machine.report("reading epochs", 0.25)
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "reading epochs: 20% after 2 s, about 8 s left"
    assert json.loads(shown[-1]) == {
        "progress": {"phase": "reading epochs", "share": 0.25, "elapsed_s": 3.0, "remaining_s": 9.0}
    }
    assert not any("\x1b" in line for line in shown)


def test_quick_work_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(as_json=True).progress() as report:
        report("reading epochs", 0.5)
        report("reading epochs", 1.0)
    assert capsys.readouterr().err == ""


def hostile_assets(path: str, answer: Any) -> Any:
    """A symbol that would clear the screen."""
    if path == "/v1/assets":
        return [answer[0], {**answer[1], "symbol": ESCAPES[:16]}]
    return answer


def hostile_error(path: str, answer: Any) -> Any:
    """A node that gives a reason with escape sequences."""
    return {"error": ESCAPES} if path == "/v1/status" else answer


def test_nothing_that_others_wrote_reaches_the_terminal_raw(
    run: Run, wallet: Path, node: RecordedNode, node_url: str
) -> None:
    options = ("--wallet", str(wallet), "--node", node_url)
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 2 * ETHER)
    node.deposit(address, 3, TOKEN)
    node.close()
    for tamper in (hostile_assets, hostile_error):
        node.tamper = tamper
        for command in ("balance", "history", "sync"):
            for form in ((), ("--json",)):
                result = run("wallet", command, *options, *form)
                shown = result.stdout + result.stderr
                assert all(character.isprintable() or character == "\n" for character in shown)

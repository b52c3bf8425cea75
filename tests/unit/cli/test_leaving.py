"""`sotto exit` before it asks L1 anything: what is missing is said at once."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from sotto.cli.root import cli
from sotto.wallet import create_wallet

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
ROLLUP = "0x" + "11" * 20
# Nobody listens there: what gets this far ends with L1Unavailable.
NOWHERE = "http://127.0.0.1:9"
KEY = "0x" + "01" * 32


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOTTO_L1_KEY", "SOTTO_WALLET", "SOTTO_ROLLUP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOTTO_HOME", str(tmp_path))
    monkeypatch.setenv("SOTTO_L1", NOWHERE)
    (tmp_path / "words").write_text(WORDS)


def run(*arguments: str, key: bool = True) -> Result:
    environment = {"SOTTO_L1_KEY": KEY} if key else {}
    return CliRunner().invoke(cli, ["exit", *arguments], env=environment)


def words(tmp_path: Path) -> list[str]:
    return ["--phrase-file", str(tmp_path / "words")]


@pytest.mark.parametrize(
    ("arguments", "key", "said"),
    [
        (["--rollup", ROLLUP], False, "L1 key that pays"),
        (["--rollup", ROLLUP, "--executor", ROLLUP], True, "--executor and --out"),
        (["--rollup", ROLLUP, "--out", "x"], True, "--executor and --out"),
        (["--rollup", ROLLUP, "--executor", ROLLUP, "--out", "x"], False, "--to"),
        ([], True, "address of the rollup"),
        (["--rollup", ROLLUP, "--executor-fee", "101"], True, "executor-fee"),
    ],
)
def test_usage(tmp_path: Path, arguments: list[str], key: bool, said: str) -> None:
    result = run(*words(tmp_path), *arguments, key=key)
    assert result.exit_code == 2
    assert said in result.output


def test_input_is_refused(tmp_path: Path) -> None:
    assert run(*words(tmp_path), "--rollup", "0x12").exit_code == 3
    (tmp_path / "words").write_text("no words")
    result = run(*words(tmp_path), "--rollup", ROLLUP)
    assert result.exit_code == 3
    assert "PhraseRejected" in result.output


def test_all_that_is_needed_reaches_l1(tmp_path: Path) -> None:
    for arguments, key in (
        (["--rollup", ROLLUP], True),
        (["--rollup", ROLLUP, "--show"], False),
        (["--rollup", ROLLUP, "--to", Account.from_key(KEY).address], True),
    ):
        result = run(*words(tmp_path), *arguments, key=key)
        assert result.exit_code == 6, result.output
        assert "L1Unavailable" in result.output


def test_wallet_file_names_its_rollup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTO_WALLET_PASSWORD", "secret")
    path = tmp_path / "own.json"
    create_wallet(path, "secret", 31337, bytes.fromhex(ROLLUP[2:]), phrase=WORDS, work=14)
    assert run("--wallet", str(path)).exit_code == 6
    result = run("--wallet", str(path), "--rollup", "0x" + "22" * 20)
    assert result.exit_code == 5
    assert "WrongDeployment" in result.output

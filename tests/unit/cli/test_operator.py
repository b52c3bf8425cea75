"""Commands of an operator: settings and keys."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from eth_account import Account

from sotto.cli import codes
from sotto.node import keystore

Run = Callable[..., Result]
KEY = "0x" + "42" * 32


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    original = keystore.write
    monkeypatch.setattr(keystore, "write", lambda *arguments: original(*arguments, work=2**10))
    monkeypatch.delenv("SOTTO_PROPOSER_PASSWORD", raising=False)


def test_config_tells_where_each_value_came_from(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "node.toml"
    file.write_text('deployment = "d.json"\nproposer_key = "0x1234"\n')
    monkeypatch.setenv("TELEMETRY_PORT", "9100")
    shown = json.loads(run("node", "config", "--config", str(file), "--port", "9", "--json").stdout)
    assert shown["deployment"] == {"value": "d.json", "origin": f"file {file}"}
    assert shown["port"] == {"value": 9, "origin": "command line"}
    assert shown["telemetry_port"] == {"value": 9100, "origin": "environment TELEMETRY_PORT"}
    assert shown["host"]["origin"] == "default"
    sources = ("--beacon", "http://b", "--beacon", "http://c", "--archive-file", "a,b")
    given = json.loads(run("node", "config", "--config", str(file), *sources, "--json").stdout)
    assert given["beacon"] == {"value": ["http://b", "http://c"], "origin": "command line"}
    assert given["archive_file"]["value"] == ["a,b"]
    assert given["blob_node"] == {"value": [], "origin": "default"}
    plain = run("node", "config", "--config", str(file))
    assert "1234" not in json.dumps(shown) + plain.output
    wrong = run("node", "config", "--config", str(file), "--port", "x", "--gas-margin", "9")
    assert wrong.exit_code == codes.SETUP
    assert "port" in wrong.stderr
    assert "gas_margin" in wrong.stderr


def test_keys_are_made_imported_and_shown(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password, key = tmp_path / "password", tmp_path / "key"
    password.write_text("correct horse\n")
    key.write_text(KEY)
    options = ("--password-file", str(password), "--json")
    made, imported = tmp_path / "made.json", tmp_path / "imported.json"
    address = json.loads(run("node", "keys", "new", str(made), *options).stdout)["address"]
    assert keystore.read(made, "correct horse").address == address
    result = run("node", "keys", "import", str(imported), "--key-file", str(key), *options)
    assert json.loads(result.stdout)["address"] == Account.from_key(KEY).address
    assert KEY[2:] not in result.output

    again = run("node", "keys", "new", str(made), *options)
    assert again.exit_code == codes.SETUP
    assert json.loads(again.stdout)["error"]["code"] == "KeystoreExists"
    assert keystore.read(made, "correct horse").address == address

    assert run("node", "keys", "show", str(imported)).stdout.strip() == Account.from_key(KEY).address
    assert json.loads(run("node", "keys", "show", str(imported), "--check", *options).stdout)["checked"]
    monkeypatch.setenv("SOTTO_PROPOSER_PASSWORD", "wrong password")
    assert "PasswordWrong" in run("node", "keys", "show", str(imported), "--check").stderr


def test_a_malformed_key_is_not_repeated(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("0x1234secret")
    result = run("node", "keys", "import", str(tmp_path / "k.json"), "--key-file", str(key))
    assert result.exit_code == codes.USAGE
    assert "1234" not in result.output


def test_doctor_ends_with_a_code_of_its_own_when_something_fails(run: Run, tmp_path: Path) -> None:
    options = ("--deployment", str(tmp_path / "none.json"), "--database", f"sqlite:///{tmp_path / 'n.db'}")
    failed = run("doctor", *options, "--port", "0", "--json")
    assert failed.exit_code == codes.SETUP
    found = {entry["check"]: entry for entry in json.loads(failed.stdout)}
    assert found["python"]["level"] == "ok"
    assert found["deployment"]["level"] == "fail"
    assert found["deployment"]["advice"]
    assert "fail" in run("doctor", *options, "--port", "0").stdout

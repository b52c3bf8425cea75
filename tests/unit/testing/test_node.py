"""The node of a sandbox gets its own settings, whatever the environment says; the plugin loads nothing."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sotto.node.config import load_config
from sotto.testing import SandboxError, open_sandbox
from sotto.testing.chain import funded_account
from sotto.testing.node import LocalNode, _environment
from sotto.testing.sandbox import MAX_USERS


def node(folder: Path, **settings: object) -> LocalNode:
    return LocalNode(
        folder, "http://127.0.0.1:1", folder / "d.json", funded_account(1), {1: 7, 2: 8}, **settings
    )


def test_settings_are_those_of_a_node(tmp_path: Path) -> None:
    made = node(tmp_path, epoch_wait=5.0, log_level="debug")
    config = load_config(tmp_path / "node.toml")
    assert (config.epoch_wait, config.log_level, config.fees) == (5.0, "debug", {1: 7, 2: 8})
    assert made.url == f"http://127.0.0.1:{config.port}"
    assert config.account() == funded_account(1)
    assert (tmp_path / "proposer.key").stat().st_mode & 0o077 == 0
    assert tomllib.loads((tmp_path / "node.toml").read_text())["l1_url"] == "http://127.0.0.1:1"


def test_settings_of_the_developer_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("SOTTO_PROPOSER_KEY", "0x" + "11" * 32)
    monkeypatch.setenv("SOTTO_CACHE", "/somewhere")
    environment = _environment()
    assert "DATABASE_URL" not in environment
    assert {name for name in environment if name.startswith("SOTTO_")} == {"SOTTO_CACHE"}


def test_node_that_was_not_started_says_so(tmp_path: Path) -> None:
    made = node(tmp_path)
    made.stop()
    for call in (made.check, made.kill, made.wait_until_ready):
        with pytest.raises(SandboxError, match="not started"):
            call()


def test_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    with node(tmp_path) as made, pytest.raises(SandboxError, match=r"node ended with code \d+: .*node\.log"):
        made.start()


@pytest.mark.parametrize("users", [0, -1, MAX_USERS + 1])
def test_number_of_users_is_bounded(users: int) -> None:
    with pytest.raises(SandboxError, match="users"), open_sandbox(users):
        pass


@pytest.mark.parametrize("lanes", [(), (5,), (4, 64)])
def test_sizes_of_epochs_are_those_that_have_circuits(lanes: tuple[int, ...]) -> None:
    with pytest.raises(SandboxError, match="lanes"), open_sandbox(lanes=lanes):
        pass


def test_plugin_loads_nothing_before_a_test_asks_for_a_sandbox() -> None:
    program = "import sys, sotto.pytest_plugin; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "sotto.pytest_plugin" in loaded
    assert not {"sotto.wallet", "sotto.testing", "web3"} & set(loaded)

"""The options that name sources of blobs, which several commands share."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sotto.cli.options import blob_options
from sotto.cli.root import cli
from sotto.l1.blob_settings import BlobSettings

NAMES = ("SOTTO_BEACON", "SOTTO_BLOB_NODE", "SOTTO_ARCHIVE_FILE")
# Nobody listens there: what gets this far ends with L1Unavailable.
NOWHERE = "http://127.0.0.1:9"
ROLLUP = "0x" + "11" * 20


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOTTO_HOME", str(tmp_path))


def parse(*arguments: str, **environment: str) -> BlobSettings:
    found: list[BlobSettings] = []

    @click.command()
    @blob_options
    def command(blobs: BlobSettings) -> None:
        found.append(blobs)

    result = CliRunner().invoke(command, arguments, env=environment)
    assert result.exit_code == 0, result.output
    return found[0]


def test_every_option_can_be_repeated() -> None:
    assert parse() == BlobSettings()
    given = (
        "--beacon",
        "http://b",
        "--blob-node",
        "https://n/",
        "--archive-file",
        "a",
        "--beacon",
        "http://c",
    )
    assert parse(*given) == BlobSettings(("http://b", "http://c"), ("https://n/",), (Path("a"),))


def test_the_environment_has_several_with_commas_and_arguments_go_before_it() -> None:
    environment = dict(zip(NAMES, ("http://b, http://c", "http://n", "a b,/c:d"), strict=True))
    assert parse(**environment) == BlobSettings(
        ("http://b", "http://c"), ("http://n",), (Path("a b"), Path("/c:d"))
    )
    assert parse("--beacon", "http://d", **environment).beacons == ("http://d",)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--rpc-url", NOWHERE, "--rollup", ROLLUP])


@pytest.mark.parametrize(
    "command",
    [
        ("exit", "--show", "--phrase-file", "words"),
        ("node", "archive", "export", "file"),
        ("prover", "--permissionless", "--once", "--l1-key-file", "key"),
        ("process-overdue", "--l1-key-file", "key"),
        ("node", "--follow"),
    ],
)
def test_an_address_that_is_none_is_said_at_once(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("key").write_text("0x" + "01" * 32)
    Path("words").write_text("legal winner thank year wave sausage worth useful legal winner thank yellow")
    for option in ("--beacon", "--blob-node"):
        result = run(*command, option, "secret:8600")
        assert result.exit_code == 2
        assert f"'{option}': is not http://host" in result.output
        assert "secret" not in result.output
    result = run(*command, "--beacon", "http://b", "--blob-node", "http://n", "--archive-file", "a")
    assert result.exit_code == 6, result.output
    assert "L1Unavailable" in result.output

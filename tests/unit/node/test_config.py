"""Settings: which source wins, and that keys never leak."""

from pathlib import Path

import pytest
from eth_account import Account

from sotto.node.config import load_config
from sotto.node.errors import ConfigInvalid, FeesMissing

KEY = "0x" + "42" * 32


def test_flags_before_environment_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "node.toml"
    file.write_text(
        'deployment = "file.json"\nport = 1\nepoch_wait = 3.5\nconfirmations = 7\n[fees]\n1 = 10\n'
    )
    monkeypatch.setenv("SOTTO_PORT", "2")
    monkeypatch.setenv("SOTTO_EPOCH_WAIT", "4.5")
    config = load_config(file, epoch_wait=5.5, host=None)
    assert (config.confirmations, config.port, config.epoch_wait) == (7, 2, 5.5)
    assert config.fees == {1: 10}
    assert config.host == "127.0.0.1"


def test_names_all_mistakes_without_repeating_values(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(f'deployment = "x"\nport = 70000\nproposer_kee = "{KEY}"\n')
    with pytest.raises(ConfigInvalid) as error:
        load_config(file)
    assert "port" in str(error.value)
    assert "proposer_kee" in str(error.value)
    assert KEY not in str(error.value)


@pytest.mark.parametrize("text", ["port = ", None])
def test_says_why_a_file_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "node.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigInvalid):
        load_config(file)


def test_the_key_comes_from_one_place_and_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    direct = load_config(deployment="x", proposer_key=KEY)
    stored = load_config(deployment="x", proposer_key_file=file)
    assert direct.account().address == stored.account().address == Account.from_key(KEY).address
    assert KEY not in repr(direct)
    for wrong in (
        load_config(deployment="x"),
        load_config(deployment="x", proposer_key=KEY, proposer_key_file=file),
        load_config(deployment="x", proposer_key="0x1234"),
        load_config(deployment="x", proposer_key_file=tmp_path / "absent"),
    ):
        with pytest.raises(ConfigInvalid) as error:
            wrong.account()
        assert "1234" not in str(error.value)


def test_free_transactions_must_be_meant_where_others_are() -> None:
    free = load_config(deployment="x")
    for local in (1337, 31337):
        free.check_fees(local)
    for public in (1, 11155111):
        with pytest.raises(FeesMissing):
            free.check_fees(public)
        load_config(deployment="x", fees={1: 10}).check_fees(public)
        load_config(deployment="x", allow_free=True).check_fees(public)

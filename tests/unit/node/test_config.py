"""Settings: which source wins, and that keys never leak."""

import json
import stat
import threading
from pathlib import Path

import pytest
from eth_account import Account

from sotto.l1.blob_settings import BlobSettings
from sotto.node import keystore
from sotto.node.config import load_config
from sotto.node.errors import (
    ConfigInvalid,
    FeesMissing,
    KeystoreExists,
    KeystoreInvalid,
    PasswordWrong,
    PlainKeyRefused,
)

KEY = "0x" + "42" * 32
PASSWORD = "correct horse"
QUICK = 2**10


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "RPC_SERVER_PORT", "TELEMETRY_PORT", "BLOCK_HEIGHT_FILE"):
        monkeypatch.delenv(name, raising=False)


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


def test_plain_names_of_the_environment_come_after_those_of_sotto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://sotto:secret@db/sotto")
    monkeypatch.setenv("RPC_SERVER_PORT", "8601")
    monkeypatch.setenv("TELEMETRY_PORT", "9000")
    monkeypatch.setenv("BLOCK_HEIGHT_FILE", "/run/sotto/height")
    monkeypatch.setenv("SOTTO_TELEMETRY_PORT", "9001")
    monkeypatch.setenv("SOTTO_HOST", "")
    config = load_config(deployment="x")
    assert config.database == "postgresql+psycopg://sotto:secret@db/sotto"
    assert (config.port, config.telemetry_port) == (8601, 9001)
    assert config.block_height_file == Path("/run/sotto/height")
    origins = [config.origin(name) for name in ("port", "telemetry_port", "deployment", "host")]
    assert origins == [
        "environment RPC_SERVER_PORT",
        "environment SOTTO_TELEMETRY_PORT",
        "command line",
        "default",
    ]


def test_shows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(
        deployment="x",
        database="postgresql://sotto:hunter2@db:5432/sotto?sslpassword=hunter3",
        l1_url="https://user:hunter4@l1.example/v3/hunter5?key=hunter6",
        proposer_keystore="k.json",
        proposer_password="hunter7",
        proposer_key="hunter8",
    )
    text = json.dumps(config.shown())
    assert "hunter" not in text
    assert "hunter" not in repr(config).replace(config.database, "").replace(config.l1_url, "")
    assert "l1.example" in text
    assert "db:5432/sotto" in text
    plain = load_config(deployment="x").shown()
    assert (plain["database"], plain["l1_url"]) == ("sqlite:///sotto.db", "http://127.0.0.1:8545")


@pytest.mark.parametrize(
    ("text", "fees"),
    [('{"1": 10, "2": 20}', {1: 10, 2: 20}), ("1=10, 2=20", {1: 10, 2: 20}), ("", {})],
)
def test_fees_from_the_environment(text: str, fees: dict[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTO_FEES", text)
    assert load_config(deployment="x").fees == fees


def test_sources_of_blobs_from_file_environment_and_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_config(deployment="x").blobs() == BlobSettings()
    file = tmp_path / "node.toml"
    file.write_text('deployment = "x"\nbeacon = ["http://a", "http://b"]\narchive_file = ["old", "/all"]\n')
    monkeypatch.setenv("SOTTO_BLOB_NODE", "http://user:hunter2@c:1/, https://d/hunter3")
    config = load_config(file, beacon=("http://e",))
    nodes = ("http://user:hunter2@c:1/", "https://d/hunter3")
    assert config.blobs() == BlobSettings(("http://e",), nodes, (Path("old"), Path("/all")))
    assert config.origin("beacon") == "command line"
    assert load_config(file).beacon == ("http://a", "http://b")
    shown = config.shown()
    assert shown["blob_node"] == ["http://user:********@c:1/", "https://d/********"]
    assert shown["archive_file"] == ["old", "/all"]


@pytest.mark.parametrize(
    ("named", "settings"),
    [
        ("fees", {"fees": "nonsense"}),
        ("fees", {"fees": dict.fromkeys(range(1, 10), 1)}),
        ("fee_recipient", {"fee_recipient": "0x12"}),
        ("telemetry_port", {"port": 5, "telemetry_port": 5}),
        ("beacon.1: is not http://host", {"beacon": ["http://b", "secret:8600"]}),
        ("blob_node.0: is not http://host", {"blob_node": "node"}),
        ("proposer_password_file", {"proposer_password_file": "p"}),
        ("prover_scheduler", {"prover_scheduler": "tcp://10.0.0.7:8786"}),
        ("prover_scheduler", {"prover_scheduler": "tls://10.0.0.7:8786", "prover_tls_ca": "ca"}),
        ("prover_scheduler", {"prover_scheduler": "10.0.0.7:8786"}),
        ("prover_scheduler", {"prover_tls_key": "key"}),
        ("epoch_wait", {"epoch_wait": "inf"}),
    ],
)
def test_names_what_does_not_fit_together(named: str, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid) as error:
        load_config(deployment="x", gas_margin=9, **settings)
    assert f"{named}" in str(error.value)
    assert "gas_margin" in str(error.value)
    assert "(command line)" in str(error.value)


def test_a_keystore_opens_with_its_password_alone(tmp_path: Path) -> None:
    path, password = tmp_path / "keys" / "k.json", tmp_path / "password"
    keystore.write(path, Account.from_key(KEY), PASSWORD, QUICK)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY[2:] not in path.read_text()
    assert keystore.address(path) == Account.from_key(KEY).address
    password.write_text(PASSWORD + "\n")
    by_file = load_config(deployment="x", proposer_keystore=path, proposer_password_file=password)
    by_value = load_config(deployment="x", proposer_keystore=path, proposer_password=PASSWORD)
    assert by_file.account().key == by_value.account().key == Account.from_key(KEY).key
    with pytest.raises(PasswordWrong):
        load_config(deployment="x", proposer_keystore=path, proposer_password="wrong").account()
    with pytest.raises(ConfigInvalid, match="proposer_password_file"):
        load_config(deployment="x", proposer_keystore=path).account()
    assert list(path.parent.iterdir()) == [path]


def test_a_keystore_is_never_overwritten_also_by_two_writers(tmp_path: Path) -> None:
    path, refused = tmp_path / "k.json", list[Exception]()

    def write() -> None:
        try:
            keystore.write(path, Account.create(), PASSWORD, QUICK)
        except KeystoreExists as error:
            refused.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(refused) == 1
    assert keystore.read(path, PASSWORD).address == keystore.address(path)
    with pytest.raises(KeystoreInvalid, match="8 characters"):
        keystore.write(tmp_path / "other.json", Account.create(), "short", QUICK)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"address": "0x12"}', '{"address": 5}', '{"version": 3}'])
def test_what_is_no_keystore_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "k.json"
    path.write_text(text)
    for use in (lambda: keystore.read(path, PASSWORD), lambda: keystore.address(path)):
        with pytest.raises(KeystoreInvalid):
            use()


def test_a_keystore_that_names_another_address_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    keystore.write(path, Account.from_key(KEY), PASSWORD, QUICK)
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "address": "11" * 20}))
    with pytest.raises(KeystoreInvalid, match="another address"):
        keystore.read(path, PASSWORD)


def test_a_plain_key_must_be_meant_where_it_guards_money(tmp_path: Path) -> None:
    plain = load_config(deployment="x", proposer_key=KEY)
    plain.check_key(31337)
    with pytest.raises(PlainKeyRefused):
        plain.check_key(1)
    load_config(deployment="x", proposer_key=KEY, allow_plain_key=True).check_key(1)
    load_config(deployment="x", proposer_keystore=tmp_path / "k").check_key(1)

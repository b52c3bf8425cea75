"""Each check of the doctor, on what is right and on what is wrong; and the files of an installation."""

import socket
import subprocess
from pathlib import Path

import pytest

from sotto.l1.deployment import Deployment
from sotto.node import doctor
from sotto.node.config import NodeConfig, load_config
from sotto.node.doctor import Doctor, Level
from sotto.node.store import Store

KEY = "0x" + "42" * 32
DEPLOYMENT = Deployment.model_validate(
    {
        "chain_id": 31337,
        "contracts": {name: {"address": "0x" + "11" * 20, "block": 1} for name in ("Rollup", "L1Queue")},
        "assets": [],
    }
)
FILES = Path(__file__).resolve().parents[3] / "deployments" / "node"


def config(tmp_path: Path, **settings: object) -> NodeConfig:
    """Settings of a node that is not there."""
    values = {"deployment": tmp_path / "none.json", "database": f"sqlite:///{tmp_path / 'node.db'}"}
    return NodeConfig(**{**values, **settings})


async def test_all_checks_are_made_and_failures_say_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    file.write_text(DEPLOYMENT.model_dump_json())
    found = [
        f async for f in Doctor(config(tmp_path, deployment=file, l1_url="http://127.0.0.1:1")).findings()
    ]
    levels = {finding.check: finding.level for finding in found}
    assert levels["L1"] is Level.FAIL
    assert levels["deployment"] is levels["database"] is levels["native library"] is Level.OK
    assert levels["keys transfer"] is levels["keys rollup16"] is Level.OK
    assert all(finding.advice for finding in found if finding.level is not Level.OK)
    missing = {f.check: f.level async for f in Doctor(config(tmp_path)).findings()}
    assert missing["deployment"] is Level.FAIL


def test_database_of_this_and_of_another_deployment_and_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    assert doctor.check_database(url, DEPLOYMENT).text == "new: the node makes it"
    assert not (tmp_path / "node.db").exists()
    identity = {"chain_id": "31337", "rollup": DEPLOYMENT.address("Rollup")}
    Store(url, identity).close()
    assert doctor.check_database(url, DEPLOYMENT).level is Level.OK
    other = DEPLOYMENT.model_copy(update={"chain_id": 1})
    assert "chain_id 31337" in doctor.check_database(url, other).text
    assert doctor._schema("database", "0001").level is Level.WARN
    assert doctor._schema("database", "9999").level is Level.FAIL
    (tmp_path / "node.db").write_text("no database at all, but long enough to be looked at" * 100)
    assert doctor.check_database(url, DEPLOYMENT).level is Level.FAIL
    assert doctor.check_database("postgresql+psycopg://127.0.0.1:1/x", DEPLOYMENT).level is Level.FAIL


@pytest.mark.parametrize(
    ("head", "is_local", "level"),
    [
        (1_000_000, False, Level.OK),
        (1_000_100, False, Level.FAIL),
        (999_000, False, Level.WARN),
        (1, True, Level.OK),
    ],
)
def test_clock_against_l1(head: int, is_local: bool, level: Level) -> None:
    assert doctor.check_clock(head, 1_000_000, is_local).level is level


def test_ports(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert doctor.check_port("port", "127.0.0.1", port).level is Level.WARN
        reachable = config(tmp_path, prover_scheduler=f"tcp://127.0.0.1:{port}")
        assert doctor.check_scheduler(reachable).level is Level.OK
    assert doctor.check_port("port", "127.0.0.1", port).level is Level.OK
    assert doctor.check_scheduler(reachable).level is Level.FAIL


def test_policy_of_chains(tmp_path: Path) -> None:
    free = config(tmp_path, proposer_key=KEY)
    assert doctor.check_policy(free, 31337).level is Level.OK
    assert doctor.check_policy(free, 1).level is Level.FAIL
    guarded = config(tmp_path, fees={1: 1}, proposer_keystore=tmp_path / "k")
    assert doctor.check_policy(guarded, 1).level is Level.WARN
    capped = config(tmp_path, fees={1: 1}, proposer_keystore=tmp_path / "k", max_fee_gwei=5)
    assert doctor.check_policy(capped, 1).level is Level.OK


def test_disk_and_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": doctor.GIB})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert doctor.check_disk(f"sqlite:///{tmp_path / 'new' / 'node.db'}").level is Level.FAIL
    monkeypatch.setenv("SOTTO_CACHE", "/proc/none")
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    assert doctor.check_cache().level is Level.FAIL


def test_the_unit_is_valid_and_hardened(tmp_path: Path) -> None:
    text = (FILES / "sotto-node.service").read_text()
    for line in ("User=sotto", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet="):
        assert line in text.splitlines()
    # The program need not be installed for the unit to be checked.
    unit = tmp_path / "sotto-node.service"
    lines = [
        "ExecStart=/bin/true" if line.startswith("ExecStart=") else line
        for line in text.splitlines()
        if not line.startswith("Documentation=")
    ]
    unit.write_text("\n".join(lines) + "\n")
    try:
        result = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not installed")
    assert "sotto-node.service" not in result.stderr, result.stderr


def test_the_settings_of_an_installation_are_read() -> None:
    settings = load_config(FILES / "node.toml", proposer_password="x" * 8)
    assert settings.telemetry_port == 8601
    assert settings.fees == {1: 10**14}


def test_the_container_runs_as_another_user_without_secrets() -> None:
    lines = (FILES / "Containerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert 'ENTRYPOINT ["sotto"]' in lines
    assert not any("KEY" in line or "PASSWORD" in line for line in lines)

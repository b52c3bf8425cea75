"""A node killed at its worst moments loses nothing and does nothing twice."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.integration.node.conftest import Stage, prove
from tests.support.node import wait_until

pytestmark = pytest.mark.slow


def worker_of(stage: Stage) -> int | None:
    """Process id of the node's prover worker once it has a proof to make."""
    if "epoch built" not in stage.node.log():
        return None
    children = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
        and _parent(entry) == stage.node.process_id
        and b"spawn_main" in _command(entry)
    ]
    return children[0] if children else None


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _command(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def query(stage: Stage, sql: str) -> list[tuple[object, ...]]:
    """Rows of the node's database."""
    with sqlite3.connect(stage.node.folder / "node.db") as connection:
        return connection.execute(sql).fetchall()


def test_killed_while_proving_and_between_signing_and_receipt(stage: Stage) -> None:
    node = stage.node.start()
    queued = [stage.scenario.deposit(stage.scenario.users[0], 10**15) for _ in range(2)]
    for item in queued:
        stage.deposit(item)
    # 1. While the proof is made: the epoch is in the database, its proof is not.
    worker = wait_until(lambda: worker_of(stage))
    node.kill()
    assert query(stage, "SELECT id, status FROM epochs WHERE id > 0") == [(1, "assigned")]
    wait_until(lambda: not Path(f"/proc/{worker}").exists(), 20)
    node.start()
    stage.follow(queued)
    assert stage.l1_status() == (1, 1)

    # 2. Signed and sent, but no block yet: L1 does not mine while the node dies.
    signed = stage.pay()
    stage.chain.request("evm_setAutomine", [False])
    h = node.post([prove(signed)]).json()["ids"][0]
    wait_until(lambda: int(stage.chain.request("txpool_status", [])["pending"], 16) > 0)
    node.kill()
    # 3. The block comes while the node is down.
    stage.chain.mine()
    stage.chain.request("evm_setAutomine", [True])
    assert stage.l1_status() == (2, 2)
    node.start()
    stage.follow([signed])
    assert node.get(f"/v1/transactions/{h}")["status"] == "proven"
    assert stage.l1_status() == (2, 2)
    assert len(query(stage, "SELECT hash FROM submissions WHERE epoch = 2")) == 1

    # 4. A worker that dies in the middle of a proof is replaced, and the proof made.
    third = stage.pay()
    node.post([prove(third)])
    wait_until(lambda: node.log().count("epoch built") >= 3)
    worker = wait_until(lambda: worker_of(stage))
    os.kill(worker, signal.SIGKILL)
    stage.follow([third])
    assert "prover worker died" in node.log()


def test_a_transaction_that_was_answered_survives_a_kill_before_its_epoch(stage: Stage) -> None:
    node = stage.node.start()
    stage.fund(1)
    node.stop()
    node.spawn(epoch_wait=3600)
    wait_until(node.is_ready)
    signed = stage.pay()
    h = node.post([prove(signed)]).json()["ids"][0]
    node.kill()
    node.start()
    assert node.get(f"/v1/transactions/{h}")["status"] in ("received", "soft-final")
    stage.follow([signed])


def test_refuses_to_run_on_a_state_that_l1_does_not_have(stage: Stage) -> None:
    node = stage.node.start()
    stage.fund(1)
    node.stop()
    with sqlite3.connect(node.folder / "node.db") as connection:
        words = bytearray(connection.execute("SELECT words FROM epochs WHERE id = 1").fetchone()[0])
        words[40] ^= 1
        connection.execute("UPDATE epochs SET words = ? WHERE id = 1", (bytes(words),))
    node.spawn()
    assert node.exit_code() != 0
    assert "StateDiverged" in node.log()


def test_an_empty_database_follows_l1_and_goes_on(stage: Stage) -> None:
    node = stage.node.start()
    stage.fund(2)
    first = stage.pay()
    node.post([prove(first)])
    stage.follow([first])
    node.stop()
    for file in node.folder.glob("node.db*"):
        file.unlink()
    node.start()
    assert node.get("/v1/status")["proven"] == 2
    second = stage.pay()
    assert node.post([prove(second)]).status_code == 200
    stage.follow([second])


def test_follows_a_reorganisation_that_takes_its_epoch(stage: Stage) -> None:
    node = stage.node.start()
    stage.fund(2)
    snapshot = stage.chain.request("evm_snapshot", [])
    signed = stage.pay()
    node.post([prove(signed)])
    node.proven(2)
    stage.chain.request("evm_revert", [snapshot])
    stage.chain.mine(2)
    wait_until(lambda: "L1 reorganised" in node.log(), 30)
    stage.follow([signed])
    assert stage.l1_status() == (2, 2)

"""A node killed at its worst moments loses nothing and does nothing twice."""

import os
import signal
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from eth_account import Account
from tests.faults.endpoint import Call, FaultyEndpoint, Hang, Reply, Upstream
from tests.integration.node.conftest import Stage, prove
from tests.support.chain import KEYS, free_port
from tests.support.node import wait_until
from tests.support.proving import children_of
from web3.types import TxParams, Wei

from sotto.l1.sender import Sender

pytestmark = pytest.mark.slow

NOTHING: TxParams = {"to": "0x" + "11" * 20, "data": b"", "value": Wei(0)}  # type: ignore[typeddict-item]


def query(stage: Stage, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Rows of the node's database."""
    with sqlite3.connect(stage.node.folder / "node.db") as connection:
        return connection.execute(sql, values).fetchall()


def status_of(stage: Stage, epoch: int) -> str | None:
    """Status of an epoch in the node's database."""
    found = query(stage, "SELECT status FROM epochs WHERE id = ?", epoch)
    return str(found[0][0]) if found else None


def wait_for_status(stage: Stage, epoch: int, status: str) -> None:
    """Wait until an epoch has a status."""
    wait_until(lambda: status_of(stage, epoch) == status)


@dataclass
class Withheld:
    """An endpoint that takes signed transactions and drops them."""

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        return None if call["method"] == "eth_sendRawTransaction" else await upstream(call)


def test_killed_at_each_stage_it_does_everything_once(stage: Stage) -> None:
    node = stage.node.start()
    queued = [stage.scenario.deposit(stage.scenario.users[0], 10**15) for _ in range(2)]
    stage.deposit(*queued)
    # Assigned: the epoch is in the database, its proof is not.
    wait_for_status(stage, 1, "assigned")
    workers = children_of(node.process_id)
    node.kill()
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert status_of(stage, 1) == "assigned"
    # Pending: as a kill just before leaves it.
    with sqlite3.connect(node.folder / "node.db") as connection:
        connection.execute("UPDATE epochs SET status = 'pending' WHERE id = 1")
    node.start()
    stage.follow(queued)
    assert stage.l1_status() == (1, 1)
    node.stop()

    # Proven, nothing signed: L1 asks for more than the node may pay.
    node.spawn(max_fee_gwei="0.000000001")
    wait_until(node.is_ready)
    signed = stage.pay()
    h = node.post([prove(signed)]).json()["ids"][0]
    wait_until(lambda: "max_fee" in node.log())
    node.kill()
    assert status_of(stage, 2) == "proven"
    assert query(stage, "SELECT * FROM submissions WHERE epoch = 2") == []

    # Committed: signed and stored, but L1 never got it.
    with FaultyEndpoint(stage.chain.url) as endpoint:
        endpoint.disturb(Withheld())
        node.spawn(l1_url=endpoint.url)
        wait_for_status(stage, 2, "committed")
        node.kill()
    assert stage.l1_status() == (1, 1)
    [(signed_hash,)] = query(stage, "SELECT hash FROM submissions WHERE epoch = 2")

    # Committed: L1 has it, but in no block yet.
    stage.chain.request("evm_setAutomine", [False])
    node.start()
    wait_until(lambda: int(stage.chain.request("txpool_status", [])["pending"], 16) > 0)
    node.kill()
    # The block comes while the node is down.
    stage.chain.mine()
    stage.chain.request("evm_setAutomine", [True])
    assert stage.l1_status() == (2, 2)
    node.start()
    stage.follow([signed])

    # Confirmed.
    node.kill()
    node.start()
    assert status_of(stage, 2) == "confirmed"
    assert node.get(f"/v1/transactions/{h}")["status"] == "proven"
    assert stage.l1_status() == (2, 2)
    assert query(stage, "SELECT hash FROM submissions WHERE epoch = 2") == [(signed_hash,)]

    # A worker that dies in the middle of a proof is replaced, and the proof made.
    third = stage.pay()
    workers = wait_until(lambda: children_of(node.process_id))
    node.post([prove(third)])
    wait_for_status(stage, 3, "assigned")
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    stage.follow([third])
    # It was proving, or on a busy machine still loading what it needs.
    assert "prover worker died" in node.log() or "provers do not start" in node.log()
    assert stage.l1_status() == (3, 3)


def test_a_stuck_epoch_is_replaced_and_a_lost_nonce_starts_it_anew(stage: Stage) -> None:
    node = stage.node
    node.spawn(resend_after=0.5)
    wait_until(node.is_ready)
    stage.fund(2)
    stage.chain.request("evm_setAutomine", [False])
    signed = stage.pay()
    node.post([prove(signed)])
    wait_until(lambda: len(query(stage, "SELECT hash FROM submissions WHERE epoch = 2")) >= 3)
    assert len(query(stage, "SELECT DISTINCT nonce FROM submissions WHERE epoch = 2")) == 1
    assert stage.chain.request("txpool_status", [])["pending"] == "0x1"
    stage.chain.mine()
    stage.follow([signed])
    assert stage.l1_status() == (2, 2)
    node.kill()

    # Somebody else uses the account: the nonce of what is signed is gone.
    stage.chain.request("evm_setAutomine", [True])
    with FaultyEndpoint(stage.chain.url) as endpoint:
        endpoint.disturb(Withheld())
        node.spawn(l1_url=endpoint.url, resend_after=3600)
        wait_until(node.is_ready)
        second = stage.pay()
        node.post([prove(second)])
        wait_for_status(stage, 3, "committed")
        stage.run(lambda web3: Sender(web3, Account.from_key(KEYS[1])).send(NOTHING))
        wait_until(lambda: "another transaction took the nonce" in node.log())
        endpoint.heal()
        stage.follow([second])
    assert stage.l1_status() == (3, 3)


def test_ends_in_order_and_tells_others_about_itself(stage: Stage) -> None:
    node, height, port = stage.node, stage.node.folder / "height", free_port()
    node.spawn(block_height_file=height, telemetry_port=port)
    wait_until(node.is_ready)
    telemetry = f"http://127.0.0.1:{port}"
    assert httpx.get(telemetry + "/ready").json() == {"status": "ready"}
    assert httpx.get(telemetry + "/health").status_code == 200
    assert "utxo_coin_count" in httpx.get(telemetry + "/metrics").text
    assert httpx.get(telemetry + "/v1/status").status_code == 404
    stage.fund(1)
    blocks = query(stage, "SELECT max(number) FROM blocks")
    wait_until(lambda: height.read_text() == f"{blocks[0][0]}\n", 20)
    # In the middle of a proof.
    signed = stage.pay()
    node.post([prove(signed)])
    wait_for_status(stage, 2, "assigned")
    workers = children_of(node.process_id)
    assert node.stop() == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert [name.name for name in node.folder.iterdir() if "height" in name.name] == ["height"]

    # Nothing answers while it starts: a signal ends it all the same.
    with FaultyEndpoint(stage.chain.url) as endpoint:
        endpoint.disturb(Hang())
        node.spawn(l1_url=endpoint.url)
        wait_until(lambda: endpoint.calls > 0)
        assert node.stop() == 0
    node.start()
    stage.follow([signed])


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

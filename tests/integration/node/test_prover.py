"""Proofs made on a Dask cluster, whose workers die, lie, and must not outlive the node."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.chain import ROOT
from tests.support.proving import children_of, listening_ports
from tests.support.scenario import Scenario

from sotto import crypto
from sotto.node.errors import ProverUnavailable, ProvingFailed
from sotto.prover import cluster, worker
from sotto.prover.cluster import ClusterProver, RemoteScheduler

pytestmark = pytest.mark.slow

CIRCUIT = "rollup4"


@pytest.fixture(scope="module")
def witness() -> bytes:
    """The witness of an epoch of two deposits."""
    crypto.install_hash_backend()
    scenario = Scenario()
    queued = [scenario.deposit(scenario.users[0], 1_000) for _ in range(2)]
    return json.dumps(scenario.close(queued, 4).result.witness(bytes(20))).encode()


def test_public_inputs_are_those_of_the_circuit(witness: bytes) -> None:
    assert cluster._public_inputs(witness) == crypto.check_witness(CIRCUIT, witness)
    in_blob = (ROOT / "tests" / "vectors" / "rollup-16-blob.json").read_bytes()
    assert cluster._public_inputs(in_blob) == crypto.check_witness("rollup16blob", in_blob)


async def the_worker(prover: ClusterProver, besides: int = 0) -> int:
    """Process id of the one worker."""
    while True:
        ids = [found for found in (await prover.worker_ids()).values() if found != besides]
        if ids:
            return ids[0]
        await asyncio.sleep(0.05)


async def test_a_job_whose_worker_is_killed_runs_again(witness: bytes) -> None:
    prover = ClusterProver([CIRCUIT])
    try:
        first = await the_worker(prover)
        proving = asyncio.create_task(prover.prove(CIRCUIT, witness))
        while not any((await (await prover._client()).processing()).values()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        os.kill(first, signal.SIGKILL)
        proof = await proving
        assert crypto.verify(CIRCUIT, cluster._public_inputs(witness), proof)
        second = await the_worker(prover, besides=first)
        # Nothing listens but scheduler and worker, and they on the loopback interface alone.
        ports = listening_ports({os.getpid(), *children_of(os.getpid())})
        assert {address for address, _ in ports} == {"0100007F"}

        false = json.loads(witness)
        false["c"] = hex(int(false["c"], 16) ^ 1)
        with pytest.raises(ProvingFailed):
            await prover.prove(CIRCUIT, json.dumps(false).encode())
        assert (await the_worker(prover)) == second
    finally:
        await prover.close()
    assert second not in children_of(os.getpid())


def exit_at_once(_circuit: str, _witness: bytes) -> bytes:
    """A job that ends its worker each time."""
    os._exit(9)


def lie(_circuit: str, _witness: bytes) -> bytes:
    """A proof of nothing."""
    return bytes(256)


async def test_a_job_that_ends_every_worker_is_given_up(
    witness: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    prover = ClusterProver([], attempts=2)
    monkeypatch.setattr(worker, "run", exit_at_once)
    try:
        with pytest.raises(ProvingFailed, match="2 workers died"):
            await prover.prove(CIRCUIT, witness)
        monkeypatch.setattr(worker, "run", lie)
        with pytest.raises(ProverUnavailable, match="2 false proofs"):
            await prover.prove(CIRCUIT, witness)
    finally:
        await prover.close()


SLEEP = "import time; time.sleep(600)"


def hang(_circuit: str, _witness: bytes) -> bytes:
    """A job that never ends."""
    exec(SLEEP)  # noqa: S102 - the worker has no module of these tests
    return b""


async def test_a_worker_that_hangs_is_replaced(witness: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    prover = ClusterProver([], timeout=1)
    monkeypatch.setattr(worker, "run", hang)
    try:
        first = await the_worker(prover)
        with pytest.raises(ProverUnavailable, match="no proof within 1 s"):
            await prover.prove(CIRCUIT, witness)
        assert await the_worker(prover, besides=first) != first
    finally:
        await prover.close()


NODE = """
    import asyncio
    from sotto.prover.cluster import ClusterProver

    async def main():
        prover = ClusterProver(["rollup4"])
        print(*(await prover.worker_ids()).values(), flush=True)
        await asyncio.sleep(600)

    if __name__ == "__main__":
        asyncio.run(main())
"""


def test_workers_end_with_a_killed_node(tmp_path: Path) -> None:
    script = tmp_path / "node.py"
    script.write_text(textwrap.dedent(NODE))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as node:
        assert node.stdout is not None
        child = Path(f"/proc/{int(node.stdout.readline())}")
        assert child.exists()
        node.kill()
    for _ in range(200):
        if not child.exists():
            return
        asyncio.run(asyncio.sleep(0.1))
    raise AssertionError("the worker outlived its node")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority and a certificate under it, as for the machines of a cluster."""
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=sotto-prover", "-nodes", "-newkey", "rsa:2048", "-days", "2"]
    run = ["openssl", "req", "-x509", *subject, "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def machines(certificates: Path, tmp_path: Path) -> Iterator[RemoteScheduler]:
    """A scheduler and a worker as their own processes, as on other machines."""
    key, certificate = certificates / "key.pem", certificates / "cert.pem"
    tls = ["--tls-ca-file", str(certificate), "--tls-cert", str(certificate), "--tls-key", str(key)]
    dask, options = [sys.executable, "-m", "distributed.cli.dask_scheduler"], ["--no-dashboard", *tls]
    file = tmp_path / "scheduler.json"
    scheduler = [*dask, "--host", "tls://127.0.0.1", "--port", "0", "--scheduler-file", str(file), *options]
    with subprocess.Popen(scheduler, cwd=tmp_path, stderr=subprocess.DEVNULL) as first:
        try:
            while not file.exists() or not file.read_text():
                assert first.poll() is None
                asyncio.run(asyncio.sleep(0.1))
            address = json.loads(file.read_text())["address"]
            dask = [sys.executable, "-m", "distributed.cli.dask_worker", address]
            one = [*dask, "--nworkers", "1", "--nthreads", "1", "--memory-limit", "0", *options]
            with subprocess.Popen(one, cwd=tmp_path, stderr=subprocess.DEVNULL) as second:
                try:
                    yield RemoteScheduler(address, certificate, certificate, key)
                finally:
                    second.terminate()
        finally:
            first.terminate()


async def test_proves_on_other_machines_with_tls(machines: RemoteScheduler, witness: bytes) -> None:
    prover = ClusterProver([CIRCUIT], remote=machines)
    try:
        proof = await prover.prove(CIRCUIT, witness)
        assert crypto.verify(CIRCUIT, cluster._public_inputs(witness), proof)
    finally:
        await prover.close()
    stranger = ClusterProver([CIRCUIT], remote=RemoteScheduler(machines.address.replace("tls", "tcp")))
    with pytest.raises(ProverUnavailable):
        await stranger.worker_ids()


async def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    prover = ClusterProver([], remote=RemoteScheduler("tcp://127.0.0.1:1"))
    with pytest.raises(ProverUnavailable, match="no prover"):
        await prover.worker_ids()
    await prover.run()

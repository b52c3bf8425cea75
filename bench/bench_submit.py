"""Submissions to a real node: how many a second it accepts, and how long until a block has one.

The transactions are real ones with real proofs (of dummy inputs, which take the same work), made before the
measurement and kept in the artefact cache. The node is a process of its own on SQLite; its clients and its
prover share the machine with it.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import _paths  # noqa: F401 - makes the packages of the repository importable
import aiohttp
from tests.support.chain import anvil, build_contracts, deploy
from tests.support.node import NodeProcess
from tests.support.scenario import Scenario

from bench.results import machine, record
from sotto import crypto
from sotto.l1.deployment import read_deployment
from sotto.protocol.field import field_to_json
from sotto.protocol.l1 import compute_domain
from sotto.protocol.transaction import ProvenTransaction, transaction_to_json

BURST = 180
PACED = 40
PACE = 4.0
"""Submissions a second while latency is measured."""
CLIENTS = 16
FAR = 10**9


def cache() -> Path:
    """Where proofs are kept between runs."""
    chosen = os.environ.get("SOTTO_CACHE")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / "sotto"
    return folder / "bench-transfers"


def prove(witness: bytes) -> bytes:
    """The proof of a witness, made once for all runs under the same keys."""
    keys = crypto.prepare_keys("transfer").circuit_hash
    path = cache() / sha256(keys + witness).hexdigest()
    if path.exists():
        return path.read_bytes()
    proof = crypto.prove("transfer", witness).proof
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(proof)
    draft.replace(path)
    return proof


def transactions(domain: int, count: int) -> list[tuple[str, bytes]]:
    """Id and request body of so many transactions under the anchor of genesis."""
    scenario = Scenario(domain=domain)
    user = scenario.users[0]
    made = []
    for _ in range(count):
        signed = scenario.pay(user, [], user, 0, expiry=FAR)
        proven = ProvenTransaction(signed.transaction, prove(json.dumps(signed.witness()).encode()))
        body = json.dumps({"transactions": [transaction_to_json(proven)]}).encode()
        made.append((field_to_json(signed.transaction.h), body))
    return made


async def submit(session: aiohttp.ClientSession, body: bytes) -> None:
    """Submit and be accepted. Raises AssertionError otherwise."""
    async with session.post(
        "/v1/transactions", data=body, headers={"content-type": "application/json"}
    ) as answer:
        text = await answer.text()
        assert answer.status == 200, text


async def burst(url: str, bodies: Sequence[bytes]) -> float:
    """Seconds in which the node accepts all of them from a few connections."""
    waiting = list(bodies)

    async def client(session: aiohttp.ClientSession) -> None:
        while waiting:
            await submit(session, waiting.pop())

    async with aiohttp.ClientSession(url) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
        return time.perf_counter() - begun


async def paced(url: str, items: Sequence[tuple[str, bytes]]) -> list[float]:
    """Seconds from each submission to the event of the block that has it."""
    begun: dict[str, float] = {}
    taken: dict[str, float] = {}

    async with aiohttp.ClientSession(url) as session, session.ws_connect("/v1/events") as stream:

        async def listen() -> None:
            while len(taken) < len(items):
                event = await stream.receive_json(timeout=120)
                if event["type"] == "block":
                    now = time.perf_counter()
                    taken.update({h: now for h in event["ids"] if h in begun})

        listening = asyncio.create_task(listen())
        sending = []
        for h, body in items:
            begun[h] = time.perf_counter()
            sending.append(asyncio.create_task(submit(session, body)))
            await asyncio.sleep(1 / PACE)
        await asyncio.gather(*sending, listening)
    return sorted(taken[h] - begun[h] for h in begun)


def main() -> None:
    """Measure in a minute; the proofs take about three more the first time."""
    build_contracts()
    crypto.install_hash_backend()
    with tempfile.TemporaryDirectory() as folder, anvil() as chain:
        deployment = deploy(chain, Path(folder))
        rollup = read_deployment(deployment).address("Rollup")
        domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
        made = transactions(domain, BURST + PACED)
        node = NodeProcess(
            Path(folder),
            chain.url,
            deployment,
            block_interval=0.3,
            epoch_wait=2.0,
        )
        try:
            node.start()
            load = machine()
            seconds = asyncio.run(burst(node.url, [body for _, body in made[:BURST]]))
            note = f"{BURST} over {CLIENTS} connections, clients and prover on the same machine"
            record("node_submit_tps", BURST / seconds, BURST, note, load)
            node.kill()
            (Path(folder) / "node.db").unlink()
            node.start()
            load = machine()
            times = asyncio.run(paced(node.url, made[BURST:]))
            note = f"{PACE:.0f} a second, blocks every 300 ms, prover on the same machine"
            record("soft_final_p50_ms", 1000 * times[len(times) // 2], PACED, note, load)
            record("soft_final_p99_ms", 1000 * times[int(0.99 * (len(times) - 1))], PACED, note, load)
        finally:
            node.close()


if __name__ == "__main__":
    main()

"""What a node bears: races for one note, floods, slow and hostile clients. Honest ones still get through.

Attackers have addresses of their own on the loopback interface, as the node's limits go by address.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.integration.node.bounds import MEGABYTE, bounded_memory
from tests.integration.node.conftest import FAR, Stage, prove
from tests.support.chain import anvil, deploy
from tests.support.node import USUAL_LIMITS, NodeProcess, wait_until
from tests.support.scenario import Scenario, Signed

from sotto.l1.deployment import read_deployment
from sotto.protocol.l1 import compute_domain

pytestmark = pytest.mark.slow

ATTACKERS = 8
Json = dict[str, Any]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One free node with its usual limits, and epochs of 4 lanes."""
    folder = tmp_path_factory.mktemp("load")
    with anvil() as chain:
        deployment = deploy(chain, folder, sizes=(4,))
        rollup = read_deployment(deployment).address("Rollup")
        domain = compute_domain(chain.web3.eth.chain_id, bytes.fromhex(rollup[2:]))
        node = NodeProcess(folder, chain.url, deployment, **USUAL_LIMITS)
        try:
            node.start()
            yield Stage(chain, deployment, node, Scenario(domain=domain))
        finally:
            node.close()


def empty_payment(stage: Stage) -> Signed:
    """A valid transaction that spends nothing: two dummies in, three notes without value out."""
    world = stage.scenario
    user = world.users[0]
    return world.pay(user, [world.dummy()], user, 0, expiry=FAR)


def accepted(stage: Stage, body: Json) -> str:
    """Submit as an honest client, who comes again when the node is busy. Returns the id."""

    def attempt() -> str | None:
        answer = stage.node.post([body])
        if answer.status_code in (429, 503):
            return None
        assert answer.status_code == 200, answer.text
        h: str = answer.json()["ids"][0]
        return h

    return wait_until(attempt, 120)


def settle(stage: Stage, h: str) -> None:
    """Wait until a transaction is proven."""
    wait_until(lambda: stage.node.get(f"/v1/transactions/{h}")["status"] in ("proven", "finalized"))


@dataclass
class Attack:
    """Threads that do something again and again until the context ends.

    Attributes:
        statuses: HTTP status codes that they got; 0 for a connection that the node broke.
    """

    statuses: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def run(self, once: Callable[[httpx.Client], httpx.Response]) -> Iterator[None]:
        """Attack from several addresses while the context lasts."""

        def attacker(number: int) -> None:
            transport = httpx.HTTPTransport(local_address=f"127.0.0.{number + 2}")
            with httpx.Client(transport=transport, timeout=60) as client:
                while not self._over.is_set():
                    try:
                        self.statuses.append(once(client).status_code)
                    except httpx.TransportError:
                        self.statuses.append(0)

        with ThreadPoolExecutor(ATTACKERS) as pool:
            running = [pool.submit(attacker, number) for number in range(ATTACKERS)]
            try:
                yield
            finally:
                self._over.set()
            for attack in running:
                attack.result()


def test_two_transactions_for_one_note_and_exactly_one_wins(stage: Stage) -> None:
    stage.fund(1)
    world, user = stage.scenario, stage.scenario.users[0]
    note = world.spendable(user)[0]
    rivals = [world.pay(user, [world.take(note)], payee, 1000, expiry=FAR) for payee in world.users[1:]]
    bodies: list[Json] = [prove(rival) for rival in rivals]
    # Each comes from two clients at once, so that four requests race.
    start = threading.Barrier(4)

    def submit(body: Json) -> httpx.Response:
        start.wait()
        return stage.node.post([body])

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(submit, [*bodies, *bodies]))
    first, second = answers[::2], answers[1::2]
    won, lost = (first, second) if first[0].status_code == 200 else (second, first)
    assert [answer.status_code for answer in won] == [200, 200]
    assert won[0].json() == won[1].json()
    assert [answer.status_code for answer in lost] == [409, 409]
    assert {answer.json()["error"]["code"] for answer in lost} == {"NullifierKnown"}
    winner = rivals[0] if won is first else rivals[1]
    stage.follow([winner])
    lanes = stage.node.get("/v1/notes", start=0, count=256)["entries"]
    spends = [lane["id"] for lane in lanes if set(lane["nullifiers"]) & set(bodies[0]["nullifiers"])]
    assert spends == won[0].json()["ids"]


def test_flood_of_invalid_proofs(stage: Stage) -> None:
    template: Json = prove(empty_payment(stage))
    honest = prove(empty_payment(stage))
    rest = iter(range(10**9))

    def once(client: httpx.Client) -> httpx.Response:
        # Another nullifier makes it another transaction, for which the proof does not hold.
        nullifiers = [template["nullifiers"][0], f"0x{next(rest) + 1:064x}"]
        body = {"transactions": [{**template, "nullifiers": nullifiers}]}
        return client.post(stage.node.url + "/v1/transactions", json=body)

    attack = Attack()
    with bounded_memory(stage.node), attack.run(once):
        wait_until(lambda: 400 in attack.statuses)
        h = accepted(stage, honest)
        settle(stage, h)
    assert 200 not in attack.statuses


@pytest.mark.parametrize("declared", [True, False], ids=["with length", "in chunks"])
def test_bodies_of_ten_megabytes(stage: Stage, declared: bool) -> None:
    honest = prove(empty_payment(stage))
    chunk = b" " * (64 << 10)

    def once(client: httpx.Client) -> httpx.Response:
        content: Any = b" " * (10 * MEGABYTE) if declared else (chunk for _ in range(160))
        return client.post(stage.node.url + "/v1/transactions", content=content)

    attack = Attack()
    with bounded_memory(stage.node), attack.run(once):
        wait_until(lambda: len(attack.statuses) >= ATTACKERS)
        settle(stage, accepted(stage, honest))
    # A client that still writes when it is refused may see the connection break instead.
    assert set(attack.statuses) <= {413, 429, 503, 0}


SLOW = {
    "nothing": b"",
    "half a request line": b"POST /v1/trans",
    "headers without end": b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\nx-padding: ",
    "a body without end": b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"content-length: 1000000\r\n\r\n" + b" " * 900_000,
}
CONNECTIONS = 400


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients(stage: Stage, kind: str) -> None:
    honest = prove(empty_payment(stage))
    with ExitStack() as stack, bounded_memory(stage.node):
        for number in range(CONNECTIONS):
            address = f"127.0.0.{2 + number % 200}"
            try:
                connection = socket.create_connection(
                    ("127.0.0.1", stage.node.port), timeout=30, source_address=(address, 0)
                )
                stack.enter_context(closing(connection))
                connection.sendall(SLOW[kind])
            except OSError:
                # Refusing is as good as bearing it.
                continue
        settle(stage, accepted(stage, honest))

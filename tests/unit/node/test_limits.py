"""What one client may ask of the node."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from sotto.node import limits
from sotto.node.limits import CLIENTS, Budget, Limits, client_of


class Clock:
    """The monotonic clock, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(limits, "monotonic", lambda: self.now)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that refuses what begins with x."""
    body = (await receive()).get("body", b"")
    status = 400 if body.startswith(b"x") else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def client(made: Limits) -> httpx.AsyncClient:
    """A client of that application behind limits."""
    transport = httpx.ASGITransport(made.middleware(answer))
    return httpx.AsyncClient(transport=transport, base_url="http://node")


def test_a_budget_fills_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, budget = Clock(monkeypatch), Budget(600)
    assert all(budget.take("a") for _ in range(60))
    assert not budget.take("a")
    assert budget.take("b")
    clock.now += 0.5
    assert [budget.take("a") for _ in range(6)] == [True] * 5 + [False]


def test_a_cost_beyond_the_rest_leaves_a_debt_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, budget = Clock(monkeypatch), Budget(600)
    for _ in range(20):
        budget.take("a", 10)
    assert not budget.take("a")
    clock.now += 12.1
    assert budget.take("a")


def test_clients_are_forgotten_oldest_first() -> None:
    budget = Budget(600)
    for number in range(CLIENTS + 10):
        budget.take(str(number))
    assert len(budget._tokens) == CLIENTS
    assert "0" not in budget._tokens


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_a_client_is_an_address_or_a_network(host: str, client: str) -> None:
    assert client_of({"client": (host, 1)}) == client


async def test_reads_and_submissions_have_budgets_of_their_own() -> None:
    async with client(Limits(1000, 60, 60)) as asking:
        reads = [(await asking.get("/")).status_code for _ in range(22)]
        posts = [(await asking.post("/", content=b"ok")).status_code for _ in range(22)]
    assert reads == posts == [200] * 20 + [429] * 2


async def test_failures_cost_ten_times_as_much() -> None:
    async with client(Limits(1000, 60, 300)) as asking:
        codes = [(await asking.post("/", content=b"x")).status_code for _ in range(4)]
        assert codes == [400, 400, 400, 429]
        assert (await asking.get("/")).status_code == 200


async def test_large_bodies_are_refused_declared_or_not() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"y" * 500

    async with client(Limits(1000, 600, 600)) as asking:
        assert (await asking.post("/", content=b"y" * 1001)).status_code == 413
        assert (await asking.post("/", content=chunks())).status_code == 413
        forged = await asking.post("/", content=b"y", headers={"content-length": "9" * 5000})
        assert forged.status_code == 413
        assert (await asking.post("/", content=b"y" * 1000)).status_code == 200


def post_scope() -> dict[str, Any]:
    """A submission."""
    return {"type": "http", "method": "POST", "headers": [], "client": ("a", 1)}


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.05)
    sent: list[Message] = []

    async def never() -> Message:
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await Limits(1000, 600, 600).middleware(answer)(post_scope(), never, send)
    assert sent[0]["status"] == 408


async def test_so_many_submissions_are_worked_on_at_once() -> None:
    made, sent, release = Limits(1000, 600, 600, bodies=1), list[Message](), asyncio.Event()

    async def body() -> Message:
        await release.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    app = made.middleware(answer)

    async def ask() -> None:
        await app(post_scope(), body, send)

    first = asyncio.create_task(ask())
    await asyncio.sleep(0)
    await ask()
    assert sent[0]["status"] == 503
    release.set()
    await first
    assert sent[2]["status"] == 200

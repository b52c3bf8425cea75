"""What one client may ask of the node: so many reads, submissions, failures, in bodies of a bounded size."""

import asyncio
import ipaddress
import json
from collections import OrderedDict
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sotto.node.errors import BodyTooSlow, NodeBusy, NodeError, RateExceeded, RequestTooLarge

CLIENTS = 10_000
"""Addresses that are remembered; those seen longest ago are forgotten."""

FAILURE_COST = 10
"""A refused submission costs as much as this many accepted ones: it may have cost the node a proof."""

BODY_SECONDS = 10.0
"""A body must come in this time."""

_IPV6_PREFIX = 64


class Budget:
    """A bucket of tokens for each client, filled at a constant rate.

    Args:
        per_minute: tokens that a client gets; at most a tenth of it (at least 20) at once.
    """

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60
        self._burst = max(20.0, per_minute / 10)
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def per_minute(self) -> float:
        """The rate."""
        return self._rate * 60

    def take(self, client: str, cost: float = 1) -> bool:
        """Take tokens if there is one left, leaving a debt if there are fewer than the cost."""
        now = monotonic()
        tokens, before = self._tokens.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - before) * self._rate)
        allowed = tokens >= 1
        self._tokens[client] = (max(-self._burst, tokens - cost) if allowed else tokens, now)
        if len(self._tokens) > CLIENTS:
            self._tokens.popitem(last=False)
        return allowed


class Limits:
    """All limits; `middleware` is the ASGI class that enforces them.

    Args:
        body_bytes: largest request body.
        reads_per_minute: requests of one client, submissions not among them.
        submissions_per_minute: submissions of one client.
        bodies: submissions that are read and worked on at once.
    """

    def __init__(
        self, body_bytes: int, reads_per_minute: int, submissions_per_minute: int, bodies: int = 256
    ) -> None:
        self._body_bytes = body_bytes
        self._reads = Budget(reads_per_minute)
        self._submissions = Budget(submissions_per_minute)
        self._bodies = bodies
        self._working = 0

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """The application behind the limits."""

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await self._stream(app, scope, receive, send)
            elif scope["type"] == "http":
                await self._request(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return limited

    async def _stream(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if self._reads.take(client_of(scope)):
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": RateExceeded.__name__})

    async def _request(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        submits = scope["method"] == "POST"
        budget = self._submissions if submits else self._reads
        if not budget.take(client):
            await _refuse(send, RateExceeded(f"more than {budget.per_minute:.0f} a minute"))
            return
        too_large = RequestTooLarge(f"more than {self._body_bytes} bytes")
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 12 or int(declared) > self._body_bytes:
            await _refuse(send, too_large)
            return
        if submits and self._working >= self._bodies:
            await _refuse(send, NodeBusy(f"{self._working} submissions are worked on"))
            return
        self._working += submits
        try:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    messages = await self._read(receive)
            except TimeoutError:
                await _refuse(send, BodyTooSlow(f"the body took longer than {BODY_SECONDS:.0f} s"))
                return
            if messages is None:
                await _refuse(send, too_large)
                return
            replay = iter(messages)

            async def buffered() -> Message:
                return next(replay, None) or await receive()

            async def watched(message: Message) -> None:
                if submits and message["type"] == "http.response.start" and 400 <= message["status"] < 500:
                    budget.take(client, FAILURE_COST - 1)
                await send(message)

            await app(scope, buffered, watched)
        finally:
            self._working -= submits

    async def _read(self, receive: Receive) -> list[Message] | None:
        """The messages of a body, None if it is too large: its length need not be declared."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._body_bytes:
                return None
            if message["type"] != "http.request" or not message.get("more_body", False):
                return messages


def client_of(scope: Scope) -> str:
    """Who asks: an IPv4 address, or the network of an IPv6 address, as one customer has all of that."""
    host: str = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False))


async def _refuse(send: Send, error: NodeError) -> None:
    content: dict[str, Any] = {
        "error": {"code": type(error).__name__, "message": str(error), "hint": error.hint}
    }
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # What is left of the body is not read.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

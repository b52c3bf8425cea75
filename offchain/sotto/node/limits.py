"""What one client may ask of the node: bodies of a bounded size, and so many requests a minute."""

import json
from collections import OrderedDict
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sotto.node.errors import NodeError, RateExceeded, RequestTooLarge

CLIENTS = 10_000
"""Addresses that are remembered; those seen longest ago are forgotten."""


class Limits:
    """Both limits; `middleware` is the ASGI class that enforces them.

    Args:
        body_bytes: largest request body.
        per_minute: requests of one address, in bursts of at most a tenth of it (at least 20).
    """

    def __init__(self, body_bytes: int, per_minute: int) -> None:
        self._body_bytes = body_bytes
        self._rate = per_minute / 60
        self._burst = max(20.0, per_minute / 10)
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str) -> bool:
        """Count a request. False if the client has to wait."""
        now = monotonic()
        tokens, before = self._tokens.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - before) * self._rate)
        self._tokens[client] = (max(0.0, tokens - 1), now)
        if len(self._tokens) > CLIENTS:
            self._tokens.popitem(last=False)
        return tokens >= 1

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """The application behind the limits."""

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            client = scope["client"][0] if scope.get("client") else ""
            if not self.allow(client):
                await _refuse(send, RateExceeded(f"more than {self._rate * 60:.0f} requests a minute"))
                return
            too_large = RequestTooLarge(f"more than {self._body_bytes} bytes")
            declared = dict(scope["headers"]).get(b"content-length", b"0")
            if not declared.isdigit() or int(declared) > self._body_bytes:
                await _refuse(send, too_large)
                return
            messages = await self._read(receive)
            if messages is None:
                await _refuse(send, too_large)
                return
            replay = iter(messages)

            async def buffered() -> Message:
                return next(replay, None) or await receive()

            await app(scope, buffered, send)

        return limited

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


async def _refuse(send: Send, error: NodeError) -> None:
    content: dict[str, Any] = {
        "error": {"code": type(error).__name__, "message": str(error), "hint": error.hint}
    }
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

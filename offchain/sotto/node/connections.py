"""Connections to a node's ports: neither too many at once, nor held open without a request."""

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from sotto.node.limits import client_of

HEADER_SECONDS = 10.0
"""The headers of a request must come in this time, counted from the connection or from their first byte."""

MAX_CONNECTIONS = 1_024
"""So many connections are open at once; more are closed as they come."""

MAX_PER_CLIENT = MAX_CONNECTIONS // 4
"""So many of them are of one client."""


class BoundedConnection(H11Protocol):
    """uvicorn's connection with these bounds; a stream of events counts until it is upgraded."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connects."""
        super().connection_made(transport)
        mine = client_of({"client": self.client})
        same = (client_of({"client": cast(Any, other).client}) == mine for other in self.connections)
        if len(self.connections) > MAX_CONNECTIONS or sum(same) > MAX_PER_CLIENT:
            transport.abort()
        else:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._expect_headers()
        else:
            self._forget_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._forget_headers()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _forget_headers(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

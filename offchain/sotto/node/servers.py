"""HTTP servers of a node, which leave signals to it."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from sotto.node.connections import BoundedConnection
from sotto.node.errors import ConfigInvalid, NotReady
from sotto.node.queries import Queries

FINISH_SECONDS = 5
"""Requests that are being answered get this long when a server stops."""


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class HttpServer:
    """One application on one port.

    Args:
        options: of uvicorn.
    """

    def __init__(self, app: FastAPI, host: str, port: int, **options: Any) -> None:
        self._host = host
        self._port = port
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                # The faster parser that may be installed bounds neither the number nor the size of headers.
                http=BoundedConnection,
                # Headers that name another client would let anybody on this machine leave their rate limit.
                proxy_headers=False,
                timeout_graceful_shutdown=FINISH_SECONDS,
                **options,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self, group: asyncio.TaskGroup) -> str:
        """Serve in a group of tasks. Returns the URL. Raises ConfigInvalid if the port cannot be had."""
        # uvicorn ends the process when it cannot listen, which the group would take for an order to end.
        self._serving = group.create_task(self._serve())
        while not self._server.started:
            if self._serving.done():
                raise ConfigInvalid(f"nothing can listen on {self._host}:{self._port}: is the port taken?")
            await asyncio.sleep(0.02)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://{self._host}:{port}"

    async def stop(self) -> None:
        """Take no more requests, and finish those that have begun."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    async def _serve(self) -> None:
        with contextlib.suppress(SystemExit):
            await self._server.serve()


def create_telemetry(queries: Queries) -> FastAPI:
    """Metrics and health alone, for a port that only the operator reaches."""
    app = FastAPI(title="Sotto node telemetry", openapi_url=None)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        try:
            queries.require_ready()
        except NotReady as error:
            return JSONResponse({"status": "not ready", "cause": str(error)}, 503)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(await queries.metrics(), media_type="text/plain; version=0.0.4")

    return app

"""A TCP server in a thread of its own, so that blocking code around it cannot slow it down."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")


class BackgroundServer:
    """Serves connections of the loopback interface until `close`. Subclasses handle them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connections: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server = self.call(self._open)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, action: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the server's thread."""
        return asyncio.run_coroutine_threadsafe(action(), self._loop).result(30)

    def close(self) -> None:
        """Drop all connections and end the thread."""

        async def end() -> None:
            self._server.close()
            # A connection accepted just now is served only after this. What serving started ends with it:
            # anyio leaves a coroutine unawaited if its task is cancelled by others before it runs.
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                self.abort_connections()
                for task in self._serving:
                    task.cancel()
                await asyncio.wait(others)
            self.abort_connections()
            await self.shutdown()

        self.call(end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def abort_connections(self) -> None:
        """Reset all open connections. Call it in the server's thread."""
        for writer in list(self._connections):
            writer.transport.abort()

    async def shutdown(self) -> None:
        """What a subclass has to close."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        raise NotImplementedError

    async def _open(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        task = self._loop.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self.handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The other side has gone, which is what these servers are about, or the server ends.
            writer.transport.abort()
        finally:
            self._connections.discard(writer)
            writer.close()

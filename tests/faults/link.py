"""A TCP connection that can be cut or frozen: between wallets and node, and between node and PostgreSQL."""

import asyncio

from tests.faults.background import BackgroundServer

_CHUNK = 1 << 16


class Link(BackgroundServer):
    """Passes bytes on to a port of this machine; `mend` undoes `cut` and `freeze`."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_cut = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        super().__init__()

    def cut(self) -> None:
        """Reset all connections and every new one: answers under way are lost."""

        async def change() -> None:
            self._is_cut = True
            self.abort_connections()

        self.call(change)

    def freeze(self) -> None:
        """Let nothing through in either direction, but keep connections open."""

        async def change() -> None:
            self._flowing.clear()

        self.call(change)

    def mend(self) -> None:
        """Work again."""

        async def change() -> None:
            self._is_cut = False
            self._flowing.set()

        self.call(change)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See BackgroundServer."""
        if self._is_cut:
            writer.transport.abort()
            return
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._connections.add(back_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, back_writer))
                group.create_task(self._pass(back_reader, writer))
        except* OSError:
            writer.transport.abort()
        finally:
            self._connections.discard(back_writer)
            back_writer.close()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

"""PostgreSQL as a node's database that can be killed, paused and cut off."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from sqlalchemy import make_url

from tests.faults.link import Link
from tests.faults.perturbations import Perturbation, last
from tests.faults.processes import descendants, send
from tests.faults.stage import Stage
from tests.support.postgres import PostgresServer


class Postgres:
    """One database of a server, reached through a link."""

    def __init__(self, server: PostgresServer, link: Link, url: str) -> None:
        self.server, self.link, self.url = server, link, url

    def heal(self) -> None:
        """See stage.Database."""
        self.link.mend()
        self.server.ensure_started()

    def destroy(self) -> None:
        """See stage.Database."""
        self.heal()
        self.server.execute(f"DROP DATABASE {make_url(self.url).database} WITH (FORCE)")

    def processes(self) -> list[int]:
        """The server and what it has started."""
        return [self.server.process_id, *descendants(self.server.process_id)]

    def perturbations(self) -> dict[str, Perturbation]:
        """By name, for a deployment that has this database."""
        return {
            "kill PostgreSQL": self._kill,
            "pause PostgreSQL": self._pause,
            "disconnect PostgreSQL": self._disconnect,
            "freeze PostgreSQL": self._freeze,
        }

    async def _kill(self, stage: Stage, random: Random) -> None:
        """SIGKILL; it comes back after a while and recovers."""
        await asyncio.to_thread(self.server.kill)
        await last(random)
        await asyncio.to_thread(self.server.ensure_started)

    async def _pause(self, stage: Stage, random: Random) -> None:
        """SIGSTOP to all of its processes."""
        paused = self.processes()
        for process_id in paused:
            send(process_id, signal.SIGSTOP)
        try:
            await last(random)
        finally:
            for process_id in paused:
                send(process_id, signal.SIGCONT)

    async def _disconnect(self, stage: Stage, random: Random) -> None:
        """Connections break, and new ones too, for a while."""
        self.link.cut()
        await last(random)
        self.link.mend()

    async def _freeze(self, stage: Stage, random: Random) -> None:
        """Nothing comes through for a while."""
        self.link.freeze()
        await last(random)
        self.link.mend()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of its own with an empty database."""
    with PostgresServer() as server:
        url = make_url(server.create())
        assert url.port is not None
        with Link(url.port) as link:
            yield Postgres(server, link, url.set(port=link.port).render_as_string(hide_password=False))

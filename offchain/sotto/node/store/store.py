"""The store as a whole: opening, identity, and its thread."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sotto.node.errors import DatabaseInUse, StoreUnavailable, StoreUnusable
from sotto.node.migrations import migrate
from sotto.node.store.blocks import BlockStore
from sotto.node.store.engine import open_engine
from sotto.node.store.epochs import EpochStore
from sotto.node.store.events import EventStore
from sotto.node.store.l1 import L1Store
from sotto.node.store.transactions import TransactionStore
from sotto.node.tables import MetaRow

log = structlog.get_logger(category="database")

PATIENCE = 5.0
"""Seconds that another node may need to end."""

OUTAGE_SECONDS = 60.0
"""A database that does not answer for so long stops the node."""

P = ParamSpec("P")
R = TypeVar("R")


class Store(TransactionStore, BlockStore, EpochStore, EventStore, L1Store):
    """One database of one node.

    Raises StoreUnusable if it cannot be opened or belongs to something else, DatabaseInUse, SchemaTooNew.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL.
        identity: names what the content belongs to (chain id, rollup address); written once, then compared.
        patience: seconds to wait for another node that has it.
    """

    def __init__(self, url: str, identity: dict[str, str], patience: float = PATIENCE) -> None:
        with ExitStack() as resources:
            try:
                self._engine = open_engine(url, patience, resources)
                migrate(self._engine)
                self._check_identity(identity)
            except SQLAlchemyError as error:
                raise StoreUnusable(f"the database does not open: {error}") from error
            self._resources = resources.pop_all()
        self._closing = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def run(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one of this object's methods in the store's thread.

        An outage is waited for, and a method that it interrupts begins again. Raises StoreUnavailable if the
        outage lasts, or begins while the method commits: then only the database knows whether it has.
        """

        def work() -> R:
            while True:
                self._wait_for_database()
                self._committed = False
                begun = time.monotonic()
                try:
                    result = method(*args, **kwargs)
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    if self._committed:
                        raise StoreUnavailable(f"connection lost at a commit: {error.orig}") from error
                    log.warning("database connection lost", cause=str(error.orig))
                else:
                    name = getattr(method, "__name__", type(method).__name__)
                    log.debug("database used", method=name, seconds=round(time.monotonic() - begun, 4))
                    return result

        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _wait_for_database(self) -> None:
        deadline, pause = time.monotonic() + OUTAGE_SECONDS, 0.1
        while True:
            try:
                self._engine.connect().close()
            except (SQLAlchemyError, DatabaseInUse) as error:
                # The server may hold the lock for a connection of ours that it believes to be alive.
                if isinstance(error, DatabaseInUse) and time.monotonic() >= deadline:
                    raise
                if time.monotonic() >= deadline or self._closing.is_set():
                    raise StoreUnavailable(str(error)) from error
                log.warning("database does not answer", cause=str(error))
                self._closing.wait(pause)
                pause = min(2 * pause, 2.0)
            else:
                return

    def close(self) -> None:
        """Finish what was begun and close; an outage is not waited for."""
        self._closing.set()
        self._thread.shutdown(wait=True)
        self._resources.close()

    def _check_identity(self, identity: dict[str, str]) -> None:
        with self._session() as session:
            for key, value in identity.items():
                row = session.get(MetaRow, key)
                if row is None:
                    session.add(MetaRow(key=key, value=value))
                elif row.value != value:
                    raise StoreUnusable(
                        f"the database belongs to {key} {row.value}, not {value}: set another `database`"
                    )
            session.commit()

"""The store as a whole: opening, identity, and its thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel, create_engine

from sotto.node.errors import StoreUnusable
from sotto.node.store.epochs import EpochStore
from sotto.node.store.l1 import L1Store
from sotto.node.store.transactions import TransactionStore
from sotto.node.tables import MetaRow

SCHEMA_VERSION = 2

P = ParamSpec("P")
R = TypeVar("R")


def _open(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            # WAL's default of NORMAL may lose the last commits when power fails, and those were answered.
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()

    return engine


class Store(TransactionStore, EpochStore, L1Store):
    """One database of one node. Raises StoreUnusable if it cannot be opened or belongs to something else.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL.
        identity: names what the content belongs to (chain id, rollup address); written once, then compared.
    """

    def __init__(self, url: str, identity: dict[str, str]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            self._engine = _open(url)
            SQLModel.metadata.create_all(self._engine)
            self._check_identity({"schema": str(SCHEMA_VERSION), **identity})
        except SQLAlchemyError as error:
            raise StoreUnusable(f"the database does not open: {error}") from error

    async def run(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one of this object's methods in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: method(*args, **kwargs))

    def close(self) -> None:
        """Finish what was begun and close."""
        self._thread.shutdown(wait=True)
        self._engine.dispose()

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

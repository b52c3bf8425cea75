"""Opens a database so that what is committed stays, and so that one node alone has it."""

import fcntl
import os
import time
from contextlib import ExitStack
from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, event, make_url

from sotto.node.errors import DatabaseInUse, StoreUnusable

_LOCK_KEY = int.from_bytes(b"sotto")
_RETRY_SECONDS = 0.05

# Half a minute after the network has gone silent both sides know that the connection is lost, and the server
# gives its lock back.
_POSTGRESQL_ARGUMENTS = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
_POSTGRESQL_SETTINGS = {
    # A server may be set to answer before it has written.
    "synchronous_commit": "on",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30000",
}


def open_engine(url: str, patience: float, resources: ExitStack) -> Engine:
    """Connect to SQLite or PostgreSQL, and keep other nodes out.

    All work goes through one connection. With PostgreSQL it is the one that holds the lock, also after it was
    lost and made again, so nothing is ever written without the lock.

    Args:
        url: SQLAlchemy URL.
        patience: seconds to wait for a node that is about to end.
        resources: gives back connection and lock when it is closed.

    Raises DatabaseInUse, StoreUnusable, and SQLAlchemyError if there is no such database.
    """
    backend = make_url(url).get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise StoreUnusable(f"`database` is of {backend}: use sqlite:///... or postgresql+psycopg://...")
    arguments = _POSTGRESQL_ARGUMENTS if backend == "postgresql" else {}
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=arguments)
    if backend == "postgresql":
        _configure_postgresql(engine, patience)
    else:
        path = engine.url.database
        if path and path != ":memory:":
            resources.callback(os.close, _lock_file(f"{path}.lock", patience))
        _configure_sqlite(engine)
    resources.callback(engine.dispose)
    return engine


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver would begin a transaction before INSERT but not before CREATE TABLE: a kill in the middle
        # of a migration would leave half of it.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # WAL's default of NORMAL may lose the last commits when power fails, and those were answered.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA busy_timeout=5000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")


def _configure_postgresql(engine: Engine, patience: float) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for name, value in _POSTGRESQL_SETTINGS.items():
            cursor.execute(f"SET {name} = {value}")
        cursor.execute(f"SET lock_timeout = {max(1, int(patience * 1000))}")
        try:
            cursor.execute(f"SELECT pg_advisory_lock({_LOCK_KEY})")
        except LockNotAvailable as error:
            connection.rollback()
            raise DatabaseInUse(f"{engine.url.render_as_string()} is open in another process") from error
        cursor.execute("SET lock_timeout = 0")
        cursor.close()
        connection.commit()


def _lock_file(path: str, patience: float) -> int:
    """Hold a lock beside the database: SQLite's own would keep readers out, too. Returns its descriptor."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be written: {error.strerror}") from error
    deadline = time.monotonic() + patience
    while True:
        try:
            # Not flock: a worker that outlives a killed node would inherit that.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise DatabaseInUse(f"{path} is held by another process") from error
            time.sleep(_RETRY_SECONDS)
        else:
            return descriptor

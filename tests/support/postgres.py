"""A real PostgreSQL server, Debian's, for tests: on loopback, in a temporary folder."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from tests.support.chain import free_port

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"


class PostgresMissingError(Exception):
    """The server's programs are not installed: run `make setup-postgres`."""


def binaries() -> Path:
    """Folder of the newest server's programs. Raises PostgresMissingError."""
    versions = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3].split(".")[0]))
    found = str(versions[-1]) if versions else shutil.which("postgres")
    if found is None:
        raise PostgresMissingError(str(PostgresMissingError.__doc__))
    return Path(found).parent


class PostgresServer:
    """A server with databases of its own; `with` ends it and removes what it stored."""

    def __init__(self) -> None:
        self._bin = binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="sotto-postgres-"))
        self._port = free_port()
        # The server refuses to run as root.
        self._as: dict[str, Any] = {"cwd": self._folder}
        if os.geteuid() == 0:
            account = pwd.getpwnam(_USER)
            self._as |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        command = [self._bin / "initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._as)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str = "postgres") -> str:
        """What `database` of the node's settings takes."""
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self._port}/{database}"

    @property
    def process_id(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def ensure_started(self) -> None:
        """Start if it was killed or stopped."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            # Nothing here outlives the machine, and killed processes lose nothing by this.
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            command = [self._bin / "postgres", "-D", self._data, *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> None:
        """Run one statement of the administrator's."""
        url = self.url().replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())

    def create(self) -> str:
        """URL of a new, empty database."""
        name = f"node_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def kill(self) -> None:
        """SIGKILL: the server's processes get no chance to write anything. `start` recovers."""
        assert self._process is not None
        # Its children notice that it is gone, and end; two servers on one folder are refused until then.
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """End it without waiting for its clients."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def log(self) -> str:
        """What it has logged over all starts."""
        return (self._folder / "log").read_text()

"""Child processes that end with the process that started them, whatever ends it."""

import asyncio
import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from sotto.testing.errors import SandboxError

_TERM_SECONDS: Final = 10

# Reads process groups, one a line, negative ones have ended; the end of the input is the end of its parent.
_WATCHDOG: Final = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    number = int(line)
    groups.add(number) if number > 0 else groups.discard(-number)
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


def free_port() -> int:
    """A TCP port of the loopback interface, which the system gives to nobody else for a minute.

    The port has had a connection that was closed from its own side. While the kernel remembers that, it hands
    the port out to nobody, but lets a server that asks for this port have it.
    """
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        port: int = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            client.recv(1)
        return port


class Child:
    """A running process with its log file. Make one with `start`."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name, self.log = name, log
        self._process = process

    @property
    def process_id(self) -> int:
        """Number of the process, and of the process group of all it starts."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise SandboxError with the end of its log if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise SandboxError(f"{self.name} ended with code {code}: {self._last_line()} (see {self.log})")

    async def wait(self, timeout_seconds: float) -> None:
        """Wait for its end. Raises SandboxError unless it succeeds in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.to_thread(self._process.wait)
        except TimeoutError as error:
            raise SandboxError(
                f"{self.name} took more than {timeout_seconds:.0f} s (see {self.log})"
            ) from error
        if self._process.returncode:
            self.check()

    def end(self) -> None:
        """Let it end in order, and after a while end it and all that it has started."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_TERM_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it and all that it has started at once: no process of it can write anything any more."""
        # Whatever the process itself had started is still in its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _last_line(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")


@contextlib.contextmanager
def start(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], cwd: Path | None = None
) -> Iterator[Child]:
    """Run a command with output added to `<folder>/<name>.log`; end it, and all it started, with the context.

    When this process is killed before it can do so, a watchdog kills them. `environment` is the whole one.
    Raises SandboxError.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        try:
            # A session of its own: Ctrl-C reaches this process alone, which then ends its children in order.
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd or folder,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise SandboxError(f"{command[0]} is not installed: run `make setup`") from error
    child = Child(name, process, log)
    try:
        _watchdog.tell(process.pid)
        yield child
    finally:
        child.end()
        _watchdog.tell(-process.pid)


class _Watchdog:
    """A process that outlives this one only to kill what is left of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def tell(self, group: int) -> None:
        """Watch a process group, or with a negative number no longer."""
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _WATCHDOG],
                    stdin=subprocess.PIPE,
                    start_new_session=True,
                )
                atexit.register(self._leave)
            assert self._process.stdin is not None, "it was started with a pipe"
            # Without it all goes on; only what a SIGKILL of this process leaves behind is not cleared away.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(b"%d\n" % group)
                self._process.stdin.flush()

    def _leave(self) -> None:
        assert self._process is not None, "registered with the process"
        self._process.communicate()


_watchdog: Final = _Watchdog()

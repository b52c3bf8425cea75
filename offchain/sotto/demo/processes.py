"""Child processes that end with the demo, whatever ends it."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

_TERM_SECONDS: Final = 10


class DemoError(Exception):
    """The demo cannot go on; the message says why."""

    hint = "the logs stay in the folder named above"


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Child:
    """A running process with its log file."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name, self._process, self._log = name, process, log

    def check(self) -> None:
        """Raise DemoError with the end of its log if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise DemoError(f"{self.name} ended with code {code}: {self._last_line()} (see {self._log})")

    async def wait(self, timeout_seconds: float) -> None:
        """Wait for its end. Raises DemoError unless it succeeds in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.to_thread(self._process.wait)
        except TimeoutError as error:
            raise DemoError(
                f"{self.name} took more than {timeout_seconds:.0f} s (see {self._log})"
            ) from error
        if self._process.returncode:
            self.check()

    def _last_line(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")


@contextlib.contextmanager
def start(
    name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], cwd: Path | None = None
) -> Iterator[Child]:
    """Run a command with output in `<folder>/<name>.log`; end it, and all it started, with the context."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        try:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends its children in order.
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd or folder,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise DemoError(f"{command[0]} is not installed: run `make setup`") from error
        try:
            yield Child(name, process, log)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TERM_SECONDS)
    # Whatever the process itself had started is still in its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

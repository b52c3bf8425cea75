"""A follower in a process of its own, that knows an address and an L1 endpoint."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.support.chain import free_port
from tests.support.node import wait_until


class FollowerProcess:
    """`sotto node --follow`, which can be started and killed as often as one likes."""

    def __init__(self, folder: Path, l1: str, rollup: str, *options: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder, self._l1, self._rollup, self._options = folder, l1, rollup, options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        command = [
            *(sys.executable, "-m", "sotto.cli", "node", "--follow", "--rpc-url", self._l1),
            *("--rollup", self._rollup, "--database", f"sqlite:///{self._folder / 'follower.db'}"),
            *("--port", self.url.rsplit(":", 1)[1], "--poll-interval", "0.1"),
            *self._options,
        ]
        with (self._folder / "follower.log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        wait_until(self._is_ready)

    def has_ended(self) -> bool:
        """Whether the process is gone, for whatever reason."""
        return self._process is None or self._process.poll() is not None

    def close(self) -> None:
        """End it if it still runs."""
        if not self.has_ended():
            self.end()

    def log(self) -> str:
        """What it has logged over all starts."""
        return (self._folder / "follower.log").read_text()

    def end(self, number: int = signal.SIGKILL) -> int:
        """End it by a signal; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def get(self, path: str) -> Any:
        """JSON of an answer."""
        answer = httpx.get(self.url + path, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            return httpx.get(self.url + "/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

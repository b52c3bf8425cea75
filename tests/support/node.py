"""A node in a process of its own, so that tests can kill it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sotto.node.config import NodeConfig
from tests.support.chain import KEYS, free_port

T = TypeVar("T")

_START = "from sotto.node.lifecycle import run; from sotto.node.config import load_config; run(load_config())"
PROVING_SECONDS = 240
USUAL_LIMITS = {
    name: NodeConfig.model_fields[name].default for name in ("requests_per_minute", "submissions_per_minute")
}
"""Settings of a node that is attacked."""


def wait_until(question: Callable[[], T | None], seconds: float = PROVING_SECONDS) -> T:
    """The first answer that is true. Raises AssertionError after so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {seconds} s")


class NodeProcess:
    """A node on a local chain; `start` it as often as you like.

    Args:
        folder: database and log.
        settings: of NodeConfig, besides those that the class sets.
    """

    def __init__(self, folder: Path, l1_url: str, deployment: Path, **settings: object) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {
            "l1_url": l1_url,
            "deployment": deployment,
            "database": f"sqlite:///{folder / 'node.db'}",
            "port": self.port,
            "proposer_key": KEYS[1],
            "epoch_wait": 0.2,
            "poll_interval": 0.1,
            "retry_wait": 0.2,
            # All users of a test have one address.
            "requests_per_minute": 1_000_000,
            "submissions_per_minute": 1_000_000,
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "NodeProcess":
        """Start and wait until it is ready."""
        self.spawn()
        wait_until(self.is_ready)
        return self

    def spawn(self, **settings: object) -> None:
        """Start without waiting, with settings for this start only."""
        env = os.environ | {
            f"SOTTO_{name.upper()}": str(value) for name, value in {**self._settings, **settings}.items()
        }
        with (self.folder / "node.log").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START], env=env, stderr=output, stdout=output
            )

    def kill(self) -> None:
        """SIGKILL: the process gets no chance to write anything."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def has_ended(self) -> bool:
        """Whether the process is gone, for whatever reason."""
        return self._process is None or self._process.poll() is not None

    def exit_code(self) -> int:
        """Wait for the process to end by itself."""
        assert self._process is not None
        return self._process.wait(120)

    def close(self) -> None:
        """End it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def log(self) -> str:
        """What it has logged over all starts."""
        return (self.folder / "node.log").read_text()

    def get(self, path: str, **parameters: int) -> Any:
        """JSON of a successful answer."""
        answer = httpx.get(self.url + path, params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, transactions: list[Any], operations: list[Any] | None = None) -> httpx.Response:
        """Submit a bundle."""
        body = {"transactions": transactions, "operations": operations or []}
        return httpx.post(self.url + "/v1/transactions", json=body, timeout=60)

    def proven(self, epoch: int) -> dict[str, Any]:
        """Wait until an epoch is proven on L1, and return it."""
        wait_until(lambda: self.get("/v1/status")["proven"] >= epoch)
        found: dict[str, Any] = self.get("/v1/epochs", start=epoch, count=1)[0]
        return found

    @property
    def process_id(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it says so. Raises AssertionError with the log if it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            return httpx.get(self.url + "/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

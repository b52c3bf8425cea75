"""A node in a process of its own, on a local chain."""

import contextlib
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import httpx
from eth_account.signers.local import LocalAccount

from sotto.testing.chain import tool_environment
from sotto.testing.errors import SandboxError
from sotto.testing.processes import Child, free_port, start

_START_SECONDS: Final = 1800.0
"""Without proving keys in the cache a node makes them first."""

_OWN_VARIABLES: Final = ("DATABASE_URL", "RPC_SERVER_PORT", "TELEMETRY_PORT", "BLOCK_HEIGHT_FILE")
_KEPT_VARIABLE: Final = "SOTTO_CACHE"


class LocalNode:
    """A node that can be started, stopped and killed as often as one likes; use it as a context manager.

    Its port, database and log stay the same over all starts.

    Args:
        folder: for configuration, database and `node.log`.
        l1: JSON-RPC endpoint.
        deployment: the deployment file.
        proposer: pays for epochs on L1.
        fees: smallest units that a transaction costs, by asset.
        settings: of NodeConfig, besides those that the class sets.
    """

    def __init__(
        self,
        folder: Path,
        l1: str,
        deployment: Path,
        proposer: LocalAccount,
        fees: Mapping[int, int],
        **settings: object,
    ) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._config = folder / "node.toml"
        self._running = contextlib.ExitStack()
        self._child: Child | None = None
        key = folder / "proposer.key"
        key.touch(mode=0o600)
        key.write_text("0x" + bytes(proposer.key).hex())
        values = {
            "l1_url": l1,
            "deployment": str(deployment),
            "database": f"sqlite:///{folder / 'node.db'}",
            "port": port,
            "proposer_key_file": str(key),
            "requests_per_minute": 100_000,
            "submissions_per_minute": 100_000,
            "log_format": "json",
            **settings,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        rows = [f"{asset} = {fee}" for asset, fee in fees.items()]
        self._config.write_text("\n".join([*lines, "[fees]", *rows, ""]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers. Raises SandboxError."""
        self.spawn()
        self.wait_until_ready()

    def spawn(self) -> None:
        """Start it without waiting. Raises SandboxError."""
        self.stop()
        command = [sys.executable, "-m", "sotto.cli", "node", "run", "--config", str(self._config)]
        self._child = self._running.enter_context(start("node", command, self._folder, _environment()))

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises SandboxError if it ends instead."""
        child, deadline = self._started(), time.monotonic() + _START_SECONDS
        with httpx.Client(base_url=self.url) as http:
            while True:
                child.check()
                with contextlib.suppress(httpx.HTTPError):
                    if http.get("/ready").status_code == 200:
                        return
                if time.monotonic() > deadline:
                    raise SandboxError(
                        f"the node was not ready within {_START_SECONDS:.0f} s (see {child.log})"
                    )
                time.sleep(0.05)

    def stop(self) -> None:
        """Let it end in order; nothing happens if it does not run."""
        self._running.close()
        self._child = None

    def kill(self) -> None:
        """End it by SIGKILL, as a power cut would."""
        self._started().kill()
        self.stop()

    def check(self) -> None:
        """Raise SandboxError if it has ended by itself."""
        self._started().check()

    @property
    def log(self) -> Path:
        """File of all that it has logged, over all starts."""
        return self._folder / "node.log"

    def _started(self) -> Child:
        if self._child is None:
            raise SandboxError("the node is not started")
        return self._child


def _environment() -> dict[str, str]:
    """Without the settings of another node, which would come before those of the file."""
    return {
        name: value
        for name, value in tool_environment().items()
        if name == _KEPT_VARIABLE or not (name.startswith("SOTTO_") or name in _OWN_VARIABLES)
    }

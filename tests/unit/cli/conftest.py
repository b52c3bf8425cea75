"""The command line, run in this process against a recorded node behind HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from click.testing import CliRunner, Result
from tests.unit.wallet.recorded import CHAIN_ID, PASSWORD, ROLLUP, WORK, RecordedNode

from sotto import crypto
from sotto.cli import cli
from sotto.wallet import create_wallet

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    # Commands send them to the standard error that they have in the test.
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def node() -> RecordedNode:
    """A node at genesis."""
    crypto.install_hash_backend()
    return RecordedNode()


@pytest.fixture
def node_url(node: RecordedNode) -> Iterator[str]:
    """Serves the recorded node on the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers["Content-Length"])))

        def _serve(self, body: bytes) -> None:
            request = httpx.Request(self.command, f"http://node{self.path}", content=body)
            answer = node._answer(request)
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sotto's folder of this test."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SOTTO_HOME", str(folder))
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    """Runs `sotto` with arguments; the environment has the wallet's password and nothing else of Sotto."""

    def run_command(*arguments: str, password: str | None = PASSWORD, **options: Any) -> Result:
        environment = {"SOTTO_WALLET_PASSWORD": password, "SOTTO_L1_KEY": None, "SOTTO_L1": None}
        return CliRunner(mix_stderr=False).invoke(
            cli, list(arguments), env=environment, prog_name="sotto", **options
        )

    return run_command


@pytest.fixture
def wallet(tmp_path: Path) -> Path:
    """A wallet file."""
    path = tmp_path / "wallet.json"
    create_wallet(path, PASSWORD, CHAIN_ID, ROLLUP, work=WORK)
    return path


def document(result: Result) -> Any:
    """The one JSON document on stdout."""
    return json.loads(result.stdout)

"""Child processes: they end with their context, with an error, and with a parent that is killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sotto.testing.errors import SandboxError
from sotto.testing.processes import free_port, start

# A parent that starts a child, which starts one of its own; it says their numbers and waits.
PARENT = """
import os, sys, time
from pathlib import Path
from sotto.testing.processes import start

child = "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
folder = Path(sys.argv[1])
with start("child", [sys.executable, "-c", child], folder, dict(os.environ)) as running:
    while not running.log.read_text().endswith("\\n"):
        time.sleep(0.02)
    print(running.process_id, running.log.read_text().strip(), flush=True)
    time.sleep(600)
"""


def exists(process: int) -> bool:
    """Whether a process runs; one that has ended and whose parent has not asked yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        processes = [int(word) for word in parent.stdout.readline().split()]
        assert len(processes) == 2
        assert all(exists(process) for process in processes)
        parent.send_signal(number)
        parent.wait(60)
    wait_until(lambda: not any(exists(process) for process in processes))


def test_child_ends_with_its_context_also_after_an_error(tmp_path: Path) -> None:
    found = []

    def fail() -> None:
        with start("sleep", ["sleep", "600"], tmp_path, dict(os.environ)) as child:
            assert child.running
            found.append(child)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not found[0].running
    assert not exists(found[0].process_id)


def test_child_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sotto.testing.processes._TERM_SECONDS", 0.1)
    command = ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 600; done"]
    with start("deaf", command, tmp_path, dict(os.environ)) as child:
        wait_until(lambda: child.log.read_text() == "ready\n")
    assert not exists(child.process_id)


async def test_failure_names_the_last_line_of_the_log(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo first; echo the reason; exit 3"]
    with start("broken", command, tmp_path, dict(os.environ)) as child:
        with pytest.raises(SandboxError, match=r"broken ended with code 3: the reason \(see .*broken\.log\)"):
            await child.wait(60)
        with pytest.raises(SandboxError, match="code 3"):
            child.check()


async def test_child_may_succeed_or_take_too_long(tmp_path: Path) -> None:
    with start("fine", ["true"], tmp_path, dict(os.environ)) as child:
        await child.wait(60)
    with (
        start("slow", ["sleep", "600"], tmp_path, dict(os.environ)) as child,
        pytest.raises(SandboxError, match="slow took more than 0 s"),
    ):
        await child.wait(0.05)


def test_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(SandboxError, match="no-such-program is not installed"),
        start("none", ["no-such-program"], tmp_path, dict(os.environ)),
    ):
        pass


def test_free_ports_differ_and_can_be_listened_on() -> None:
    """Also as asyncio and anvil listen, although a connection of the port is in the kernel's memory."""

    async def listen(port: int) -> None:
        server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", port)
        server.close()
        await server.wait_closed()

    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        assert other.getsockname()[1] not in ports
    for port in ports:
        asyncio.run(listen(port))

"""Signals for processes that belong to a node, found in /proc: no process is asked to cooperate."""

import contextlib
import os
import signal
from pathlib import Path


def descendants(process_id: int) -> list[int]:
    """Process ids of all children, and theirs, oldest first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(entry), []).append(int(entry.name))
    found: list[int] = []
    waiting = [process_id]
    while waiting:
        own = sorted(children.get(waiting.pop(0), []))
        found += own
        waiting += own
    return found


def workers(process_id: int) -> list[int]:
    """Process ids of a node's prover workers."""
    return [pid for pid in descendants(process_id) if b"spawn_main" in _command(pid)]


def send(process_id: int, number: signal.Signals) -> None:
    """Send a signal; a process that has just ended is none to worry about."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, number)


def resident_bytes(process_id: int | None = None) -> int:
    """Memory of a process that is in RAM; by default of this one."""
    pages = int(Path(f"/proc/{process_id or 'self'}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _parent(entry: Path) -> int:
    try:
        # The command's name may hold spaces and brackets, but ends with the last one.
        return int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _command(process_id: int) -> bytes:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return b""

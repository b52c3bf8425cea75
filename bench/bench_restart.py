"""How long a node needs until it has its state again, and the memory that the state takes."""

import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _paths  # noqa: F401 - it is imported for its effect
from sqlalchemy import insert
from tests.support.history import History

from bench.results import machine, record
from sotto import crypto
from sotto.l1.watcher import BlockHead
from sotto.node.rebuild import rebuild
from sotto.node.snapshots import Snapshots
from sotto.node.store import Store
from sotto.node.tables import EpochRow, LaneRow, TransactionRow

IDENTITY = {"chain_id": "31337", "rollup": "0x" + "11" * 20}
LANES = 16
NOTES = 3 * LANES
BATCH = 64
SIZES = {"restart_s_100k_notes": 100_000, "restart_s_1m_notes": 1_000_000}
NOTE = (
    "SQLite, new process, from its start to a checked state, with a snapshot that is at most 512 epochs old; "
    "valid epochs of 16 transfers each, whose proofs are fillers as no restart reads them"
)


def grow(store: Store, history: History, epochs: int) -> None:
    """Add epochs as a node would have left them."""
    made = history.epochs(epochs)
    while batch := [epoch for _, epoch in zip(range(BATCH), made, strict=False)]:
        with store._session() as session:
            for table, rows in (
                (EpochRow, [epoch.row for epoch in batch]),
                (LaneRow, [lane for epoch in batch for lane in epoch.lanes]),
                (TransactionRow, [row for epoch in batch for row in epoch.transactions]),
            ):
                session.execute(insert(table), rows)
            session.commit()
        last = batch[-1].record
        store.save_cursor(BlockHead(last.commit_block, last.hash()))


def measure(folder: Path) -> dict[str, float]:
    """Start once in a new process. Returns seconds, and megabytes at the end and at most."""
    begun = time.time()
    command = [sys.executable, __file__, str(folder), str(begun)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ)
    # Before it come log lines.
    measured: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return measured


def start(folder: Path, begun: float) -> None:
    """What a node does at its start, up to the point at which it asks L1."""
    importlib.import_module("sotto.node.app")
    crypto.install_hash_backend()
    imported = _megabytes("VmRSS")
    store = Store(url(folder), IDENTITY)
    ledger, _ = rebuild(store, Snapshots(folder / "snapshots", IDENTITY))
    seconds = time.time() - begun
    gc.collect()
    store.close()
    json.dump(
        {
            "seconds": seconds,
            "state_mb": _megabytes("VmRSS") - imported,
            "rss_mb": _megabytes("VmRSS"),
            "peak_mb": _megabytes("VmHWM"),
            "notes": ledger.tip.note.size // 4 * 3,
        },
        sys.stdout,
    )


def _megabytes(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1000


def url(folder: Path) -> str:
    """The database in a folder."""
    return f"sqlite:///{folder / 'node.db'}"


def main() -> None:
    """Grow one database to both sizes, and measure at each."""
    crypto.install_hash_backend()
    with tempfile.TemporaryDirectory() as temporary:
        folder, history, epochs = Path(temporary), History(7, LANES), 0
        store = Store(url(folder), IDENTITY)
        store.save_genesis(history.genesis())
        for name, notes in SIZES.items():
            begun = time.monotonic()
            grow(store, history, -(-notes // NOTES) - epochs)
            epochs = -(-notes // NOTES)
            made = time.monotonic() - begun
            store.close()
            load = machine()
            without = measure(folder)
            measured = measure(folder)
            note = (
                f"{NOTE}; {without['seconds']:.1f} s without a snapshot; "
                f"resident {measured['rss_mb']:.0f} MB, at most {measured['peak_mb']:.0f} MB; "
                f"{epochs:,} epochs, made in {made:.0f} s"
            )
            record(name, measured["seconds"], 1, note, load)
            if notes == 1_000_000:
                per_million = measured["state_mb"] * 1e6 / measured["notes"]
                record(
                    "node_mb_per_million_notes",
                    per_million,
                    1,
                    "resident, above a process without state",
                    load,
                )
            store = Store(url(folder), IDENTITY)
        store.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        start(Path(sys.argv[1]), float(sys.argv[2]))
    else:
        main()

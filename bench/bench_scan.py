"""The wallet's scanner against the X25519 rate that bounds it, and a wallet's sync, at 1,000,000 notes.

The raw rate is that of the same X25519 code on the same number of threads, measured in turns with it:
`go test -bench X25519` in circuits/note.
"""

import asyncio
import os
import re
import statistics
import subprocess
import tempfile
import time
import tracemalloc
from pathlib import Path

import _paths
from tests.support.synthetic import CHAIN_ID, NOTES_A_LANE, ROLLUP, SyntheticNode

from bench.results import machine, record
from sotto.crypto import note_encrypt, note_scan, x25519_public
from sotto.crypto.notes import CIPHERTEXT_SIZE
from sotto.wallet import Connection, Wallet, create_wallet

ROUNDS = 9
BATCH = 20_000
MILLION = 1_000_000
OWN_EVERY = 1_000
LANES = 16
PASSWORD = "bench"  # noqa: S105 - of a file made here
SECRET = bytes([7]) * 32


def list_of(count: int) -> bytes:
    """Ciphertexts of strangers, which are random bytes, and every OWN_EVERY-th for SECRET."""
    out = bytearray(os.urandom(count * CIPHERTEXT_SIZE))
    key = x25519_public(SECRET)
    for place in range(0, count, OWN_EVERY):
        at = place * CIPHERTEXT_SIZE
        out[at : at + CIPHERTEXT_SIZE] = note_encrypt(os.urandom(32), key, place + 1, 1)[0]
    return bytes(out)


def scan_rate(ciphertexts: bytes) -> float:
    """Ciphertexts a second through the Python interface."""
    begun = time.perf_counter()
    found = note_scan(SECRET, ciphertexts)
    taken = time.perf_counter() - begun
    count = len(ciphertexts) // CIPHERTEXT_SIZE
    assert len(found) == -(-count // OWN_EVERY)
    return count / taken


def raw_rate(binary: Path) -> float:
    """X25519 agreements a second on all cores."""
    command = [str(binary), "-test.run", "^$", "-test.bench", "^BenchmarkX25519$", "-test.benchtime", "0.5s"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^BenchmarkX25519\S*\s+\d+\s+([\d.]+) ns/op", output, re.MULTILINE)
    assert found is not None, output
    return 1e9 / float(found[1])


def measure_scanner() -> None:
    """The three figures of the scanner."""
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "note.test"
        subprocess.run(
            ["go", "test", "-c", "-o", str(binary), "./note"], check=True, cwd=_paths.ROOT / "circuits"
        )
        batch, load = list_of(BATCH), machine()
        scan_rate(batch)
        pairs = [(raw_rate(binary), scan_rate(batch)) for _ in range(ROUNDS)]
    raw, rate = (statistics.median(column) for column in zip(*pairs, strict=True))
    record("scan_notes_per_s", rate, ROUNDS, f"median; raw X25519 {raw:,.0f} a second", load)
    fraction = statistics.median(scanned / bare for bare, scanned in pairs)
    record("scan_fraction_of_x25519", fraction, ROUNDS, "median of rounds in turns, same threads", load)
    everything, load = list_of(MILLION), machine()
    record("scan_1m_notes_s", MILLION / scan_rate(everything), 1, "1,000 of them own", load)


async def measure_sync() -> None:
    """First sync of a wallet, the node's answers made in this process, and what the open wallet holds."""
    node = SyntheticNode()
    for _ in range(-(-MILLION // (NOTES_A_LANE * LANES))):
        node.extend(LANES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wallet.json"
        create_wallet(path, PASSWORD, CHAIN_ID, ROLLUP)
        connection = Connection("http://node", transport=node.transport())
        load, begun = machine(), time.perf_counter()
        async with await Wallet.open(path, PASSWORD, connection) as wallet:
            await wallet.sync()
        taken = time.perf_counter() - begun
        note = f"{node.notes:,} notes in {len(node.epochs):,} epochs, with serving them"
        record("wallet_sync_1m_notes_s", taken, 1, note, load)
        load, begun = machine(), time.perf_counter()
        async with await Wallet.open(path, PASSWORD, connection):
            record("wallet_open_1m_notes_s", time.perf_counter() - begun, 1, "with the password", load)
        tracemalloc.start()
        async with await Wallet.open(path, PASSWORD, connection):
            held, _ = tracemalloc.get_traced_memory()
        record("wallet_mb_1m_notes", held / 1e6, 1, "held by the interpreter for the open wallet")


def main() -> None:
    """Measure everything; about four minutes on an idle machine of 2 cores."""
    measure_scanner()
    asyncio.run(measure_sync())


if __name__ == "__main__":
    main()

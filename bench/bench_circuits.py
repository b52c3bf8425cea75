"""Size of the circuits, keys, proving and verifying."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import _paths

from bench.results import machine, record
from sotto import crypto
from sotto.protocol.words import data_words

VECTORS = _paths.ROOT / "tests" / "vectors"
CIRCUITS = ("transfer", "exit", "rollup4", "rollup16", "rollup16blob")
LANES = 16
DATA_WORDS = data_words(LANES)
CLIENT_RUNS = 10
ROLLUP_RUNS = 3
_SETUP = "import sys; from sotto.crypto import prepare_keys; [prepare_keys(c) for c in sys.argv[1:]]"


def seconds(action: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median time and processor time (of all threads) of so many runs, after one that is not counted."""
    action()
    times, work = [], []
    for _ in range(runs):
        begun, worked = time.perf_counter(), time.process_time()
        action()
        times.append(time.perf_counter() - begun)
        work.append(time.process_time() - worked)
    return statistics.median(times), statistics.median(work)


def key_bytes() -> int:
    """Size of the transfer circuit's proving key in a cache that holds nothing else."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"SOTTO_CACHE": cache}
        subprocess.run([sys.executable, "-c", _SETUP, "transfer"], check=True, env=environment)
        (key,) = Path(cache).rglob("proving.key")
        return key.stat().st_size


def setup_seconds() -> float:
    """Time to make all keys in an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"SOTTO_CACHE": cache}
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", _SETUP, *CIRCUITS], check=True, env=environment)
        return time.perf_counter() - begun


def main() -> None:
    """Measure everything; about five minutes on an idle machine of 2 cores."""
    info = {circuit: crypto.prepare_keys(circuit) for circuit in CIRCUITS}
    record("transfer_constraints", info["transfer"].constraints, 1)
    record("exit_constraints", info["exit"].constraints, 1)
    record("rollup_constraints_per_lane", -(-info["rollup16"].constraints // LANES), 1)
    in_blob = info["rollup16blob"].constraints
    record("rollup16blob_constraints", in_blob, 1)
    record("blob_bind_constraints_per_word", (in_blob - info["rollup16"].constraints) / DATA_WORDS, 1)
    record("transfer_key_mb", key_bytes() / 1e6, 1)

    witness = (VECTORS / "transfer-transfer.json").read_bytes()
    load = machine()
    taken, worked = seconds(lambda: crypto.prove("transfer", witness), CLIENT_RUNS)
    record("transfer_prove_s", taken, CLIENT_RUNS, "median, keys loaded", load)
    record("transfer_prove_cpu_s", worked, CLIENT_RUNS, "median", load)
    leaving = (VECTORS / "exit-present.json").read_bytes()
    load = machine()
    taken, _ = seconds(lambda: crypto.prove("exit", leaving), CLIENT_RUNS)
    record("exit_prove_s", taken, CLIENT_RUNS, "median, keys loaded", load)
    rollup = (VECTORS / "rollup-16-mixed.json").read_bytes()
    load = machine()
    taken, worked = seconds(lambda: crypto.prove("rollup16", rollup), ROLLUP_RUNS)
    record(
        "rollup_prove_s_per_tx_n16",
        taken / LANES,
        ROLLUP_RUNS,
        f"median, keys loaded; {taken:.2f} s an epoch",
        load,
    )
    record("rollup_prove_cpu_s_n16", worked, ROLLUP_RUNS, "median; an epoch", load)
    in_blob_witness = (VECTORS / "rollup-16-blob.json").read_bytes()
    load = machine()
    taken, worked = seconds(lambda: crypto.prove("rollup16blob", in_blob_witness), ROLLUP_RUNS)
    record("rollup16blob_prove_s", taken, ROLLUP_RUNS, "median, keys loaded; an epoch", load)
    record("rollup16blob_prove_cpu_s", worked, ROLLUP_RUNS, "median; an epoch", load)

    proofs = [crypto.prove("transfer", witness) for _ in range(LANES)]
    publics, data = [p.public for p in proofs], [p.proof for p in proofs]
    load = machine()
    one, _ = seconds(lambda: crypto.verify("transfer", publics[0], data[0]), CLIENT_RUNS)
    record("proof_verify_ms", one * 1000, CLIENT_RUNS, "median", load)
    load = machine()
    many, _ = seconds(lambda: crypto.verify_batch("transfer", publics, data), CLIENT_RUNS)
    record("proof_batch_verify_ms_per_proof", many * 1000 / LANES, CLIENT_RUNS, "median", load)

    total = sum(i.constraints for i in info.values())
    load = machine()
    taken = setup_seconds()
    record(
        "setup_s_per_million_constraints",
        taken * 1e6 / total,
        1,
        f"phase 1 and all circuits in {taken:.0f} s",
        load,
    )


if __name__ == "__main__":
    main()

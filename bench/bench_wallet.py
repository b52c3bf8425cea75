"""A payment as a user makes it: `sotto wallet send` from the start of the process to its end, on a sandbox.

The process starts the interpreter, opens the wallet with its password, follows the chain and compares it with
L1, loads the proving key from the cache, proves, and hands over.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

import _paths  # noqa: F401 - finds the tools

from bench.results import machine, record
from sotto.testing import Sandbox, SandboxUser, open_sandbox

ROUNDS = 5


def send(sandbox: Sandbox, payer: SandboxUser, receiver: str) -> tuple[float, float]:
    """Seconds of one command, and its processor time, which depends less on what else runs.

    The payment is proven before the next one, so that all do the same.
    """
    command = [sys.executable, "-m", "sotto.cli", "wallet", "send", "0.001", "ETH", receiver, "--json"]
    environment = os.environ | payer.environment
    begun, used = time.perf_counter(), processor_seconds()
    done = subprocess.run(command, check=True, env=environment, capture_output=True)
    seconds, processor = time.perf_counter() - begun, processor_seconds() - used
    number = json.loads(done.stdout)["number"]
    with payer.open_sync() as wallet:
        wallet.wait(number)
    sandbox.check()
    return seconds, processor


def processor_seconds() -> float:
    """Of all children that have ended; the node of the sandbox has not."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure, after one payment that fills the caches."""
    with open_sandbox(2) as sandbox:
        alice, bob = sandbox.users
        send(sandbox, alice, bob.address)
        load = machine()
        runs = [send(sandbox, alice, bob.address) for _ in range(ROUNDS)]
    seconds, processor = zip(*runs, strict=True)
    spread = f"{min(seconds):.2f} to {max(seconds):.2f} s"
    note = f"median; {spread}, processor time {statistics.median(processor):.2f} s"
    record("wallet_transfer_total_s", statistics.median(seconds), ROUNDS, note, load)


if __name__ == "__main__":
    main()

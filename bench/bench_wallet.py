"""A payment as a user makes it: `sotto wallet send` from the start of the process to its end, on a sandbox.

The process starts the interpreter, opens the wallet with its password, follows the chain and compares it with
L1, loads the proving key from the cache, proves, and hands over.
"""

import json
import os
import statistics
import subprocess
import sys
import time

import _paths  # noqa: F401 - finds the tools

from bench.results import machine, record
from sotto.testing import Sandbox, SandboxUser, open_sandbox

ROUNDS = 5


def send(sandbox: Sandbox, payer: SandboxUser, receiver: str) -> float:
    """Seconds of one command; the payment is proven before the next, so that all do the same."""
    command = [sys.executable, "-m", "sotto.cli", "wallet", "send", "0.001", "ETH", receiver, "--json"]
    environment = os.environ | payer.environment
    begun = time.perf_counter()
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - begun
    number = json.loads(done.stdout)["number"]
    with payer.open_sync() as wallet:
        wallet.wait(number)
    sandbox.check()
    return seconds


def main() -> None:
    """Measure, after one payment that fills the caches."""
    with open_sandbox(2) as sandbox:
        alice, bob = sandbox.users
        send(sandbox, alice, bob.address)
        load = machine()
        seconds = [send(sandbox, alice, bob.address) for _ in range(ROUNDS)]
    note = f"median; {min(seconds):.2f} to {max(seconds):.2f} s"
    record("wallet_transfer_total_s", statistics.median(seconds), ROUNDS, note, load)


if __name__ == "__main__":
    main()

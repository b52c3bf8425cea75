"""What runs inside a worker process: the native prover with its keys in memory.

Proving takes seconds and gigabytes. In a process of its own it can be killed, or run out of memory, without
the node.
"""

import os
import threading
from multiprocessing import connection, parent_process

from sotto import crypto


def start(circuits: tuple[str, ...]) -> None:
    """Load keys before the first job, and end with the parent: a killed node leaves no worker behind."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    for circuit in circuits:
        crypto.prepare_keys(circuit)


def run(circuit: str, witness: bytes) -> tuple[bytes, list[int]]:
    """Prove one witness: proof bytes in EVM order and public inputs."""
    result = crypto.prove(circuit, witness)
    return result.proof, list(result.public)


def circuit_hash(circuit: str) -> bytes:
    """The hash that names the circuit of the loaded key, 32 bytes."""
    return crypto.prepare_keys(circuit).circuit_hash


def process_id() -> int:
    """For monitoring, and for tests that kill a worker."""
    return os.getpid()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)

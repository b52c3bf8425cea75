"""A chain's transactions once more: on another hardfork, or looked at call by call."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.chain import LocalChain, free_port
from web3 import HTTPProvider, Web3

NEWEST_FORK = "osaka"
"""The newest hardfork that the pinned anvil can run."""
ADD, MULTIPLY, PAIRING = 6, 7, 8
_PAIR_BYTES = 192


@contextmanager
def chain_of(hardfork: str, *arguments: str) -> Iterator[LocalChain]:
    """A new local chain of a hardfork."""
    port = free_port()
    command = ["anvil", "--silent", "--hardfork", hardfork, "--port", str(port), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ)
    try:
        url = f"http://127.0.0.1:{port}"
        web3 = Web3(HTTPProvider(url))
        deadline = time.monotonic() + 20
        while not web3.is_connected():
            assert process.poll() is None, "anvil ended"
            assert time.monotonic() < deadline, "anvil does not answer"
            time.sleep(0.05)
        yield LocalChain(url, web3, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def replay(source: LocalChain, target: LocalChain, last: int) -> dict[int, int]:
    """Send the transactions of all blocks up to `last` to another chain; the gas of each block there."""
    gas = {}
    for number in range(1, last + 1):
        hashes: Any = source.web3.eth.get_block(number).get("transactions", [])
        if not hashes:
            target.mine()
        for digest in hashes:
            old = source.web3.eth.get_transaction(digest)
            call: Any = {key: old[key] for key in ("from", "to", "value", "gas") if old.get(key) is not None}
            call["data"] = old["input"]
            sent = target.web3.eth.send_transaction(call)
            receipt = target.web3.eth.wait_for_transaction_receipt(sent)
            assert receipt["status"] == 1, f"block {number}"
            assert receipt["blockNumber"] == number
            gas[number] = int(receipt["gasUsed"])
    return gas


@dataclass(frozen=True)
class CurveWork:
    """What a transaction has the curve's precompiles do, and the gas that they took for it."""

    additions: int
    multiplications: int
    pairs: int
    gas: int


def curve_work(chain: LocalChain, transaction: bytes) -> CurveWork:
    """Read from the trace of a transaction's calls. Raises AssertionError if the trace does not add up."""
    trace = chain.request("debug_traceTransaction", ["0x" + transaction.hex(), {"tracer": "callTracer"}])
    found: Counter[int] = Counter()
    pairs = gas = 0
    pending = [trace]
    while pending:
        call = pending.pop()
        pending += call.get("calls", [])
        address = int(call.get("to") or "0x0", 16)
        if address in (ADD, MULTIPLY, PAIRING):
            found[address] += 1
            gas += int(call["gasUsed"], 16)
            pairs += (len(call["input"]) - 2) // (2 * _PAIR_BYTES) if address == PAIRING else 0
    # Prices of EIP-1108: a trace that leaves out calls must not pass for a transaction without any.
    priced = 150 * found[ADD] + 6_000 * found[MULTIPLY] + 45_000 * found[PAIRING] + 34_000 * pairs
    assert found[PAIRING], "no pairing in the trace"
    assert gas == priced, f"{gas} gas in the trace, {priced} by its calls"
    return CurveWork(found[ADD], found[MULTIPLY], pairs, gas)

"""Leaving a frozen rollup: gas of exits, and the time from an empty folder to the money."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import _paths
from web3 import AsyncHTTPProvider, AsyncWeb3

from bench.results import machine, record
from sotto import crypto
from sotto.l1.bridge import BridgeContract
from sotto.l1.exit import ExitContract
from sotto.l1.history import History
from sotto.l1.sender import Sender
from sotto.protocol.keys import derive, seed_from_phrase
from sotto.testing.chain import funded_account
from sotto.wallet.leaving import ExitMaker, ExitOptions
from sotto.wallet.recovery import recover

SAVINGS = 9
RECIPIENT = 0xE817
NEW_ACCOUNT = 25_000
"""Gas of the first payment to an address that had nothing."""


async def measure_gas(ruin: Any) -> tuple[int, int]:
    """Gas of one exit, and of one transaction with all the others of bob's notes, an exit each."""
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(ruin.chain.url))
    try:
        history = await History.open(web3, bytes.fromhex(ruin.rollup[2:]))
        keys = derive(seed_from_phrase(ruin.owners[1].words), history.domain)
        found = await recover(history, keys.viewing)
        maker = ExitMaker(keys.viewing, [keys.account_seed], found.state)
        proven = [await maker.prove(note, ExitOptions(RECIPIENT)) for note in found.notes]
        bridge = BridgeContract(web3, await history.rollup.bridge())
        contract, sender = ExitContract(web3, await bridge.exit()), Sender(web3, funded_account(7))
        first = await sender.send(contract.exit(found.record, proven[0]))
        rest = await sender.send(contract.exit_many(found.record, proven[1:]))
        assert len(contract.exited(rest)) == len(proven) - 1 == SAVINGS
        return first["gasUsed"], rest["gasUsed"]
    finally:
        await web3.provider.disconnect()


def main() -> None:
    """Measure; about two minutes on an idle machine of 2 cores."""
    assert _paths.ROOT.exists()
    from tests.support.ruin import FREEZE_TIME, open_ruin

    crypto.install_hash_backend()
    load = machine()
    with tempfile.TemporaryDirectory() as name, open_ruin(Path(name), savings=SAVINGS) as ruin:
        folder = Path(name)
        ruin.chain.mine(FREEZE_TIME)
        ruin.sotto("freeze", home=folder, key=funded_account(7))
        alice = ruin.owners[0]
        begun = time.perf_counter()
        done = ruin.leave(alice, folder / "empty", receiver="0x" + "a1" * 20)
        seconds = time.perf_counter() - begun
        assert len(done["exits"]) + len(done["claims"]) + len(done["pulled_back"]) >= 3, done
        one, rest = asyncio.run(measure_gas(ruin))
    note = f"anvil; {len(done['exits'])} notes, a claim and a deposit paid back, {done['epoch']} epochs"
    record("exit_end_to_end_s", seconds, 1, note + ", process start included", load)
    record("gas_exit_note", one, 1, "ETH to a new address, real proof", load)
    further = (rest - (one - NEW_ACCOUNT)) / (SAVINGS - 1)
    note = f"exitMany of {SAVINGS} notes less an exit of one, per note; to an address that has ETH"
    record("gas_exit_further", round(further), 1, note, load)


if __name__ == "__main__":
    sys.exit(main())

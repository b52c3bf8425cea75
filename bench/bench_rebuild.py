"""How long a follower takes to rebuild 10,000 transactions from L1, with no database.

The epochs go through the real contracts on a local chain, in full: their words follow from each other and
stand in the calldata. Only their proofs are missing, as making them would take hours: the verifiers' code is
replaced by code that takes everything. A follower does not ask them.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import _paths  # noqa: F401 - it is imported for its effect
from tests.support.chain import LocalChain, anvil, build_contracts, deploy
from tests.support.history import History
from web3 import AsyncWeb3

from bench.results import machine, record
from sotto import crypto
from sotto.l1.deployment import read_deployment
from sotto.l1.events import ReceivedCommit
from sotto.l1.rollup import CommitInput, RollupContract
from sotto.node import logs
from sotto.node.follower import FollowConfig, follow
from sotto.protocol.l1 import compute_domain
from sotto.protocol.words import Layout

LANES = 16
EPOCHS = 625
_STOP = "0x00"


def publish(chain: LocalChain, deployment: Path, epochs: int) -> bytes:
    """Commit and prove so many epochs. Returns the rollup's address."""
    web3: Any = chain.web3
    known = read_deployment(deployment)
    rollup = RollupContract(AsyncWeb3(), known.address("Rollup"))
    address = bytes.fromhex(rollup.address[2:])
    for verifier in known.verifiers().values():
        chain.request("anvil_setCode", [verifier, _STOP])
    sender = web3.eth.accounts[1]
    domain = compute_domain(web3.eth.chain_id, address)
    history = History(domain, LANES, clock=web3.eth.block_number)
    [log] = web3.eth.get_logs({"address": rollup.address, "fromBlock": 0})
    genesis = rollup.decode(log)
    assert isinstance(genesis, ReceivedCommit)
    parent = genesis.record
    for epoch in history.epochs(epochs):
        commit = CommitInput(
            parent=parent,
            verifier=known.verifiers()[Layout(LANES)],
            fee_recipient=sender,
            c=epoch.record.c,
            words=epoch.row["words"],
            queue_tails=[],
            client_proofs=bytes(256 * LANES),
            oldest_successor=None,
        )
        call: Any = rollup.commit_and_prove(commit, sender, bytes(256))
        sent = web3.eth.send_transaction({**call, "from": sender, "gas": 15_000_000})
        receipt = web3.eth.wait_for_transaction_receipt(sent)
        assert receipt["status"] == 1, epoch.record.id
        committed = next(
            event
            for event in (rollup.decode(log) for log in receipt["logs"])
            if isinstance(event, ReceivedCommit)
        )
        parent = committed.record
    return address


async def rebuild(url: str, rollup: bytes, folder: Path) -> tuple[int, float]:
    """Follow from nothing. Returns the last epoch and the seconds that it took."""
    begun = time.monotonic()
    async with follow(FollowConfig(url, rollup, f"sqlite:///{folder / 'follower.db'}")) as followed:
        await followed.following.catch_up(followed.core, followed.chain)
        await followed.chain.check()
        return followed.core.ledger.confirmed_id, time.monotonic() - begun


def main() -> None:
    """Measure, and record the figure."""
    build_contracts()
    crypto.install_hash_backend()
    logs.configure("warning", "console")
    with tempfile.TemporaryDirectory() as folder, anvil() as chain:
        path = Path(folder)
        rollup = publish(chain, deploy(chain, path), EPOCHS)
        before = machine()
        epoch, seconds = asyncio.run(rebuild(chain.url, rollup, path))
    assert epoch == EPOCHS
    record("rebuild_s_10k_tx", seconds, 1, f"{EPOCHS * LANES} transactions in {EPOCHS} epochs, anvil", before)


if __name__ == "__main__":
    main()

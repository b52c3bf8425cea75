"""What the demo measures, and the check of full reserve."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hexbytes import HexBytes
from web3.types import TxParams

from sotto.demo.stage import DemoError, Stage
from sotto.l1.bridge import ETH, BridgeContract
from sotto.l1.sender import Sender
from sotto.l1.token import TokenContract
from sotto.wallet.context import NativeProver
from sotto.wallet.receipts import L1Receipt


@dataclass
class Figures:
    """Seconds of proofs, and gas of L1 transactions in their order."""

    client_seconds: list[float] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)
    gas: list[tuple[str, int]] = field(default_factory=list)
    transfers: int = 0
    transfer_gas: int = 0

    def add(self, what: str, receipt: L1Receipt) -> None:
        """Note an L1 transaction."""
        self.gas.append((what, receipt.gas))


class TimedProver(NativeProver):
    """Proves on this machine and notes how long it takes."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    async def prove(self, witness: dict[str, object]) -> bytes:
        """See NativeProver."""
        start = time.monotonic()
        proof = await super().prove(witness)
        self._figures.client_seconds.append(time.monotonic() - start)
        return proof


def read_epoch_seconds(log: Path) -> list[float]:
    """Proving times of epochs from the node's log."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        if '"epoch proof made"' in line:
            match = re.search(r'"seconds": ?([0-9.]+)', line)
            if match:
                found.append(float(match[1]))
    return found


async def epoch_gas(stage: Stage, transaction: str) -> int:
    """Gas of the L1 transaction that committed and proved an epoch."""
    receipt = await stage.web3.eth.get_transaction_receipt(HexBytes(transaction))
    return int(receipt["gasUsed"])


async def mint(stage: Stage, token: TokenContract, receiver: Any, value: int) -> None:
    """Give an L1 account test tokens."""
    data = b"\x40\xc1\x0f\x19" + bytes.fromhex(receiver.address[2:]).rjust(32, b"\0") + value.to_bytes(32)
    transaction: TxParams = {"to": token.address, "data": HexBytes(data)}
    await Sender(stage.web3, stage.accounts[0], poll_seconds=0.05).send(transaction)


@dataclass(frozen=True, slots=True)
class Reserve:
    """One asset at the end, in smallest units.

    Attributes:
        held: what the bridge contract holds.
        liabilities: what it counts that it owes.
        notes: what the wallets can spend.
        fees: what it owes to the node.
    """

    asset: int
    held: int
    liabilities: int
    notes: int
    fees: int

    def check(self) -> None:
        """Raise DemoError unless every unit is there and accounted for."""
        owed = self.notes + self.fees
        if self.held < self.liabilities or self.liabilities != owed:
            raise DemoError(
                f"full reserve is broken for asset {self.asset}: the bridge holds {self.held}, counts "
                f"{self.liabilities}, and owes {owed}"
            )


async def read_reserve(stage: Stage, asset: int, notes: int) -> Reserve:
    """Ask the contracts about an asset of which the wallets hold `notes`."""
    bridge = BridgeContract(stage.web3, stage.deployment.address("Bridge"))
    vault = await bridge.asset(asset)
    if asset == ETH:
        held = int(await stage.web3.eth.get_balance(bridge.address))
    else:
        held = await TokenContract(stage.web3, vault.token).balance_of(bridge.address)
    fees = await bridge.fees_owed(stage.accounts[1].address, asset)
    return Reserve(asset, held, vault.liabilities, notes, fees)

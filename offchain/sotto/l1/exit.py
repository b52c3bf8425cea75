"""The contract `Exit`: notes that leave a frozen rollup (docs/spec/13-exit.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3.types import LogReceipt, TxParams, TxReceipt

from sotto.l1.contract import Contract
from sotto.l1.events import ReceivedExit, position_of
from sotto.l1.records import record_to_abi
from sotto.protocol.l1 import EpochRecord

_PROOF_GAS = 500_000
_EXIT_GAS = 300_000
"""More than a note takes that pays a token with a costly transfer, and its share of the proof."""


@dataclass(frozen=True, slots=True)
class ProvenExit:
    """A note that leaves, with its proof of 256 bytes. Addresses have 20 bytes, amounts are smallest units.

    Attributes:
        recipient: gets value - fee.
        executor: gets the fee; zeros and fee 0 for nobody.
    """

    nullifier: int
    asset: int
    value: int
    recipient: bytes
    executor: bytes
    fee: int
    proof: bytes

    def to_abi(self) -> tuple[Any, ...]:
        """`ExitRequest` as web3 encodes it."""
        recipient, executor = to_checksum_address(self.recipient), to_checksum_address(self.executor)
        return self.nullifier, self.asset, self.value, recipient, executor, self.fee


class ExitContract(Contract):
    """The way out of a frozen rollup, note by note."""

    abi_name = "Exit"

    async def has_exited(self, nullifier: int) -> bool:
        """Whether the note with this nullifier has left."""
        return cast(bool, await self._call("hasExited", nullifier))

    async def verifier(self) -> ChecksumAddress:
        """Address of the contract that checks the proofs."""
        return to_checksum_address(await self._call("verifier"))

    def exit(self, last: EpochRecord, leaving: ProvenExit) -> TxParams:
        """Transaction that pays one note; `last` is the record of the last proven epoch."""
        return self._transaction("exit", record_to_abi(last), leaving.to_abi(), leaving.proof)

    def exit_many(self, last: EpochRecord, leaving: Sequence[ProvenExit]) -> TxParams:
        """Transaction that pays many notes; one that left before, or whose payment fails, blocks no other."""
        requests = [each.to_abi() for each in leaving]
        proofs = b"".join(each.proof for each in leaving)
        least_gas = _PROOF_GAS + _EXIT_GAS * len(requests)
        return self._transaction("exitMany", record_to_abi(last), requests, proofs, least_gas=least_gas)

    def decode(self, log: LogReceipt) -> ReceivedExit | None:
        """Typed event of a log of this contract."""
        found = self._read_log(log)
        if found is None or found[0] != "Exited":
            return None
        arguments = found[1]
        return ReceivedExit(
            position_of(log),
            arguments["nullifier"],
            bytes.fromhex(arguments["recipient"][2:]),
            arguments["asset"],
            arguments["value"],
            bytes.fromhex(arguments["executor"][2:]),
            arguments["fee"],
        )

    def exited(self, receipt: TxReceipt) -> list[ReceivedExit]:
        """The notes that a transaction has paid."""
        logs = [log for log in receipt["logs"] if log["address"] == self.address]
        return [event for log in logs if (event := self.decode(log)) is not None]

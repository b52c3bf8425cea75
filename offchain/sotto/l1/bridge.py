"""The contract `Bridge`: deposits, claims and fees (docs/spec/06-l1.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from eth_hash.auto import keccak
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3.types import LogReceipt, TxParams, TxReceipt

from sotto.l1.contract import Contract
from sotto.l1.events import QueueEvent, ReceivedDeposit
from sotto.l1.records import summary_to_abi
from sotto.protocol.l1 import EpochRecord, QueueItem

ETH = 1
CIPHERTEXT_BYTES = 93
_CLAIM_GAS = 200_000
"""More than a claim takes that pays a token with a costly transfer."""


@dataclass(frozen=True, slots=True)
class AssetState:
    """A listed asset, in the order of the ABI. Amounts in its smallest unit."""

    liabilities: int
    cap: int
    token: ChecksumAddress


@dataclass(frozen=True, slots=True)
class Claim:
    """One withdrawal of a proven epoch with its Merkle proof: 32 bytes for each level."""

    record: EpochRecord
    lane: int
    asset: int
    value: int
    recipient: int
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class PermitSignature:
    """EIP-2612 signature for an allowance of exactly a deposit's value; r and s have 32 bytes."""

    deadline: int
    v: int
    r: bytes
    s: bytes


class BridgeContract(Contract):
    """Vault of all funds inside the rollup."""

    abi_name = "Bridge"

    async def is_listed(self, asset: int) -> bool:
        """Whether deposits of an asset are possible at all."""
        return cast(bool, await self._call("isListed", asset))

    async def asset(self, asset: int) -> AssetState:
        """Liabilities, cap and token of an asset."""
        return AssetState(*await self._call("assets", asset))

    async def is_claimed(self, epoch: int, lane: int) -> bool:
        """Whether a withdrawal was paid."""
        return cast(bool, await self._call("isClaimed", epoch, lane))

    async def exit(self) -> ChecksumAddress:
        """Address of the contract by which notes leave a frozen rollup."""
        return to_checksum_address(await self._call("exit"))

    async def is_pulled_back(self, index: int) -> bool:
        """Whether a queue item was paid back to its sender."""
        return cast(bool, await self._call("isPulledBack", index))

    async def fees_owed(self, account: ChecksumAddress, asset: int) -> int:
        """Fees that an account may withdraw."""
        return cast(int, await self._call("feesOwed", account, asset))

    def deposit_eth(self, value: int, partial: int, ciphertext: bytes) -> TxParams:
        """Transaction that deposits `value` wei as a note."""
        return self._transaction("depositETH", partial, ciphertext, value=value)

    def deposit(self, asset: int, value: int, partial: int, ciphertext: bytes) -> TxParams:
        """Transaction that deposits tokens; the sender has approved them to the bridge."""
        return self._transaction("deposit", asset, value, partial, ciphertext)

    def deposit_with_permit(
        self, asset: int, value: int, partial: int, ciphertext: bytes, permit: PermitSignature
    ) -> TxParams:
        """Transaction that deposits tokens with the allowance by signature."""
        signature = (permit.deadline, permit.v, permit.r, permit.s)
        return self._transaction("depositWithPermit", asset, value, partial, ciphertext, signature)

    def claim(self, claim: Claim) -> TxParams:
        """Transaction that pays a withdrawal to its recipient."""
        summary = summary_to_abi(claim.record)
        return self._transaction(
            "claim", summary, claim.lane, claim.asset, claim.value, claim.recipient, list(claim.proof)
        )

    def claim_many(self, claims: Sequence[Claim]) -> TxParams:
        """Transaction that pays many; one that fails stays open."""
        requests = [
            (summary_to_abi(c.record), c.lane, c.asset, c.value, c.recipient, list(c.proof)) for c in claims
        ]
        return self._transaction("claimMany", requests, least_gas=_CLAIM_GAS * (1 + len(requests)))

    def pull_back(self, event: QueueEvent, item: QueueItem) -> TxParams:
        """Transaction that pays a queue item of a frozen rollup, which no epoch took, back to its sender.

        Args:
            event: of the item, and `item` what the queue made of it (`sotto.l1.history.queue_item`).
        """
        sender, data = (
            (event.depositor, event.ciphertext)
            if isinstance(event, ReceivedDeposit)
            else (event.sender, event.transaction)
        )
        return self._transaction(
            "pullBack",
            event.index,
            int(item.kind),
            item.link,
            item.asset,
            item.value,
            item.recipient,
            to_checksum_address(sender),
            keccak(data),
        )

    def withdraw_fees(self, asset: int, recipient: ChecksumAddress) -> TxParams:
        """Transaction that pays the sender's fees of one asset."""
        return self._transaction("withdrawFees", asset, recipient)

    def listed(self, log: LogReceipt) -> tuple[int, ChecksumAddress] | None:
        """Asset and token of a log that lists one; None for others."""
        found = self._read_log(log)
        if found is None or found[0] != "AssetListed":
            return None
        return found[1]["asset"], to_checksum_address(found[1]["token"])

    def claimed(self, receipt: TxReceipt) -> list[tuple[int, int]]:
        """(epoch, lane) of each withdrawal that a transaction paid."""
        found = [self._read_log(log) for log in receipt["logs"] if log["address"] == self.address]
        return [(args["epoch"], args["lane"]) for name, args in filter(None, found) if name == "Claimed"]

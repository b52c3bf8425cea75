"""The contract `L1Queue` (docs/spec/06-l1.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from hexbytes import HexBytes
from web3.types import BlockIdentifier, LogReceipt, TxParams

from sotto.l1.contract import Contract
from sotto.l1.events import QueueEvent, ReceivedDeposit, ReceivedForced, position_of
from sotto.l1.records import record_from_abi, record_to_abi
from sotto.protocol.l1 import EpochRecord


@dataclass(frozen=True, slots=True)
class ForceInput:
    """A forced transaction, and what shows that its anchor is alive.

    Attributes:
        transaction: 692 bytes, see `sotto.protocol.forced`.
        proof: 256 bytes.
        anchor_record: of the proven epoch that the anchor is of.
        successor: record of the epoch after it, None when it is the last committed one.
    """

    transaction: bytes
    proof: bytes
    anchor_record: EpochRecord
    successor: EpochRecord | None


class L1QueueContract(Contract):
    """Messages from L1 in the order in which epochs take them."""

    abi_name = "L1Queue"

    async def length(self, block: BlockIdentifier = "latest") -> int:
        """Number of items ever queued."""
        return cast(int, await self._call("length", block=block))

    async def slots(self, start: int, count: int, block: BlockIdentifier = "latest") -> list[int]:
        """Storage words of items, see `QueueItem.slot`. Raises ContractRejected NoSuchItem."""
        taken, _ = await self._call("read", start, count, block=block)
        return list(taken)

    async def force_fee(self, block: BlockIdentifier = "latest") -> int:
        """Wei that one more forced transaction pays."""
        return cast(int, await self._call("forceFee", block=block))

    async def fees_of(self, indices: Sequence[int]) -> int:
        """Wei that items brought, in total."""
        return cast(int, await self._call("feesOf", list(indices)))

    def force(self, forced: ForceInput, value: int) -> TxParams:
        """Transaction that queues a forced transaction. `value` in wei; what is above the fee comes back."""
        successors = [] if forced.successor is None else [record_to_abi(forced.successor)]
        return self._transaction(
            "force",
            forced.transaction,
            forced.proof,
            record_to_abi(forced.anchor_record),
            successors,
            value=value,
        )

    def read_force(self, data: bytes) -> ForceInput:
        """The input of a call of `force` that `force` made."""
        _, arguments = self._contract.decode_function_input(HexBytes(data))
        successors = [record_from_abi(list(record.values())) for record in arguments["successor"]]
        return ForceInput(
            bytes(arguments["transaction"]),
            bytes(arguments["proof"]),
            record_from_abi(list(arguments["anchorRecord"].values())),
            successors[0] if successors else None,
        )

    async def item(self, index: int) -> tuple[int, int]:
        """Digest (216 bits) and L1 block of queueing of an item. Raises ContractRejected NoSuchItem."""
        slot = cast(int, await self._call("item", index))
        return slot >> 40, slot & ((1 << 40) - 1)

    def decode(self, log: LogReceipt) -> QueueEvent | None:
        """Typed event of a log of this contract; None for those that nobody follows."""
        found = self._read_log(log)
        if found is None:
            return None
        (name, arguments), position = found, position_of(log)
        match name:
            case "DepositQueued":
                return ReceivedDeposit(
                    position,
                    arguments["index"],
                    bytes.fromhex(arguments["depositor"][2:]),
                    arguments["asset"],
                    arguments["value"],
                    arguments["notePartial"],
                    bytes(arguments["ciphertext"]),
                )
            case "ForcedQueued":
                return ReceivedForced(
                    position,
                    arguments["index"],
                    bytes.fromhex(arguments["sender"][2:]),
                    arguments["fee"],
                    bytes(arguments["transaction"]),
                )
            case _:
                return None

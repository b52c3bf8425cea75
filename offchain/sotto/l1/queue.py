"""The contract `L1Queue` (docs/spec/06-l1.md)."""

from typing import cast

from web3.types import LogReceipt

from sotto.l1.contract import Contract
from sotto.l1.events import QueueEvent, ReceivedDeposit, ReceivedForced, position_of


class L1QueueContract(Contract):
    """Messages from L1 in the order in which epochs take them."""

    abi_name = "L1Queue"

    async def length(self) -> int:
        """Number of items ever queued."""
        return cast(int, await self._call("length"))

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

"""The contract `L1Queue` (docs/spec/06-l1.md)."""

from typing import cast

from web3.types import LogReceipt

from sotto.l1.contract import Contract
from sotto.l1.events import Event, ReceivedDeposit, position_of
from sotto.l1.rollup import event_topic


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

    def decode(self, log: LogReceipt) -> Event | None:
        """Typed event of a log of this contract; None for those that nobody follows."""
        event = self._contract.events.DepositQueued()
        if bytes(log["topics"][0]) != event_topic(event):
            return None
        arguments = event.process_log(log)["args"]
        return ReceivedDeposit(
            position_of(log),
            arguments["index"],
            bytes.fromhex(arguments["depositor"][2:]),
            arguments["asset"],
            arguments["value"],
            arguments["notePartial"],
            bytes(arguments["ciphertext"]),
        )

"""A shop that waits for payments, and hands out the goods when Ethereum has them.

Each invoice has a number, which the customer's wallet puts into the payment's reference. Only the shop reads
it; on the chain it looks like everything else.

    python docs/examples/merchant.py
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sotto.testing import Sandbox, open_sandbox
from sotto.wallet import ActionKind, ActionStatus, Payment, Wallet


@dataclass(frozen=True)
class Invoice:
    """What somebody has to pay: wei, under a number that is used once."""

    number: int
    value: int

    @property
    def reference(self) -> bytes:
        """The 20 bytes of its payment."""
        return self.number.to_bytes(20)


async def paid_invoices(wallet: Wallet, invoices: list[Invoice]) -> AsyncIterator[Invoice]:
    """Each invoice once, when all of it has arrived in proven epochs; several payments of one add up."""
    waiting = {invoice.reference.hex(): invoice for invoice in invoices}
    while waiting:
        await wallet.sync()
        received: Counter[str] = Counter()
        for action in wallet.history():
            # Notes that the node has merely accepted are no reason to deliver: they are not in the history.
            if (
                action.kind == ActionKind.RECEIVED
                and action.status == ActionStatus.PROVEN
                and action.asset == 1
            ):
                received[action.payments[0].reference] += action.value
        for reference, invoice in list(waiting.items()):
            if received[reference] >= invoice.value:
                yield waiting.pop(reference)
        await asyncio.sleep(0.5)


async def main(sandbox: Sandbox, first: int = 1001) -> list[Invoice]:
    """Bob's shop has three open invoices; Alice pays two of them in one transaction."""
    alice, bob = sandbox.users[:2]
    one, two, three = (Invoice(first + i, (i + 1) * 10**16) for i in range(3))
    async with await alice.open() as customer, await bob.open() as shop:
        payments = [Payment(shop.address, invoice.value, invoice.reference) for invoice in (one, two)]
        await customer.send("ETH", payments)
        delivered = []
        async for invoice in paid_invoices(shop, [one, two, three]):
            print(f"invoice {invoice.number} is paid")
            delivered.append(invoice)
            if len(delivered) == 2:
                return delivered
    return delivered


if __name__ == "__main__":
    with open_sandbox() as running:
        asyncio.run(main(running))

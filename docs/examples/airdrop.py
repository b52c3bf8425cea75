"""Pay many receivers, and go on after a crash without paying anybody twice.

    python docs/examples/airdrop.py [NUMBER OF RECEIVERS, by default 100]

Two receivers share a transaction, and an epoch has up to 16, so 100 receivers take 50 proofs and four epochs.
"""

import asyncio
import sys

from sotto.testing import Sandbox, open_sandbox
from sotto.wallet import BatchProgress, Payment, Wallet, format_amount

EACH = 10**16
"""Wei: 0.01 ETH."""


async def airdrop(wallet: Wallet, receivers: list[str]) -> BatchProgress:
    """Pay everybody; call it again after a crash, and it pays those that were not paid."""
    unfinished = [batch.number for batch in wallet.batches() if not batch.finished]
    if unfinished:
        number = unfinished[0]
    else:
        payments = [Payment(address, EACH) for address in receivers]
        plan = await wallet.plan_batch("ETH", payments)
        print(f"{plan.transactions} transactions, {format_amount(plan.fee, 18)} ETH of fees")
        # From here on the list is in the wallet's file.
        number = await wallet.start_batch("ETH", payments, max_fee=plan.fee)
    while True:
        progress = await wallet.continue_batch(number)
        print(f"{progress.proven} paid, {progress.pending} on their way, {progress.open} left")
        if progress.finished:
            return progress


async def main(sandbox: Sandbox, receivers: int = 100) -> BatchProgress:
    """Alice pays people who have only just made their wallets."""
    addresses = [sandbox.new_user().address for _ in range(receivers)]
    async with await sandbox.users[0].open() as wallet:
        return await airdrop(wallet, addresses)


if __name__ == "__main__":
    with open_sandbox(lanes=(4, 16)) as running:
        asyncio.run(main(running, *map(int, sys.argv[1:2])))

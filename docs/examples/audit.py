"""Let an auditor see all that a wallet does, without the power to spend.

python docs/examples/audit.py
"""

import asyncio
import tempfile
from pathlib import Path

from sotto.testing import Sandbox, open_sandbox
from sotto.wallet import (
    Connection,
    Payment,
    ViewingKind,
    Wallet,
    create_view_only,
    format_amount,
)
from sotto.wallet.errors import ViewOnlyWallet


async def audit(path: Path, connection: Connection) -> list[str]:
    """Balances and history as the auditor's own copy of the chain proves them."""
    async with await Wallet.open(path, "auditor's password", connection) as books:
        await books.sync()
        assets = await books.assets()
        report = []
        for number, balance in sorted(books.balances().items()):
            asset = assets[number]
            report.append(f"has {format_amount(balance.available, asset.decimals)} {asset.symbol}")
        for action in books.history():
            asset = assets[action.asset]
            amount = f"{format_amount(action.value, asset.decimals)} {asset.symbol}"
            report.append(f"{action.kind} {amount} in epoch {action.epoch}")
        try:
            await books.send("ETH", [Payment(books.address, 1)])
        except ViewOnlyWallet:
            report.append("cannot be spent from here")
        return report


async def main(sandbox: Sandbox) -> list[str]:
    """Alice hands out her full viewing key; the auditor has a node and an L1 endpoint of their own choice."""
    alice = sandbox.users[0]
    async with await alice.open() as wallet:
        key = wallet.viewing_key(ViewingKind.FULL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audited.json"
        create_view_only(path, "auditor's password", sandbox.chain_id, sandbox.rollup, key)
        report = await audit(path, Connection(sandbox.node.url, l1=sandbox.chain.url))
    print(*report, sep="\n")
    return report


if __name__ == "__main__":
    with open_sandbox() as running:
        asyncio.run(main(running))

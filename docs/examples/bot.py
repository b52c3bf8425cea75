"""A bot that forwards what it receives above a threshold, and never the same money twice.

It keeps no file of its own. What it forwards names where the money came from in the payment's reference, and
the wallet has written that down before the node hears of it. So after a crash at any point, the history tells
what was forwarded.

    python docs/examples/bot.py
"""

import asyncio
from collections import Counter

from sotto.testing import Sandbox, open_sandbox
from sotto.wallet import ActionKind, ActionStatus, Payment, Wallet
from sotto.wallet.errors import InsufficientFunds

THRESHOLD = 10**17
"""Wei: 0.1 ETH."""


def source(h: int) -> bytes:
    """The reference of what is forwarded from a transaction: 20 bytes of its id."""
    return h.to_bytes(32)[-20:]


async def forward(wallet: Wallet, target: str) -> list[int]:
    """One round: forward what has arrived and was not forwarded, and return these amounts in wei."""
    await wallet.sync()
    received: Counter[int] = Counter()
    forwarded = set()
    for action in wallet.history():
        if action.kind == ActionKind.RECEIVED and action.asset == 1:
            received[action.h] += action.value
        # A pending one counts: whether it went through is for the wallet to find out, not for the bot.
        elif action.kind == ActionKind.SENT and action.status in (ActionStatus.PENDING, ActionStatus.PROVEN):
            forwarded |= {payment.reference for payment in action.payments}
    amounts = []
    for h, value in received.items():
        if value >= THRESHOLD and source(h).hex() not in forwarded:
            try:
                await wallet.send("ETH", [Payment(target, value, source(h))])
            except InsufficientFunds:
                break  # The change of earlier ones is still on its way: the rest follows in another round.
            amounts.append(value)
    return amounts


async def main(sandbox: Sandbox) -> list[list[int]]:
    """Alice pays the bot more and less than the threshold; the bot is started three times."""
    alice, bot, carol = sandbox.users[0], sandbox.users[2], sandbox.new_user()
    async with await alice.open() as wallet:
        for value in (THRESHOLD, THRESHOLD // 2):
            action = await wallet.send("ETH", [Payment(bot.address, value)])
            await wallet.wait(action.number)
    rounds = []
    for _ in range(3):
        async with await bot.open() as wallet:
            rounds.append(await forward(wallet, carol.address))
    print(rounds)
    return rounds


if __name__ == "__main__":
    with open_sandbox(3) as running:
        asyncio.run(main(running))

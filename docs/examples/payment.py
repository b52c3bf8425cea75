"""Pay somebody privately, and wait until Ethereum has it.

    python docs/examples/payment.py

starts a sandbox of its own. In an application, open a wallet file with `Wallet.open` instead.
"""

import asyncio

from sotto.testing import Sandbox, open_sandbox
from sotto.wallet import Action, Payment, Wallet, WalletError, format_amount, parse_amount


async def pay(wallet: Wallet, receiver: str, amount: str, symbol: str) -> Action:
    """Pay an amount such as "0.25", and return the payment as it is once an epoch with it is proven."""
    asset = await wallet.asset(symbol)
    value = parse_amount(amount, asset.decimals)
    # Returns when the node has accepted it. The wallet has written it down before, so that a crash here is
    # no reason to pay again: the next `sync` finds out what became of it.
    action = await wallet.send(symbol, [Payment(receiver, value, memo="for the coffee")])
    print(f"accepted, {action.status}")
    action = await wallet.wait(action.number)
    print(f"{action.status} in epoch {action.epoch}, for a fee of {format_amount(action.fee, 18)} ETH")
    return action


async def main(sandbox: Sandbox) -> Action:
    """Alice pays Bob."""
    alice, bob = sandbox.users[:2]
    async with await alice.open() as wallet:
        try:
            return await pay(wallet, bob.address, "0.25", "ETH")
        except WalletError as error:
            print(f"{type(error).__name__}: {error}; {error.hint}")
            raise


if __name__ == "__main__":
    with open_sandbox() as running:
        asyncio.run(main(running))

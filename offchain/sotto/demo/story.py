"""The demo itself: three people, deposits, private payments, a withdrawal, and the books at the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount

from sotto.demo.figures import Figures, TimedProver, epoch_gas, mint, read_epoch_seconds, read_reserve
from sotto.demo.stage import CHAIN_ID, Say, Stage, open_stage
from sotto.l1.deployment import ListedAsset
from sotto.l1.token import TokenContract
from sotto.testing.folders import scratch_folder
from sotto.wallet import Connection, Payment, Wallet, create_wallet, format_amount
from sotto.wallet.client import NodeClient

_ETH: Final = 10**18
_DOLLAR: Final = 10**6
_PASSWORD: Final = "demo"  # noqa: S105 - the wallets last as long as the demo
_QUICK_WORK: Final = 14
_NAMES: Final = ("Alice", "Bob", "Carol")


@dataclass
class _Cast:
    """The three people with their wallets, and their accounts on L1."""

    stage: Stage
    figures: Figures
    wallets: dict[str, Wallet]
    accounts: dict[str, LocalAccount]
    token: ListedAsset
    say: Say

    def __getitem__(self, name: str) -> Wallet:
        return self.wallets[name]

    def amount(self, value: int, asset: int) -> str:
        """An amount with its symbol."""
        if asset == 1:
            return f"{format_amount(value, 18)} ETH"
        return f"{format_amount(value, self.token.decimals)} {self.token.symbol}"

    async def sync(self) -> None:
        """Bring all wallets up to date."""
        for wallet in self.wallets.values():
            await wallet.sync()


async def run_demo(say: Say, keep: bool = False) -> dict[str, object]:
    """Play the demo and return its figures. Raises SandboxError and the errors of wallet and L1.

    `say` prints a line. With `keep` the folder with logs and databases stays.
    """
    begun = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(scratch_folder("sotto-demo-", keep=keep))
        if keep:
            say(f"Logs and databases stay in {folder}")
        say(
            "Sotto keeps balances and payments private on Ethereum. This demo runs all of it on this machine."
        )
        stage = await stack.enter_async_context(open_stage(folder, say))
        figures = Figures()
        cast = await stack.enter_async_context(_open_wallets(folder, stage, figures, say))
        say(f"Ready after {time.monotonic() - begun:.0f} s.")
        await _deposit(cast)
        await _pay(cast)
        await _withdraw(cast)
        reserve = await _close_the_books(cast)
        seconds = time.monotonic() - begun
        say("")
        say(f"Done in {seconds:.0f} s. Nothing of this stays behind.")
        return {
            "seconds": round(seconds, 1),
            "client_proof_seconds": [round(s, 2) for s in figures.client_seconds],
            "epoch_proof_seconds": figures.epoch_seconds,
            "gas": [{"what": what, "gas": gas} for what, gas in figures.gas],
            "gas_per_transfer": figures.transfer_gas // max(1, figures.transfers),
            "reserve": reserve,
        }


@contextlib.asynccontextmanager
async def _open_wallets(folder: Path, stage: Stage, figures: Figures, say: Say) -> AsyncIterator[_Cast]:
    accounts = dict(zip(_NAMES, stage.accounts[2:], strict=True))
    token = next(asset for asset in stage.deployment.assets if asset.address is not None)
    async with contextlib.AsyncExitStack() as stack:
        wallets: dict[str, Wallet] = {}
        for name, account in accounts.items():
            path = folder / f"{name.lower()}.json"
            await asyncio.to_thread(create_wallet, path, _PASSWORD, CHAIN_ID, stage.rollup, work=_QUICK_WORK)
            connection = Connection(stage.node.url, l1=stage.l1, l1_account=account)
            opened = await Wallet.open(path, _PASSWORD, connection, prover=TimedProver(figures))
            wallets[name] = await stack.enter_async_context(opened)
            say(f"{name} has a new wallet; address {opened.address[:24]}...")
        yield _Cast(stage, figures, wallets, accounts, token, say)


def _heading(cast: _Cast, text: str) -> None:
    cast.say("")
    cast.say(text)


async def _deposit(cast: _Cast) -> None:
    _heading(cast, "1. Deposits. Ethereum sees who deposits how much; the note that results is hidden.")
    address = cast.token.address
    assert address is not None, "the demo's token is no ETH"
    contract = TokenContract(cast.stage.web3, address)
    await mint(cast.stage, contract, cast.accounts["Bob"], 500 * _DOLLAR)
    await _balances(cast, "before")
    made = []
    for name, asset, value in (("Alice", 1, 2 * _ETH), ("Bob", cast.token.asset, 500 * _DOLLAR)):
        deposit = await cast[name].deposit(str(asset), value)
        made.append((name, deposit.action))
        cast.say(f"   {name} deposits {cast.amount(value, asset)}: {deposit.receipt.gas:,} gas on Ethereum.")
        if deposit.approval is not None:
            cast.figures.add("token approval", deposit.approval)
        cast.figures.add(f"deposit of {cast.amount(value, asset)}", deposit.receipt)
    for name, action in made:
        await cast[name].wait(action.number)
    await _tell_epoch(cast, cast["Alice"].epoch, 0)
    await _balances(cast, "after")


async def _pay(cast: _Cast) -> None:
    _heading(
        cast,
        "2. Private payments. Ethereum sees that something moved, and the fee: not who, what or how much.",
    )
    await _balances(cast, "before")
    alice, bob, carol = (cast[name] for name in _NAMES)
    cast.say("   Alice pays 0.5 ETH to Bob and 0.25 ETH to Carol in one transaction.")
    first = await alice.send("ETH", [Payment(bob.address, _ETH // 2), Payment(carol.address, _ETH // 4)])
    _tell_proof(cast)
    await alice.wait(first.number)
    await _tell_epoch(cast, alice.epoch, 1)
    await cast.sync()
    symbol = cast.token.symbol
    cast.say(f"   Bob pays 120.50 {symbol} to Carol; the fee is in ETH, from another note of his.")
    cast.say("   At the same time Carol pays 0.1 ETH to Alice.")
    # Together, so that one epoch can have both.
    second, third = await asyncio.gather(
        bob.send(symbol, [Payment(carol.address, 120_500_000)]),
        carol.send("ETH", [Payment(alice.address, _ETH // 10)]),
    )
    cast.say("   Their wallets proved both and the node took them.")
    done = await asyncio.gather(bob.wait(second.number), carol.wait(third.number))
    epochs = sorted({action.epoch for action in done if action.epoch is not None})
    for epoch in epochs:
        await _tell_epoch(cast, epoch, 2 if len(epochs) == 1 else 1)
    await cast.sync()
    await _balances(cast, "after")


async def _withdraw(cast: _Cast) -> None:
    _heading(cast, "3. Withdrawal. Ethereum sees receiver and amount; not where the money came from.")
    carol, account = cast["Carol"], cast.accounts["Carol"]
    address = cast.token.address
    assert address is not None, "the demo's token is no ETH"
    contract, value = TokenContract(cast.stage.web3, address), 50 * _DOLLAR
    before = await contract.balance_of(account.address)
    cast.say(f"   Carol withdraws {cast.amount(value, cast.token.asset)} to her Ethereum account.")
    action = await carol.withdraw(cast.token.symbol, value, account.address)
    _tell_proof(cast)
    action = await carol.wait(action.number)
    await _tell_epoch(cast, carol.epoch, 1)
    receipt = await carol.claim(action)
    assert receipt is not None, "nobody else claims in the demo"
    cast.figures.add("claim of the withdrawal", receipt)
    after = await contract.balance_of(account.address)
    cast.say(
        f"   She claims it with a Merkle proof: {receipt.gas:,} gas. Her account on Ethereum had "
        f"{cast.amount(before, cast.token.asset)} and has {cast.amount(after, cast.token.asset)}."
    )


async def _close_the_books(cast: _Cast) -> list[dict[str, object]]:
    _heading(cast, "4. The books. Whatever the rollup owes, the bridge contract on Ethereum must hold.")
    await cast.sync()
    await _balances(cast, "at the end")
    reserve = []
    for asset in (1, cast.token.asset):
        notes = sum(
            wallet.balances()[asset].available
            for wallet in cast.wallets.values()
            if asset in wallet.balances()
        )
        found = await read_reserve(cast.stage, asset, notes)
        found.check()
        cast.say(
            f"   Bridge holds {cast.amount(found.held, asset)} = notes {cast.amount(found.notes, asset)} + "
            f"fees owed to the node {cast.amount(found.fees, asset)}: full reserve."
        )
        reserve.append(
            {"asset": asset, "held": str(found.held), "notes": str(found.notes), "fees": str(found.fees)}
        )
    cast.figures.epoch_seconds = read_epoch_seconds(cast.stage.node.log)
    _heading(cast, "Figures of this run")
    cast.say(f"   payment proofs, made by the wallets:  {_seconds(cast.figures.client_seconds)}")
    cast.say(f"   epoch proofs, made by the node:       {_seconds(cast.figures.epoch_seconds)}")
    for what, gas in cast.figures.gas:
        cast.say(f"   {what:<38}{gas:>12,} gas")
    each = cast.figures.transfer_gas // max(1, cast.figures.transfers)
    cast.say(f"   {'each private transfer':<38}{each:>12,} gas, in epochs that were nearly empty")
    return reserve


async def _tell_epoch(cast: _Cast, epoch: int, transfers: int) -> None:
    cast.stage.node.check()
    async with NodeClient(cast.stage.node.url) as client:
        message = (await client.epochs(epoch, 1))[0]
    gas = await epoch_gas(cast.stage, message.l1_transaction)
    cast.figures.gas.append((f"epoch {epoch}, {message.lanes} lanes", gas))
    cast.figures.transfers += transfers
    cast.figures.transfer_gas += gas if transfers else 0
    cast.say(f"   Epoch {epoch} is proven on Ethereum: {gas:,} gas. Every wallet checks that record.")


def _tell_proof(cast: _Cast) -> None:
    cast.say(f"   The wallet proved it in {cast.figures.client_seconds[-1]:.2f} s and the node took it.")


async def _balances(cast: _Cast, when: str) -> None:
    parts = []
    for name, wallet in cast.wallets.items():
        have = [
            cast.amount(balance.available, asset)
            for asset, balance in sorted(wallet.balances().items())
            if balance.available
        ]
        parts.append(f"{name} {' and '.join(have) or 'nothing'}")
    cast.say(f"   Private balances {when}: {'; '.join(parts)}.")


def _seconds(values: list[float]) -> str:
    return ", ".join(f"{value:.2f} s" for value in values) or "none"

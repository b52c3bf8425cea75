"""Users with real wallets who make load, and what their own history says they must hold."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

import httpx
from eth_account.signers.local import LocalAccount

from sotto.protocol.keys import new_phrase
from sotto.wallet import Action, Connection, Wallet, create_wallet
from sotto.wallet import Payment as Order
from sotto.wallet.errors import WalletError
from sotto.wallet.state import ActionKind, ActionStatus

ETH, TOKEN = 1, 2
PASSWORD = "password"
QUICK_WORK = 14
ETHER, DOLLAR = 10**18, 10**6
SMALLEST = {ETH: ETHER // 1000, TOKEN: DOLLAR}
FORCED_SHARE = 0.2
"""Of payments and withdrawals, that go through L1's queue."""


class RecordingTransport(httpx.AsyncBaseTransport):
    """HTTP as usual; remembers which transactions the node has answered for.

    Attributes:
        accepted: their ids, 0x hex, in order.
    """

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        response = await self._inner.handle_async_request(request)
        if request.method != "POST" or response.status_code != 200:
            return response
        content = await response.aread()
        answer = httpx.Response(200, headers=response.headers, content=content)
        self.accepted += answer.json()["ids"]
        return answer

    async def aclose(self) -> None:
        """See httpx."""
        await self._inner.aclose()


class User:
    """One user: words, an L1 account, a wallet.

    Attributes:
        refusals: how often which error ended an action of the load.
    """

    def __init__(
        self, name: str, folder: Path, account: LocalAccount, chain_id: int, rollup: bytes, random: Random
    ) -> None:
        self.name, self.account = name, account
        self.random = random
        self.phrase = new_phrase(random.randbytes(32))
        self.transport = RecordingTransport()
        self.refusals = Counter[str]()
        self._chain_id, self._rollup = chain_id, rollup
        self._path = folder / f"{name}.json"
        self._wallet: Wallet | None = None

    @property
    def wallet(self) -> Wallet:
        """The open wallet."""
        assert self._wallet is not None
        return self._wallet

    async def open(self, node: str, l1: str) -> None:
        """Make the wallet and open it."""
        create_wallet(self._path, PASSWORD, self._chain_id, self._rollup, phrase=self.phrase, work=QUICK_WORK)
        connection = Connection(node, l1=l1, l1_account=self.account, transport=self.transport)
        self._wallet = await Wallet.open(self._path, PASSWORD, connection)

    async def close(self) -> None:
        """Close the wallet if it is open."""
        if self._wallet is not None:
            await self._wallet.close()
            self._wallet = None

    async def restored(self, folder: Path, node: str, l1: str) -> dict[int, int]:
        """What the words alone give on an empty machine: available balance by asset."""
        await asyncio.to_thread(folder.mkdir)
        path = folder / self._path.name
        create_wallet(path, PASSWORD, self._chain_id, self._rollup, phrase=self.phrase, work=QUICK_WORK)
        async with await Wallet.open(path, PASSWORD, Connection(node, l1=l1)) as wallet:
            await wallet.sync()
            return available(wallet)

    async def act(self, others: Sequence["User"]) -> None:
        """One random action. A typed refusal is part of the load; anything else is a defect and is raised."""
        random, wallet = self.random, self.wallet
        asset = random.choice((ETH, ETH, TOKEN))
        value = SMALLEST[asset] * random.randrange(1, 20) + random.randrange(1000)
        kind = random.choices(("deposit", "pay", "withdraw"), (1, 3, 2))[0]
        payee = random.choice(others).wallet.address
        recipient = f"0x{random.randbytes(20).hex()}"
        force = random.random() < FORCED_SHARE
        try:
            match kind:
                case "deposit":
                    await wallet.deposit(str(asset), value)
                case "pay":
                    await wallet.send(str(asset), [Order(payee, value)], force=force)
                case _:
                    await wallet.withdraw(str(asset), value, recipient, force=force)
        except WalletError as error:
            self.refusals[type(error).__name__] += 1

    async def force(self, asset: int, value: int, payee: "User") -> Action:
        """Pay somebody through L1's queue. Raises errors of the wallet."""
        return await self.wallet.send(str(asset), [Order(payee.wallet.address, value)], force=True)

    async def claim_all(self) -> None:
        """Have L1 pay what is proven. Raises errors of the wallet."""
        for action in self.wallet.claimable():
            await self.wallet.claim(action)

    def unsettled(self) -> list[Action]:
        """Actions that are neither proven nor given up."""
        return [action for action in self.wallet.history() if action.status == ActionStatus.PENDING]


def available(wallet: Wallet) -> dict[int, int]:
    """Spendable amounts by asset, without zeros."""
    return {asset: b.available for asset, b in wallet.balances().items() if b.available}


def expected(users: Sequence[User], lanes: frozenset[int]) -> dict[str, Counter[int]]:
    """What each user must hold, by what the payers' histories say and L1 has.

    Args:
        lanes: h of everything with an effect in proven epochs. An action counts exactly when its h is there.
    """
    holdings = {user.name: Counter[int]() for user in users}
    names = {user.wallet.address: user.name for user in users}
    for user in users:
        own = holdings[user.name]
        for action in user.wallet.history():
            if action.h not in lanes or action.created is None:
                continue
            if action.kind == ActionKind.DEPOSIT:
                own[action.asset] += action.value
                continue
            own[action.fee_asset] -= action.fee
            own[action.asset] -= action.value
            for payment in action.payments:
                holdings[names[payment.address]][action.asset] += payment.value
    return holdings


def contradictions(user: User, lanes: frozenset[int]) -> list[str]:
    """Lines of the history that L1 refutes: proven without a lane, or given up with one."""
    found = []
    for action in user.wallet.history():
        is_there = action.h in lanes
        if is_there != (action.status == ActionStatus.PROVEN):
            found.append(
                f"{user.name}: action {action.number} ({action.kind}) is {action.status} {action.cause!r}, "
                f"but L1 {'has' if is_there else 'does not have'} it"
            )
    return found

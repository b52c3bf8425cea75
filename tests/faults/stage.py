"""A whole deployment that can be disturbed everywhere: chain, node with workers, database, users."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy import make_url
from web3.exceptions import Web3Exception

from sotto import crypto
from sotto.l1.deployment import Deployment, read_deployment
from sotto.testing.chain import funded_account
from sotto.testing.contracts import NOBODY
from sotto.wallet.errors import WalletError
from tests.faults.checker import Checker, landed, settled
from tests.faults.endpoint import FaultyEndpoint
from tests.faults.evidence import TLS, ApiReader, L1Evidence, L1Reader
from tests.faults.link import Link
from tests.faults.users import DOLLAR, ETH, ETHER, TOKEN, User, available, contradictions, expected
from tests.support.chain import KEYS, LocalChain, anvil, build_contracts, deploy
from tests.support.node import NodeProcess, wait_until

PRICE = 10**12
LANES = 4
BLOB_LANES = 16
READY_SECONDS = 600.0
SETTLE_SECONDS = 1800.0
BLOCK_SECONDS = 12.0
"""As on mainnet: on a busy machine a proof may take a minute, and an epoch must be on L1 within 64 blocks."""
SILENT = "0x" + "99" * 20
"""A proposer policy that fails to answer, which allows."""
KEEPERS = (7, 8, 9)
"""Accounts of those who keep the rollup going without being its operator, or mean it harm."""
_POLL_SECONDS = 0.1
_SYNC_SECONDS = 5.0
"""Between two times at which wallets look, while a node works: it takes processor time from the proofs."""
_FIRST_USER_KEY = 2


class NotLiveError(Exception):
    """Everything was healed, and still something did not come to its end."""


class PromiseBrokenError(Exception):
    """The checker found what must never be."""


class Database(Protocol):
    """Where the node keeps its database."""

    url: str

    def heal(self) -> None:
        """Let it serve again."""

    def destroy(self) -> None:
        """Lose everything in it, for good."""


@dataclass
class Files:
    """SQLite: nothing between the node and its file can fail but the node itself."""

    url: str

    def heal(self) -> None:
        """See Database."""

    def destroy(self) -> None:
        """See Database."""
        name = make_url(self.url).database
        assert name is not None
        for file in Path(name).parent.glob(f"{Path(name).name}*"):
            file.unlink()


@dataclass
class Stage:
    """What a campaign plays on.

    Attributes:
        endpoint: the node's way to L1.
        api: the users' way to the node.
        mining: whether L1 goes on by itself.
        restarts: how often the node ended by itself and was started again, as a service manager does.
        is_split: whether epochs are committed before they are proven.
        idle_blocks: so many blocks are made at once where nothing is left but to wait for blocks.
    """

    folder: Path
    random: Random
    chain: LocalChain
    deployment: Deployment
    endpoint: FaultyEndpoint
    api: Link
    node: NodeProcess
    database: Database
    users: list[User]
    l1: L1Reader
    checker: Checker = field(default_factory=Checker)
    mining: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = 0
    idle_blocks: int = 1
    is_split: bool = False
    _synced: float = float("-inf")

    @property
    def parameters(self) -> dict[str, int]:
        """The rollup's lengths of time, in L1 blocks."""
        return self.deployment.parameters

    async def heal(self) -> None:
        """Undo whatever is disturbed and wait until the node is ready."""
        self.endpoint.heal()
        self.api.mend()
        self.database.heal()
        self.mining.set()
        await self.until(self._is_ready, "the node is not ready", READY_SECONDS)

    async def start_node(self, **settings: object) -> None:
        """Start the node's process without waiting for it."""
        await asyncio.to_thread(self.node.spawn, **settings)

    async def supervise(self) -> None:
        """Start the node again if it has ended by itself."""
        if self.node.has_ended():
            self.restarts += 1
            await self.start_node()

    async def settle(self) -> None:
        """Wait until nothing is on its way any more, and claim every withdrawal. Raises NotLiveError."""
        await self.until(self._is_settled, "not everything came to its end", SETTLE_SECONDS, poll=0.5)

    async def until(
        self, question: Callable[[], Any], failure: str, seconds: float, poll: float = _POLL_SECONDS
    ) -> None:
        """Wait until a coroutine function returns nothing. Raises NotLiveError with what it returned last."""
        deadline = asyncio.get_running_loop().time() + seconds
        while problem := await question():
            if asyncio.get_running_loop().time() > deadline:
                raise NotLiveError(f"{failure} after {seconds:.0f} s: {problem}")
            await asyncio.sleep(poll)

    async def check(self) -> L1Evidence:
        """Judge L1 and the API. Raises PromiseBrokenError."""
        l1, violations = await asyncio.to_thread(self._judge)
        lanes = landed(l1)
        for user in self.users:
            violations += contradictions(user, lanes)
        for name, holdings in expected(self.users, lanes).items():
            user = next(user for user in self.users if user.name == name)
            if available(user.wallet) != dict(+holdings):
                violations.append(
                    f"{name} shows {available(user.wallet)}, paid and received {dict(+holdings)}"
                )
        _require(violations)
        return l1

    async def check_restored(self, l1: L1Evidence) -> None:
        """Restore everything from nothing: wallets from their words, a node from L1.

        Raises PromiseBrokenError.
        """
        violations = []
        hidden: dict[int, int] = {}
        for user in self.users:
            found = await user.restored(self.folder / f"restored-{user.name}", self.node.url, self.chain.url)
            if found != available(user.wallet):
                violations.append(f"{user.name} holds {available(user.wallet)}, its words restore {found}")
            for asset, value in found.items():
                hidden[asset] = hidden.get(asset, 0) + value
        violations += settled(l1, hidden)
        violations += await asyncio.to_thread(self._compare_with_new_node)
        _require(violations)

    def _judge(self) -> tuple[L1Evidence, list[str]]:
        l1 = self.l1.read()
        with contextlib.closing(ApiReader(self.node.url)) as api:
            answers = api.read(h for user in self.users for h in user.transport.accepted)
        return l1, self.checker.violations(l1, answers)

    def _compare_with_new_node(self) -> list[str]:
        with contextlib.closing(ApiReader(self.node.url)) as api:
            before = api.read(())
        self.node.stop()
        self.node.spawn(database=f"sqlite:///{self.folder / 'empty.db'}")
        wait_until(self.node.is_ready, READY_SECONDS)
        with contextlib.closing(ApiReader(self.node.url)) as api:
            after = api.read(())
        same = (before.epochs, before.entries) == (after.epochs, after.entries)
        return [] if same else ["a node with an empty database reads another chain from L1"]

    async def _is_ready(self) -> str:
        await self.supervise()
        try:
            async with httpx.AsyncClient(timeout=5, verify=TLS) as http:
                answer = await http.get(self.node.url + "/ready")
        except httpx.TransportError as error:
            return f"{type(error).__name__}: {error}"
        return "" if answer.status_code == 200 else answer.text

    async def _is_settled(self) -> str:
        if problem := await self._is_ready():
            return problem
        try:
            status, queued = await asyncio.to_thread(self._progress)
        except httpx.TransportError as error:
            return f"{type(error).__name__}: {error}"
        now = asyncio.get_running_loop().time()
        if _is_busy(status, queued) and now < self._synced + _SYNC_SECONDS:
            return f"node {status}, {queued} in the queue"
        self._synced = now
        try:
            for user in self.users:
                await user.wallet.sync()
                await user.claim_all()
        except WalletError as error:
            # It may still see the end of what was disturbed.
            return f"{type(error).__name__}: {error}"
        open_ = {user.name: [a.number for a in user.unsettled()] for user in self.users if user.unsettled()}
        status, queued = await asyncio.to_thread(self._progress)
        busy = _is_busy(status, queued)
        # One user may have looked before the epoch that the next one saw.
        behind = [user.name for user in self.users if user.wallet.epoch != status["proven"]]
        if not open_ and not busy and not behind:
            return ""
        if not busy and not behind:
            # Nothing is left to do but to wait for blocks: for an expiry, or a deposit's nonce to be final.
            await asyncio.to_thread(self.chain.mine, self.idle_blocks)
        return f"open actions {open_}, behind {behind}, node {status}, {queued} in the queue"

    def _progress(self) -> tuple[dict[str, Any], int]:
        with contextlib.closing(ApiReader(self.node.url)) as api:
            return api.status(), self.l1.queue_length()


def _is_busy(status: dict[str, Any], queued: int) -> bool:
    return bool(status["pending"] or status["head"] != status["proven"] or status["queue_cursor"] != queued)


def _require(violations: list[str]) -> None:
    if violations:
        raise PromiseBrokenError("\n".join(violations))


@contextlib.asynccontextmanager
async def open_stage(
    folder: Path,
    random: Random,
    database: Database | None = None,
    parameters: dict[str, int] | None = None,
    **settings: object,
) -> AsyncIterator[Stage]:
    """Start everything in a folder: three users with some deposits, a node with epochs of 4 lanes, and of 16
    if these have their data in blobs.

    Args:
        parameters: of the rollup, instead of the defaults of docs/spec/06-l1.md.
        settings: of the node; with split settlement the rollup lets it commit.
    """
    await asyncio.to_thread(build_contracts)
    crypto.install_hash_backend()
    async with AsyncExitStack() as stack:
        chain = stack.enter_context(anvil())
        # The smallest epochs, whose proofs are quickest.
        policy = SILENT if settings.get("settlement") == "split" else NOBODY
        in_blobs = settings.get("data") == "blob"
        sizes = (LANES, BLOB_LANES) if in_blobs else (LANES,)
        file = await asyncio.to_thread(deploy, chain, folder, 1, parameters, sizes, policy)
        deployment = read_deployment(file)
        endpoint = stack.enter_context(FaultyEndpoint(chain.url))
        store = database or Files(f"sqlite:///{folder / 'node.db'}")
        node = NodeProcess(
            folder,
            endpoint.url,
            file,
            database=store.url,
            fees=json.dumps({str(ETH): PRICE}),
            resend_after=2,
            **settings,
        )
        stack.callback(node.close)
        await asyncio.to_thread(node.spawn)
        await asyncio.to_thread(wait_until, node.is_ready, READY_SECONDS)
        api = stack.enter_context(Link(node.port))
        rollup = bytes.fromhex(deployment.address("Rollup")[2:])
        users = [
            User(name, folder, account, chain.web3.eth.chain_id, rollup, Random(random.random()))
            for name, account in zip(("alice", "bob", "carol"), _accounts(), strict=True)
        ]
        # Whoever proposes epochs, or processes what is overdue, is credited its fees.
        paid = [Account.from_key(KEYS[1]).address, *(funded_account(n).address for n in KEEPERS)]
        reader = L1Reader(chain.web3, deployment, paid)
        stage = Stage(folder, random, chain, deployment, endpoint, api, node, store, users, reader)
        stage.is_split = settings.get("settlement") == "split"
        for user in users:
            stack.push_async_callback(user.close)
            await user.open(f"http://127.0.0.1:{api.port}", chain.url)
        stage.mining.set()
        mining = asyncio.create_task(_mine(stage))
        stack.callback(mining.cancel)
        await _fund(stage)
        yield stage


def _accounts() -> list[LocalAccount]:
    Account.enable_unaudited_hdwallet_features()
    phrase = "test test test test test test test test test test test junk"
    return [
        Account.from_mnemonic(phrase, account_path=f"m/44'/60'/0'/0/{number}")
        for number in range(_FIRST_USER_KEY, _FIRST_USER_KEY + 3)
    ]


async def _mine(stage: Stage) -> None:
    """L1 goes on also when nobody sends anything."""
    while True:
        await asyncio.sleep(BLOCK_SECONDS)
        await stage.mining.wait()
        # A chain that is paused answers when it goes on.
        with contextlib.suppress(OSError, Web3Exception):
            await asyncio.to_thread(stage.chain.mine)


async def _fund(stage: Stage) -> None:
    token = next(asset.address for asset in stage.deployment.assets if asset.asset == TOKEN)
    assert token is not None
    contract = stage.chain.web3.eth.contract(address=token, abi=_TOKEN_ABI)
    sender = stage.chain.web3.eth.accounts[0]
    for user in stage.users:
        sent = contract.functions.mint(user.account.address, 10**6 * DOLLAR).transact({"from": sender})
        stage.chain.web3.eth.wait_for_transaction_receipt(sent)
        for asset, value in ((ETH, 5 * ETHER), (ETH, 3 * ETHER), (TOKEN, 1000 * DOLLAR)):
            await user.wallet.deposit(str(asset), value)
    await stage.settle()


_TOKEN_ABI = [
    {
        "type": "function",
        "name": "mint",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "account", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [],
    }
]

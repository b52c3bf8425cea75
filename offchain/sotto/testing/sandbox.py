"""A whole Sotto on this machine: local chain, contracts, node, and wallets that have funds."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount

from sotto.l1.deployment import Deployment, read_deployment
from sotto.protocol.keys import new_phrase
from sotto.testing.chain import CHAIN_ID, LocalChain, anvil, funded_account, set_balance
from sotto.testing.contracts import SIZES, build_contracts, deploy, digest_sources, mint
from sotto.testing.errors import SandboxError
from sotto.testing.folders import scratch_folder
from sotto.testing.node import LocalNode
from sotto.testing.snapshots import Snapshot, Snapshots, cache_folder
from sotto.wallet import Connection, Prover, SyncWallet, Wallet, create_wallet, keyfile
from sotto.wallet.wallet import address_of

ETH: Final = 10**18
"""Wei."""
DOLLAR: Final = 10**6
"""Smallest units of the test token."""

FEE: Final = 10**14
"""Wei that a transaction costs: 0.0001 ETH."""
ETH_NOTES: Final = (6 * ETH, 4 * ETH)
"""Notes of ETH that each user begins with."""
TOKEN_NOTES: Final = (10_000 * DOLLAR,)
"""Notes of the test token that each user begins with."""
L1_ETH: Final = 10_000 * ETH
"""Wei of each user's L1 account."""

MAX_USERS: Final = 64
_NAMES: Final = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
_FIRST_ACCOUNT: Final = 2
_PASSWORD: Final = "sandbox"  # noqa: S105 - the phrases are public as well
_QUICK_WORK: Final = 14
_FUNDING_SECONDS: Final = 600.0


@dataclass(frozen=True)
class SandboxUser:
    """Somebody with a wallet file and an L1 account.

    Attributes:
        name: alice, bob, carol and so on.
        address: where others send notes to.
        path: the wallet file.
        password: opens it.
        account: pays for deposits and claims on L1; its key is public.
        connection: to the node and L1 of the sandbox.
    """

    name: str
    address: str
    path: Path
    password: str
    account: LocalAccount
    connection: Connection

    async def open(self, *, prover: Prover | None = None) -> Wallet:
        """The wallet, synchronised. Close it when done: a wallet file can be open only once.

        Raises the errors of `Wallet.open` and `Wallet.sync`.
        """
        wallet = await Wallet.open(self.path, self.password, self.connection, prover=prover)
        try:
            await wallet.sync()
        except BaseException:
            await wallet.close()
            raise
        return wallet

    def open_sync(self, *, prover: Prover | None = None) -> SyncWallet:
        """The same for callers without an event loop."""
        wallet = SyncWallet(self.path, self.password, self.connection, prover=prover)
        try:
            wallet.sync()
        except BaseException:
            wallet.close()
            raise
        return wallet

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the `sotto wallet` commands use this wallet."""
        assert self.connection.l1 is not None, "a sandbox has a chain"
        return {
            "SOTTO_WALLET": str(self.path),
            "SOTTO_WALLET_PASSWORD": self.password,
            "SOTTO_NODE": self.connection.node,
            "SOTTO_L1": self.connection.l1,
            "SOTTO_L1_KEY": "0x" + bytes(self.account.key).hex(),
        }


class Sandbox:
    """A running sandbox; `open_sandbox` makes one.

    Attributes:
        users: with funded wallets: 10 ETH in two notes, and 10,000 of the test token in one.
        chain: the local Ethereum, with chain id 31337.
        node: the node; it can be stopped, killed and started again.
        deployment: addresses of the contracts, and the listed assets.
        folder: files and logs.
    """

    def __init__(self, folder: Path, chain: LocalChain, node: LocalNode, deployment: Deployment) -> None:
        self.folder, self.chain, self.node, self.deployment = folder, chain, node, deployment
        self.users: tuple[SandboxUser, ...] = ()
        self._made = 0

    @property
    def chain_id(self) -> int:
        """Of the local Ethereum."""
        return CHAIN_ID

    @property
    def rollup(self) -> bytes:
        """Address of the rollup contract, 20 bytes, as `create_wallet` takes it."""
        return bytes.fromhex(self.deployment.address("Rollup")[2:])

    @property
    def token(self) -> str:
        """L1 address of the test token."""
        address = self.deployment.assets[1].address
        assert address is not None, "only asset 1 is ETH"
        return address

    def new_user(self) -> SandboxUser:
        """One more user, with ETH and test tokens on L1 and an empty wallet."""
        number = self._made
        self._made += 1
        account = funded_account(_FIRST_ACCOUNT + number)
        set_balance(self.chain, account.address, L1_ETH)
        mint(self.chain, self.token, account.address, sum(TOKEN_NOTES))
        return self._create(number)

    def check(self) -> None:
        """Raise SandboxError if the node has ended by itself."""
        self.node.check()

    def _create(self, number: int) -> SandboxUser:
        self._made = max(self._made, number + 1)
        name = _NAMES[number] if number < len(_NAMES) else f"user{number}"
        path = self.folder / name / "wallet.json"
        path.parent.mkdir(mode=0o700)
        # Public words, the same each time: whoever has the same chain state has the same funds.
        phrase = new_phrase(sha256(f"sotto sandbox, user {number}".encode()).digest())
        create_wallet(path, _PASSWORD, self.chain_id, self.rollup, phrase=phrase, work=_QUICK_WORK)
        account = funded_account(_FIRST_ACCOUNT + number)
        connection = Connection(self.node.url, l1=self.chain.url, l1_account=account)
        address = address_of(keyfile.read_content(path, _PASSWORD))
        return SandboxUser(name, address, path, _PASSWORD, account, connection)


@contextlib.contextmanager
def open_sandbox(
    users: int = 2, *, lanes: Sequence[int] = (4,), folder: Path | None = None, **settings: object
) -> Iterator[Sandbox]:
    """Start a chain and a node, and end them with the context, whatever ends it.

    The first start deploys, and deposits for the users, which takes some proofs; later ones load the state
    of the chain from the artefact cache. Several sandboxes may run side by side.

    Args:
        users: so many funded wallets, 1 to 64.
        lanes: sizes of epochs, 4 and 16. Small ones alone spare the large proving key, which takes minutes to
            make and seconds to load; large ones are for many payments at once.
        folder: for files and logs; by default a temporary one, which stays only after a failure.
        settings: of the node (`NodeConfig`), for example `epoch_wait=5.0`, in seconds.

    Raises SandboxError.
    """
    lanes = tuple(sorted(set(lanes)))
    if not lanes or not set(lanes) <= set(SIZES):
        raise SandboxError(f"epochs of {lanes} lanes: there are sizes {SIZES}")
    if not 1 <= users <= MAX_USERS:
        raise SandboxError(f"{users} users: 1 to {MAX_USERS} are possible")
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(scratch_folder("sotto-sandbox-"))
        digest = sha256(f"{digest_sources()} {users} {lanes} {ETH_NOTES} {TOKEN_NOTES}".encode()).hexdigest()
        snapshots = Snapshots(cache_folder(), digest)
        snapshot = snapshots.load() or _make_snapshot(snapshots, folder / "first", users, lanes)
        chain = stack.enter_context(anvil(folder=folder))
        chain.request("anvil_loadState", [snapshot.state])
        deployment = folder / "deployment.json"
        deployment.write_text(snapshot.deployment)
        node = stack.enter_context(_node(folder, chain, deployment, settings))
        try:
            node.start()
        except SandboxError:
            # What made it fail may be the snapshot, and then must not make it fail again.
            snapshots.forget()
            raise
        sandbox = Sandbox(folder, chain, node, read_deployment(deployment))
        sandbox.users = tuple(sandbox._create(number) for number in range(users))
        yield sandbox


def _make_snapshot(snapshots: Snapshots, folder: Path, users: int, lanes: Sequence[int]) -> Snapshot:
    with snapshots.making():
        made = snapshots.load()
        if made is None:
            folder.mkdir()
            made = _deploy_and_fund(folder, users, lanes)
            snapshots.save(made)
        return made


def _deploy_and_fund(folder: Path, users: int, lanes: Sequence[int]) -> Snapshot:
    build_contracts()
    with anvil(folder=folder) as chain:
        deployment = deploy(chain, folder, tokens=1, sizes=lanes)
        with _node(folder, chain, deployment, {}) as node:
            node.start()
            sandbox = Sandbox(folder, chain, node, read_deployment(deployment))
            everyone = [sandbox.new_user() for _ in range(users)]
            # In a thread of its own, since the caller's may have a running event loop.
            with ThreadPoolExecutor(1) as executor:
                executor.submit(asyncio.run, _fund(everyone)).result()
        # With the states of all blocks, which wallets and nodes may ask for.
        return Snapshot(chain.request("anvil_dumpState", [True]), deployment.read_text())


async def _fund(users: list[SandboxUser]) -> None:
    async def deposit(user: SandboxUser) -> None:
        async with await Wallet.open(user.path, user.password, user.connection) as wallet:
            made = [await wallet.deposit("1", value) for value in ETH_NOTES]
            made += [await wallet.deposit("2", value) for value in TOKEN_NOTES]
            for receipt in made:
                await wallet.wait(receipt.action.number, _FUNDING_SECONDS)

    await asyncio.gather(*(deposit(user) for user in users))


def _node(folder: Path, chain: LocalChain, deployment: Path, settings: dict[str, object]) -> LocalNode:
    defaults = {"epoch_wait": 0.2, "poll_interval": 0.1, "retry_wait": 0.2}
    proposer = funded_account(1)
    return LocalNode(folder, chain.url, deployment, proposer, {1: FEE}, **{**defaults, **settings})

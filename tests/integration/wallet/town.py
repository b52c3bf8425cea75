"""A real chain, a real node with epochs of 4 lanes, and wallets on them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from tests.support.chain import KEYS, LocalChain, anvil, build_contracts, deploy
from tests.support.node import NodeProcess

from sotto import crypto
from sotto.l1.deployment import read_deployment
from sotto.wallet import Connection, SyncWallet, create_wallet

PASSWORD, WORK = "password", 14
PRICE = 10**9
ETHER = 10**18


@dataclass
class Town:
    """Who lives there."""

    chain: LocalChain
    node: NodeProcess
    folder: Path
    rollup: bytes
    resources: ExitStack

    @property
    def chain_id(self) -> int:
        """Of L1."""
        return int(self.chain.web3.eth.chain_id)

    def make(self, name: str, phrase: str | None = None) -> Path:
        """A new wallet file."""
        path = self.folder / f"{name}.json"
        create_wallet(path, PASSWORD, self.chain_id, self.rollup, phrase=phrase, work=WORK)
        return path

    def open(self, path: Path, **options: object) -> SyncWallet:
        """A wallet, open until the town ends."""
        connection = Connection(
            self.node.url,
            l1=self.chain.url,
            l1_account=Account.from_key(KEYS[2]),
            **options,  # type: ignore[arg-type]
        )
        return self.resources.enter_context(SyncWallet(path, PASSWORD, connection))

    def fund(self, wallet: SyncWallet, *values: int) -> None:
        """Deposit notes and wait for them."""
        for action in [wallet.deposit("ETH", value).action for value in values]:
            wallet.wait(action.number)


@contextmanager
def open_town(folder: Path) -> Iterator[Town]:
    """Start everything, and end it."""
    build_contracts()
    crypto.install_hash_backend()
    with ExitStack() as resources:
        chain = resources.enter_context(anvil())
        deployment = deploy(chain, folder, sizes=(4,))
        rollup = bytes.fromhex(read_deployment(deployment).address("Rollup")[2:])
        node = NodeProcess(
            folder,
            chain.url,
            deployment,
            fees=f'{{"1": {PRICE}}}',
        )
        resources.callback(node.close)
        node.start()
        yield Town(chain, node, folder, rollup, resources)

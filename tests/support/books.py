"""What every wallet, every L1 account and the bridge must hold, kept by hand beside the system."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from sotto.l1 import interface
from sotto.l1.deployment import Deployment, read_deployment
from sotto.wallet import Action, Connection, Payment, SyncWallet, create_wallet
from sotto.wallet.errors import InsufficientFunds
from tests.support.chain import LocalChain
from tests.support.node import NodeProcess

ETH, TOKEN = 1, 2
PASSWORD = "password"
QUICK_WORK = 14
PROPOSER_KEY = 1
USER_KEYS = 2


@dataclass
class Books:
    """Expected amounts, in smallest units by (holder, asset). `fees` is what the proposer has earned."""

    hidden: Counter[tuple[str, int]] = field(default_factory=Counter)
    withdrawn: Counter[tuple[str, int]] = field(default_factory=Counter)
    unclaimed: Counter[int] = field(default_factory=Counter)
    deposited: Counter[int] = field(default_factory=Counter)
    fees: Counter[int] = field(default_factory=Counter)


class Economy:
    """Users with real wallets on a real node; every action is booked.

    Args:
        price: the node's fee for a transaction, in wei.
    """

    def __init__(
        self, chain: LocalChain, deployment_file: Path, node: NodeProcess, folder: Path, price: int
    ) -> None:
        self.chain, self.node, self.price = chain, node, price
        self.deployment: Deployment = read_deployment(deployment_file)
        self.books = Books()
        self.wallets: dict[str, SyncWallet] = {}
        self.accounts: dict[str, LocalAccount] = {}
        self.actions: list[tuple[str, Action]] = []
        rollup = bytes.fromhex(self.deployment.address("Rollup")[2:])
        Account.enable_unaudited_hdwallet_features()
        for number, name in enumerate(("alice", "bob", "carol"), start=USER_KEYS):
            account = _account(number)
            path = folder / f"{name}.json"
            create_wallet(path, PASSWORD, chain.web3.eth.chain_id, rollup, work=QUICK_WORK)
            connection = Connection(node.url, l1=chain.url, l1_account=account)
            self.accounts[name] = account
            self.wallets[name] = SyncWallet(path, PASSWORD, connection)

    def close(self) -> None:
        """Close all wallets."""
        for wallet in self.wallets.values():
            wallet.close()

    def mint(self, name: str, value: int) -> None:
        """Give a user's L1 account tokens."""
        call = self._token().functions.mint(self.accounts[name].address, value)
        sent = call.transact({"from": self.chain.web3.eth.accounts[0]})
        self.chain.web3.eth.wait_for_transaction_receipt(sent)

    def deposit(self, name: str, asset: int, value: int) -> None:
        """Deposit to oneself."""
        made = self.wallets[name].deposit(str(asset), value)
        self.actions.append((name, made.action))
        self.books.hidden[name, asset] += value
        self.books.deposited[asset] += value

    def pay(self, name: str, asset: int, *payments: tuple[str, int], memo: str = "") -> int:
        """Pay one or two users, and return the number of transactions that it took.

        What is on its way is spent in the epoch that makes it, or after that epoch is proven.
        """
        wallet = self.wallets[name]
        orders = [Payment(self.wallets[payee].address, value, memo=memo) for payee, value in payments]
        try:
            action = wallet.send(str(asset), orders)
        except InsufficientFunds as error:
            if not error.incoming:
                raise
            self.settle()
            action = wallet.send(str(asset), orders)
        for payee, value in payments:
            self.books.hidden[payee, asset] += value
            self.books.hidden[name, asset] -= value
        return self._paid(name, action)

    def withdraw(self, name: str, asset: int, value: int, recipient: str) -> int:
        """Withdraw, and return the number of transactions that it took."""
        action = self.wallets[name].withdraw(str(asset), value, recipient)
        self.books.hidden[name, asset] -= value
        self.books.unclaimed[asset] += value
        self.books.withdrawn[recipient, asset] += value
        return self._paid(name, action)

    def _paid(self, name: str, action: Action) -> int:
        self.actions.append((name, action))
        self.books.hidden[name, ETH] -= action.fee
        self.books.fees[ETH] += action.fee
        assert action.fee_asset == ETH
        assert action.fee % self.price == 0
        return action.fee // self.price

    def settle(self) -> None:
        """Wait until everything is proven on L1."""
        for name, action in self.actions:
            settled = self.wallets[name].wait(action.number)
            assert settled.status == "proven"
        self.actions.clear()
        for wallet in self.wallets.values():
            wallet.sync()

    def claim_all(self, name: str) -> None:
        """Claim every proven withdrawal of a user by the wallet."""
        wallet = self.wallets[name]
        actions = wallet.claimable()
        assert actions
        for action in actions:
            assert wallet.claim(action) is not None
            self.books.unclaimed[action.asset] -= action.value

    def check(self) -> None:
        """Compare everything with the books, to the last unit."""
        names = list(self.wallets)
        for asset in (ETH, TOKEN):
            for name in names:
                balance = self.wallets[name].balances().get(asset)
                available = balance.available if balance else 0
                assert available == self.books.hidden[name, asset], (name, asset)
                assert balance is None or (balance.pending_in, balance.pending_out) == (0, 0)
            hidden = sum(self.books.hidden[name, asset] for name in names)
            proposer = _account(PROPOSER_KEY).address
            owed = self._bridge().functions.feesOwed(proposer, asset).call()
            assert owed == self.books.fees[asset]
            _, liabilities = self._held(asset)
            # What the bridge owes is what the notes, the open withdrawals and the fees are worth together.
            assert liabilities == hidden + self.books.unclaimed[asset] + owed

    def check_reserve(self) -> None:
        """The bridge holds exactly what it owes."""
        for asset in (ETH, TOKEN):
            balance, liabilities = self._held(asset)
            assert balance == liabilities, asset

    def l1_balance(self, address: str, asset: int) -> int:
        """Balance of an L1 address."""
        if asset == ETH:
            return int(self.chain.web3.eth.get_balance(Web3.to_checksum_address(address)))
        return int(self._token().functions.balanceOf(address).call())

    def lanes(self) -> list[dict[str, Any]]:
        """All used lanes of all proven epochs, from the node."""
        nodes = self.node.get("/v1/status")["note_nodes"]
        entries: list[dict[str, Any]] = []
        for start in range(0, nodes, 256):
            entries += self.node.get("/v1/notes", start=start, count=256)["entries"]
        return entries

    def _held(self, asset: int) -> tuple[int, int]:
        bridge = self._bridge()
        liabilities, _cap, _token = bridge.functions.assets(asset).call()
        return self.l1_balance(bridge.address, asset), liabilities

    def _bridge(self) -> Any:
        address = self.deployment.address("Bridge")
        return self.chain.web3.eth.contract(address=address, abi=interface.load("Bridge"))

    def _token(self) -> Any:
        address = next(a.address for a in self.deployment.assets if a.asset == TOKEN)
        return self.chain.web3.eth.contract(address=address, abi=_TOKEN_ABI)


def _account(number: int) -> LocalAccount:
    """An account of anvil's public mnemonic."""
    phrase = "test test test test test test test test test test test junk"
    account: LocalAccount = Account.from_mnemonic(phrase, account_path=f"m/44'/60'/0'/0/{number}")
    return account


def _function(name: str, inputs: Sequence[str], outputs: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "view" if outputs else "nonpayable",
        "inputs": [{"name": f"a{i}", "type": kind} for i, kind in enumerate(inputs)],
        "outputs": [{"name": "", "type": kind} for kind in outputs],
    }


_TOKEN_ABI = [
    _function("mint", ("address", "uint256"), ()),
    _function("balanceOf", ("address",), ("uint256",)),
]

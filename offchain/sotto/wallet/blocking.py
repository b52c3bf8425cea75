"""The wallet for callers without an event loop."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from sotto.protocol.ciphertext import NO_REFERENCE
from sotto.protocol.field import Field
from sotto.wallet.account import Account, SigningKey
from sotto.wallet.amounts import ETH_ASSET, Asset
from sotto.wallet.batch import BatchPlan, BatchProgress
from sotto.wallet.context import Progress, Prover
from sotto.wallet.deposits import DepositReceipt
from sotto.wallet.inputs import Payment
from sotto.wallet.receipts import L1Receipt
from sotto.wallet.state import Action, Balance
from sotto.wallet.sync import SyncReport
from sotto.wallet.viewing import ViewingKind
from sotto.wallet.wallet import Connection, Wallet

T = TypeVar("T")


class SyncWallet:
    """`Wallet` method by method, each call waiting for its result. Arguments and errors are the same.

    Use it as a context manager, from one thread.
    """

    def __init__(
        self,
        path: Path,
        password: str,
        connection: Connection,
        *,
        prover: Prover | None = None,
        progress: Progress = lambda _phase, _share: None,
    ) -> None:
        self._runner = asyncio.Runner()
        self._closed = False
        try:
            self._wallet = self._run(
                Wallet.open(path, password, connection, prover=prover, progress=progress)
            )
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """See Wallet."""
        if not self._closed:
            self._closed = True
            with self._runner:
                self._run(self._wallet.close())

    def lock(self) -> None:
        """See Wallet."""
        self._wallet.lock()

    @property
    def address(self) -> str:
        """See Wallet."""
        return self._wallet.address

    @property
    def epoch(self) -> int:
        """See Wallet."""
        return self._wallet.epoch

    def assets(self) -> Mapping[int, Asset]:
        """See Wallet."""
        return self._run(self._wallet.assets())

    def asset(self, name: str) -> Asset:
        """See Wallet."""
        return self._run(self._wallet.asset(name))

    def balances(self) -> Mapping[int, Balance]:
        """See Wallet."""
        return self._wallet.balances()

    @property
    def view_only(self) -> bool:
        """See Wallet."""
        return self._wallet.view_only

    @property
    def sees(self) -> ViewingKind:
        """See Wallet."""
        return self._wallet.sees

    def viewing_key(self, kind: ViewingKind) -> str:
        """See Wallet."""
        return self._wallet.viewing_key(kind)

    def received(self) -> Mapping[int, int]:
        """See Wallet."""
        return self._wallet.received()

    def history(self) -> Sequence[Action]:
        """See Wallet."""
        return self._wallet.history()

    def sync(self, *, rescan: bool = False) -> SyncReport:
        """See Wallet."""
        return self._run(self._wallet.sync(rescan=rescan))

    def deposit(
        self, asset: str, value: int, address: str | None = None, reference: bytes = NO_REFERENCE
    ) -> DepositReceipt:
        """See Wallet."""
        return self._run(self._wallet.deposit(asset, value, address, reference))

    def send(
        self,
        asset: str,
        payments: Sequence[Payment],
        *,
        fee_asset: str = str(ETH_ASSET),
        max_fee: int | None = None,
        force: bool = False,
    ) -> Action:
        """See Wallet."""
        return self._run(
            self._wallet.send(asset, payments, fee_asset=fee_asset, max_fee=max_fee, force=force)
        )

    def plan_batch(
        self, asset: str, payments: Sequence[Payment], *, fee_asset: str = str(ETH_ASSET)
    ) -> BatchPlan:
        """See Wallet."""
        return self._run(self._wallet.plan_batch(asset, payments, fee_asset=fee_asset))

    def start_batch(
        self,
        asset: str,
        payments: Sequence[Payment],
        *,
        fee_asset: str = str(ETH_ASSET),
        max_fee: int | None = None,
    ) -> int:
        """See Wallet."""
        return self._run(self._wallet.start_batch(asset, payments, fee_asset=fee_asset, max_fee=max_fee))

    def continue_batch(self, number: int, timeout_seconds: float = 600) -> BatchProgress:
        """See Wallet."""
        return self._run(self._wallet.continue_batch(number, timeout_seconds))

    def stop_batch(self, number: int) -> BatchProgress:
        """See Wallet."""
        return self._wallet.stop_batch(number)

    def batches(self) -> Sequence[BatchProgress]:
        """See Wallet."""
        return self._wallet.batches()

    def withdraw(
        self,
        asset: str,
        value: int,
        recipient: str,
        *,
        fee_asset: str = str(ETH_ASSET),
        max_fee: int | None = None,
        force: bool = False,
    ) -> Action:
        """See Wallet."""
        made = self._wallet.withdraw(
            asset, value, recipient, fee_asset=fee_asset, max_fee=max_fee, force=force
        )
        return self._run(made)

    @property
    def account(self) -> Account:
        """See Wallet."""
        return self._wallet.account

    def add_signing_key(self, password: str, key: SigningKey | None = None) -> SigningKey:
        """See Wallet."""
        return self._run(self._wallet.add_signing_key(password, key))

    def change_keys(
        self, hashes: Sequence[Field], *, fee_asset: str = str(ETH_ASSET), max_fee: int | None = None
    ) -> Action:
        """See Wallet."""
        return self._run(self._wallet.change_keys(hashes, fee_asset=fee_asset, max_fee=max_fee))

    def claimable(self) -> Sequence[Action]:
        """See Wallet."""
        return self._wallet.claimable()

    def claim(self, action: Action) -> L1Receipt | None:
        """See Wallet."""
        return self._run(self._wallet.claim(action))

    def wait(self, number: int, timeout_seconds: float = 600) -> Action:
        """See Wallet."""
        return self._run(self._wallet.wait(number, timeout_seconds))

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(call)

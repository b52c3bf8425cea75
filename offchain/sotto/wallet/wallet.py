"""The wallet: one class for all that a user does with notes."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

import httpx

from sotto.crypto.backend import install_hash_backend
from sotto.protocol.ciphertext import NO_REFERENCE
from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.viewing import IncomingViewingKey
from sotto.wallet import batches, deposits, keyfile
from sotto.wallet.account import Account, SigningKey, make_signing_key, plan_change, view
from sotto.wallet.amounts import ETH_ASSET, Asset, check_value
from sotto.wallet.batch import BatchPlan, BatchProgress
from sotto.wallet.batch import progress as batch_progress
from sotto.wallet.client import NodeClient
from sotto.wallet.context import Context, NativeProver, Progress, Prover
from sotto.wallet.deposits import DepositReceipt
from sotto.wallet.errors import (
    TransactionDropped,
    UnknownAsset,
    ViewOnlyWallet,
    WaitTimeout,
    WalletLocked,
)
from sotto.wallet.inputs import (
    Payment,
    check_reference,
    decode_l1_address,
    decode_own_address,
    payment_orders,
)
from sotto.wallet.keyfile import Content
from sotto.wallet.memos import read_memos
from sotto.wallet.opening import open_context, viewing_key_of
from sotto.wallet.receipts import L1Receipt
from sotto.wallet.remote import RemoteSigner
from sotto.wallet.sending import Order, carry_out, prove_again
from sotto.wallet.signer import KeySigner
from sotto.wallet.state import Action, ActionStatus, Balance
from sotto.wallet.sync import SyncReport, synchronise
from sotto.wallet.viewing import ViewingKind, address_text, export_viewing_key, kind_of
from sotto.wallet.watching import received

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

_POLL_SECONDS: Final = 0.5
_SYNC_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a wallet finds its node and L1.

    Attributes:
        node: base address of the node API.
        l1: JSON-RPC endpoint of L1, None to trust the node's word for what L1 has recorded.
        l1_account: pays deposits and gas.
        transport: how the node is reached; None for plain HTTP connections.
        signer: Unix socket of a remote signer, None to sign with keys of the wallet file.
    """

    node: str
    l1: str | None = None
    l1_account: "LocalAccount | None" = None
    transport: httpx.AsyncBaseTransport | None = None
    signer: Path | None = None


class Wallet:
    """An open wallet. Make one with `open`, and close it or use it as a context manager.

    A wallet file can be open only once, in one process. Amounts are smallest units. All methods that talk to
    the node raise NodeUnreachable, NodeRejected, NodeMalformed, and StateMismatch or WrongDeployment when it
    is not to be trusted; every error is a `WalletError` with a `hint` of what to do.

    What pays (`send`, `withdraw`, `change_keys`, batches) raises WalletLocked, ViewOnlyWallet,
    FeeAssetUnavailable, FeeTooHigh, InsufficientFunds, TooManyNotes and AccountKeysUnknown before anything is
    locked; ProofRejected, NodeRejected and the errors of a remote signer with all notes unlocked again; and
    SubmissionUncertain when the node may have it.

    Methods may be called by several tasks: what changes the wallet happens one after the other. A call may be
    cancelled at any moment. A payment or deposit whose bytes exist by then stays in the history as pending,
    and the next `sync` finds out what became of it or sends the same bytes again: never pay again before.
    """

    def __init__(self, context: Context, resources: ExitStack, path: Path) -> None:
        self._context = context
        self._path = path
        self._resources = resources

    @classmethod
    async def open(
        cls,
        path: Path,
        password: str,
        connection: Connection,
        *,
        prover: Prover | None = None,
        progress: Progress = lambda _phase, _share: None,
    ) -> Self:
        """Open a wallet file.

        Raises WalletNotFound, WrongPassword, CorruptWallet, CorruptState, UnsupportedVersion, WalletInUse.
        """
        install_hash_backend()
        with ExitStack() as resources:
            reading = asyncio.get_running_loop().run_in_executor(None, keyfile.read_content, path, password)
            if connection.l1 is not None:
                # Imported late: web3 takes longer to load than all else, and only L1 needs it. The password
                # is being stretched meanwhile, on another core.
                import sotto.wallet.settlement  # noqa: F401
            content = await reading
            client = NodeClient(connection.node, connection.transport)
            settlement = None
            if connection.l1 is not None:
                from sotto.wallet.settlement import Settlement

                settlement = Settlement(connection.l1, content.rollup, connection.l1_account, node=client)
            signer = None
            if connection.signer is not None:
                view = viewing_key_of(content)
                if not isinstance(view, ViewingKeys):
                    raise ViewOnlyWallet("a remote signer needs a wallet with the full viewing key")
                signer = await RemoteSigner.connect(connection.signer, view)
            context = open_context(
                path,
                content,
                client,
                settlement,
                prover or NativeProver(),
                progress,
                resources,
                signer,
            )
            return cls(context, resources.pop_all(), path)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections and files; nothing happens the second time."""
        try:
            await self._context.client.close()
            if self._context.settlement is not None:
                await self._context.settlement.close()
        finally:
            self._resources.close()

    def lock(self) -> None:
        """Forget the spending key: from now on the wallet only reads."""
        self._context.signer = None

    @property
    def address(self) -> str:
        """Where others send notes to."""
        return address_text(self._context.view)

    @property
    def view_only(self) -> bool:
        """Whether this wallet holds viewing keys only: every method that spends raises ViewOnlyWallet."""
        return self._context.view_only

    @property
    def sees(self) -> ViewingKind:
        """The kind of viewing key that this wallet holds: full, unless it was made of a lesser one."""
        return kind_of(self._context.view)

    def viewing_key(self, kind: ViewingKind) -> str:
        """A viewing key as text, for somebody who is to see that much.

        Raises ViewOnlyWallet for one that this wallet does not hold itself.
        """
        return export_viewing_key(self._context.view, kind)

    @property
    def epoch(self) -> int:
        """The last proven epoch that was taken over."""
        return self._context.trees.point.id

    async def assets(self) -> Mapping[int, Asset]:
        """The deployment's assets by number."""
        return await self._context.load_assets()

    async def asset(self, name: str) -> Asset:
        """The asset with a number or a symbol (any case). Raises UnknownAsset."""
        listed = await self.assets()
        if name.isascii() and name.isdigit() and len(name) <= 20 and int(name) in listed:
            return listed[int(name)]
        for asset in listed.values():
            if asset.symbol.casefold() == name.casefold():
                return asset
        symbols = ", ".join(asset.symbol for asset in listed.values())
        raise UnknownAsset(f"{name[:40]!r} is none of {symbols}")

    def balances(self) -> Mapping[int, Balance]:
        """Balance of each asset that this wallet has, as of the last sync.

        Raises ViewOnlyWallet without the full viewing key: what is spent is not known then; see `received`.
        """
        _ = self._context.keys
        return self._context.state.balances()

    def received(self) -> Mapping[int, int]:
        """Smallest units of each asset that an incoming viewing key has seen arrive, own change included.

        Raises ViewOnlyWallet for other keys, which see balances or no receipts at all.
        """
        if not isinstance(self._context.view, IncomingViewingKey):
            raise ViewOnlyWallet("only a wallet with an incoming viewing key counts receipts")
        return received(self._context.state)

    def history(self) -> Sequence[Action]:
        """What this wallet did and received, oldest first."""
        return tuple(self._context.state.history)

    async def sync(self, *, rescan: bool = False) -> SyncReport:
        """Take over new epochs and the node's pool, and prove again what an epoch has overtaken.

        With `rescan` all epochs are read again from the first one on, for what another node may have said
        wrongly; the lines of the history are numbered anew.
        """
        async with self._context.lock:
            report = await synchronise(self._context, rescan=rescan)
            if self._context.signer is not None:
                for number in report.outdated:
                    await prove_again(self._context, number, report)
            await read_memos(self._context)
            return report

    async def deposit(
        self, asset: str, value: int, address: str | None = None, reference: bytes = NO_REFERENCE
    ) -> DepositReceipt:
        """Deposit from the L1 account, to this wallet or an address.

        Raises UnknownAsset, AmountNotPositive, AmountTooLarge, InvalidAddress, WrongDomainAddress,
        L1NotConfigured, L1Unreachable, L1Rejected, L1Unconfirmed.
        """
        self._context.refuse_view_only()
        check_value(value)
        receiver = decode_own_address(address or self.address, self._context.view.domain)
        check_reference(reference)
        found = await self.asset(asset)
        text = "" if address is None or address == self.address else address
        async with self._context.lock:
            return await deposits.deposit(self._context, found, value, receiver, text, reference)

    async def send(
        self,
        asset: str,
        payments: Sequence[Payment],
        *,
        fee_asset: str = str(ETH_ASSET),
        max_fee: int | None = None,
        force: bool = False,
    ) -> Action:
        """Pay receivers privately, all in one epoch or none; returns once the node has accepted it.

        That is as many as one bundle has room for: two in each transaction, a bundle has as many of these as
        the largest epoch has lanes. Each memo needs a transaction. Batches pay any number.

        With `force` it goes through the queue on L1, which no operator can refuse: at most two receivers and
        two notes, no memo, and `max_fee` is in wei for the queue (0.01 ETH by default). It returns once the
        queue has it. See `sotto.wallet.forcing.force` for what it raises.

        Raises RecipientsInvalid, UnknownAsset, AmountNotPositive, AmountTooLarge, InvalidAddress,
        WrongDomainAddress, MemoInvalid and the errors of what pays.
        """
        self._context.refuse_view_only()
        orders = payment_orders(payments, self._context.view.domain)
        found, paying = await self.asset(asset), await self.asset(fee_asset)
        return await self._carry_out(Order(found.asset, paying.asset, orders, max_fee=max_fee), force)

    async def plan_batch(
        self, asset: str, payments: Sequence[Payment], *, fee_asset: str = str(ETH_ASSET)
    ) -> BatchPlan:
        """What `start_batch` would write down: bundles, transactions and fees as of now.

        Raises InsufficientFunds, TooManyNotes and as `send`.
        """
        found, paying = await self.asset(asset), await self.asset(fee_asset)
        async with self._context.lock:
            return await batches.plan(self._context, found.asset, paying.asset, payments)

    async def start_batch(
        self,
        asset: str,
        payments: Sequence[Payment],
        *,
        fee_asset: str = str(ETH_ASSET),
        max_fee: int | None = None,
    ) -> int:
        """Write down payments to any number of receivers, and return the number of the batch.

        `continue_batch` sends them. Raises BatchUnfinished when a batch makes exactly these payments already,
        FeeTooHigh, and as `plan_batch`.
        """
        found, paying = await self.asset(asset), await self.asset(fee_asset)
        async with self._context.lock:
            return await batches.start(self._context, found.asset, paying.asset, payments, max_fee)

    async def continue_batch(self, number: int, timeout_seconds: float = 600) -> BatchProgress:
        """Send what a batch has not paid yet, and wait until the next of its bundles is proven on L1.

        Call it until the result is `finished`. Calls may be killed at any moment and repeated: nobody is paid
        twice. Raises BatchUnknown, TransactionDropped, WaitTimeout, and as `send`.
        """
        self._context.refuse_view_only()
        async with self._context.lock:
            action = await batches.send_next(self._context, number)
        if action is not None:
            await self.wait(action.number, timeout_seconds)
        return batch_progress(self._context.state, number)

    def stop_batch(self, number: int) -> BatchProgress:
        """Give up what a batch has not sent yet. Raises BatchUnknown."""
        batches.stop(self._context, number)
        return batch_progress(self._context.state, number)

    def batches(self) -> Sequence[BatchProgress]:
        """How far each batch is, as of the last sync."""
        state = self._context.state
        return tuple(batch_progress(state, number) for number in range(len(state.batches)))

    async def withdraw(
        self,
        asset: str,
        value: int,
        recipient: str,
        *,
        fee_asset: str = str(ETH_ASSET),
        max_fee: int | None = None,
        force: bool = False,
    ) -> Action:
        """Withdraw to an L1 address; claim it there once its epoch is proven. For `force` see `send`.

        Raises UnknownAsset, AmountNotPositive, AmountTooLarge, InvalidAddress and the errors of
        what pays.
        """
        self._context.refuse_view_only()
        check_value(value)
        target = decode_l1_address(recipient)
        found, paying = await self.asset(asset), await self.asset(fee_asset)
        order = Order(found.asset, paying.asset, public_value=value, recipient=target, max_fee=max_fee)
        return await self._carry_out(order, force)

    @property
    def account(self) -> Account:
        """The account and its signing keys, as of the last sync."""
        return view(self._context)

    async def add_signing_key(self, password: str, key: SigningKey | None = None) -> SigningKey:
        """Keep one more account key in the wallet file, by default a new random one; `change_keys` makes it
        sign.

        Its words are its only other copy: once the account has no first key any more, the seed phrase alone
        does not move its notes. Raises WalletLocked, WrongPassword.
        """
        signer = self._context.signer
        if not isinstance(signer, KeySigner):
            raise WalletLocked("the keys are not in this wallet")
        made = make_signing_key() if key is None else key
        await asyncio.to_thread(keyfile.add_signing_key, self._path, password, made.seed)
        signer.add(made.seed)
        return made

    async def change_keys(
        self, hashes: Sequence[Field], *, fee_asset: str = str(ETH_ASSET), max_fee: int | None = None
    ) -> Action:
        """Make these the account's signing keys, one to four by their hash; returns once the node has it.

        A key that is left out can spend for as long as L1 takes anchors from before (parameter A). Raises
        KeySetInvalid, LastKeyRemoved, AccountChangePending, AccountUnchanged, UnknownAsset and the errors of
        what pays.
        """
        self._context.refuse_view_only()
        paying = (await self.asset(fee_asset)).asset
        async with self._context.lock:
            await synchronise(self._context)
            change = plan_change(self._context, hashes)
            return await carry_out(self._context, Order(paying, paying, max_fee=max_fee, operation=change))

    def claimable(self) -> Sequence[Action]:
        """Proven withdrawals that wait for their claim."""
        return deposits.claimable(self._context)

    async def claim(self, action: Action) -> L1Receipt | None:
        """Have L1 pay a withdrawal; None when that has happened already.

        Raises NothingToClaim, L1NotConfigured, L1Unreachable, L1Rejected, L1Unconfirmed.
        """
        self._context.refuse_view_only()
        async with self._context.lock:
            return await deposits.claim(self._context, action)

    async def wait(self, number: int, timeout_seconds: float = 600) -> Action:
        """Sync until the action `number` of the history is proven on L1.

        Raises TransactionDropped, WaitTimeout.
        """
        deadline = monotonic() + timeout_seconds
        next_sync = 0.0
        while True:
            # One small question a round: a whole sync only when it can bring something.
            if monotonic() > next_sync or (await self._context.client.status()).proven != self.epoch:
                await self.sync()
                next_sync = monotonic() + _SYNC_SECONDS
            action = self._context.state.action(number)
            if action.status == ActionStatus.PROVEN:
                return action
            if action.status != ActionStatus.PENDING:
                raise TransactionDropped(action.h, f"{action.status}: {action.cause}")
            if monotonic() > deadline:
                raise WaitTimeout(f"action {number} is still pending after {timeout_seconds:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _carry_out(self, order: Order, force: bool) -> Action:
        async with self._context.lock:
            if not force:
                return await carry_out(self._context, order)
            # Imported late: web3 takes longer to load than all else, and only L1 needs it.
            from sotto.wallet import forcing

            return await forcing.force(self._context, order)


def address_of(content: Content) -> str:
    """The address of a wallet file's content."""
    return address_text(viewing_key_of(content))

"""What the parts of an open wallet share."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sotto import crypto
from sotto.crypto.errors import CryptoError, WitnessRejected
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.viewing import IncomingViewingKey, ViewingKey
from sotto.wallet.amounts import Asset
from sotto.wallet.chain import Trees
from sotto.wallet.chaincache import ChainCache
from sotto.wallet.client import NodeClient
from sotto.wallet.errors import ProofRejected, ViewOnlyWallet, WalletLocked
from sotto.wallet.scan import DepositCounter
from sotto.wallet.signer import Signer
from sotto.wallet.state import WalletState
from sotto.wallet.statefile import StateFile
from sotto.wallet.watching import Watcher

if TYPE_CHECKING:
    from sotto.wallet.settlement import Settlement

Progress = Callable[[str, float], None]
"""Called with a phase and its share done, 0 to 1."""


class Prover(Protocol):
    """Makes client proofs. It sees the whole transaction and cannot change it."""

    async def prove(self, witness: dict[str, object]) -> bytes:
        """The proof of 256 bytes. Raises ProofRejected."""


class NativeProver:
    """Proves on this machine, in a thread of its own."""

    async def prove(self, witness: dict[str, object]) -> bytes:
        """See Prover."""
        data = json.dumps(witness).encode()
        try:
            result = await asyncio.to_thread(crypto.prove, "transfer", data)
        except WitnessRejected:
            # The library's message may quote secrets, so it is not kept as a cause either.
            raise ProofRejected("the statement does not hold") from None
        except CryptoError as error:
            raise ProofRejected(f"{type(error).__name__}: {error}") from error
        return result.proof


@dataclass
class Context:
    """An open wallet: keys, files, connections and state.

    Attributes:
        view: what it sees. `watcher` reads entries for a viewing key that is not full, else it is None.
        signer: None while it is locked, and for a view-only wallet.
        view_only: no seed is in the wallet file, and no signer was given.
        birthday: no proven epoch up to this one is searched for notes.
    """

    view: ViewingKey
    watcher: Watcher | None
    signer: Signer | None
    prover: Prover
    client: NodeClient
    settlement: "Settlement | None"
    chain_id: int
    chain: ChainCache
    state_file: StateFile
    state: WalletState
    trees: Trees
    deposit_counter: DepositCounter | None
    progress: Progress
    view_only: bool = False
    birthday: int = 0
    l1_connected: bool = False
    assets: dict[int, Asset] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def keys(self) -> ViewingKeys:
        """The full viewing key. Raises ViewOnlyWallet when this wallet has a lesser one."""
        if isinstance(self.view, ViewingKeys):
            return self.view
        kind = "an incoming" if isinstance(self.view, IncomingViewingKey) else "an outgoing"
        raise ViewOnlyWallet(f"this wallet has {kind} viewing key only")

    @property
    def counter(self) -> DepositCounter:
        """Own deposits. Raises ViewOnlyWallet when this wallet has not the full viewing key."""
        if self.deposit_counter is None:
            raise ViewOnlyWallet("this wallet does not make deposits")
        return self.deposit_counter

    @counter.setter
    def counter(self, counter: DepositCounter) -> None:
        self.deposit_counter = counter

    def require_signer(self) -> Signer:
        """Whoever signs. Raises ViewOnlyWallet, WalletLocked."""
        self.refuse_view_only()
        if self.signer is None:
            raise WalletLocked("the wallet is open for reading only")
        return self.signer

    def refuse_view_only(self) -> None:
        """Raises ViewOnlyWallet unless this wallet can spend, locked or not."""
        if self.view_only:
            raise ViewOnlyWallet("a viewing key spends nothing, and makes no deposits or claims")

    def save(self) -> None:
        """Write the state."""
        self.state_file.save(self.state)

    async def l1(self) -> "Settlement | None":
        """The L1 side, connected and checked; None without endpoint."""
        if self.settlement is not None and not self.l1_connected:
            await self.settlement.connect(self.view.domain)
            self.l1_connected = True
        return self.settlement

    async def load_assets(self) -> dict[int, Asset]:
        """The deployment's assets by number, compared with L1 when there is an endpoint."""
        if not self.assets:
            listed = await self.client.assets()
            l1 = await self.l1()
            if l1 is not None:
                for asset in listed:
                    await l1.check_asset(asset)
            self.assets = {asset.asset: asset for asset in listed}
        return self.assets

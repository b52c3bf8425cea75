"""From a wallet file to an open wallet."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sotto.protocol.address import decode_address
from sotto.protocol.keys import ViewingKeys, derive
from sotto.protocol.viewing import IncomingViewingKey, OutgoingViewingKey, ViewingKey, encode_viewing_key
from sotto.wallet.chaincache import ChainCache
from sotto.wallet.client import NodeClient
from sotto.wallet.context import Context, Progress, Prover
from sotto.wallet.files import exclusive
from sotto.wallet.keyfile import Content, Watched
from sotto.wallet.scan import DepositCounter
from sotto.wallet.signer import KeySigner, Signer
from sotto.wallet.statefile import StateFile
from sotto.wallet.sync import align
from sotto.wallet.watching import IncomingWatcher, OutgoingWatcher, Watcher

if TYPE_CHECKING:
    from sotto.wallet.settlement import Settlement

_FOLDER_NAME: Final = 22
"""Enough of the domain that deployments in use differ; the files name the whole."""


def viewing_key_of(content: Content) -> ViewingKey:
    """What the content of a wallet file sees; all of it when it holds a seed."""
    return content.key if isinstance(content, Watched) else derive(content.seed, content.domain).viewing


def open_context(
    path: Path,
    content: Content,
    client: NodeClient,
    settlement: "Settlement | None",
    prover: Prover,
    progress: Progress,
    resources: ExitStack,
    signer: Signer | None = None,
) -> Context:
    """Open the files beside a wallet file. `resources` takes what must be closed.

    A view-only wallet spends with a `signer` that is given. Raises CorruptState, UnsupportedVersion,
    WalletInUse.
    """
    resources.enter_context(exclusive(path))
    view = viewing_key_of(content)
    if isinstance(content, Watched):
        file_secret = encode_viewing_key(content.key).encode()
    else:
        file_secret = content.seed
        keys = derive(content.seed, content.domain)
        signer = signer or KeySigner([keys.account_seed, *content.signing_keys])
    state_file = StateFile(path.with_name(path.name + ".state"), file_secret, content.domain)
    state = state_file.load()
    chain = ChainCache(path.with_name(f"chain-{content.domain:062x}"[:_FOLDER_NAME]), content.domain)
    watcher = _watcher(view, content, state.deposits)
    trees = align(state, chain, watcher)
    counter = DepositCounter(view.outgoing, state.deposits) if isinstance(view, ViewingKeys) else None
    return Context(
        view=view,
        watcher=watcher,
        signer=signer,
        prover=prover,
        client=client,
        settlement=settlement,
        chain_id=content.chain_id,
        chain=chain,
        state_file=state_file,
        state=state,
        trees=trees,
        deposit_counter=counter,
        progress=progress,
        view_only=signer is None,
        birthday=content.birthday,
    )


def _watcher(view: ViewingKey, content: Content, deposits: int) -> Watcher | None:
    if isinstance(view, IncomingViewingKey):
        return IncomingWatcher(view)
    if isinstance(view, OutgoingViewingKey):
        # From the first deposit on, since epochs may be read again.
        counter = DepositCounter(view.outgoing, 0)
        counter.counter = deposits
        texts: Sequence[str] = content.receivers if isinstance(content, Watched) else ()
        return OutgoingWatcher(view, [decode_address(text, view.domain) for text in texts], counter)
    return None

"""What the commands of `sotto wallet` share."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from sotto.cli.options import Access, read_password
from sotto.cli.output import Output
from sotto.cli.views import action_row
from sotto.protocol.l1 import compute_domain
from sotto.wallet import SyncWallet, keyfile, parse_amount
from sotto.wallet.amounts import Asset
from sotto.wallet.client import NodeClient
from sotto.wallet.errors import NodeUnreachable, WalletExists, WrongDeployment
from sotto.wallet.messages import NodeStatus
from sotto.wallet.state import Action
from sotto.wallet.wallet import address_of

HISTORY_COLUMNS: Final = ["#", "what", "amount", "fee", "status", "epoch", "with"]


BIRTHDAY_MARGIN: Final = 256
"""Epochs before the last proven one in which a new wallet looks too: L1 may lose some, and number anew."""


def status_of(node: str) -> NodeStatus:
    """What a node says of itself."""

    async def ask() -> NodeStatus:
        async with NodeClient(node) as client:
            return await client.status()

    return asyncio.run(ask())


def birthday_of_new(node: str) -> int:
    """The birthday of a wallet that nobody can have paid yet."""
    return max(0, status_of(node).proven - BIRTHDAY_MARGIN)


def deployment_of(node: str) -> tuple[int, bytes]:
    """Chain id and rollup address that a node serves."""
    status = status_of(node)
    rollup = bytes.fromhex(status.rollup[2:])
    if compute_domain(status.chain_id, rollup) != status.domain:
        raise WrongDeployment("the node's domain is not that of its rollup address")
    return status.chain_id, rollup


birthday_option = click.option(
    "--birthday",
    type=click.IntRange(0),
    default=0,
    help="Search for notes from this epoch on, as `new` has shown it. All epochs are checked; `sync --rescan`"
    " searches all of them.",
)


def refuse_existing(path: Path) -> None:
    """Make the folder of a new wallet file. Raises WalletExists."""
    if path.exists():
        raise WalletExists(f"{path} exists")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def address_in(path: Path, password: str) -> str:
    """The Sotto address of a wallet file."""
    return address_of(keyfile.read_content(path, password))


@contextmanager
def opened_wallet(output: Output, access: Access) -> Iterator[SyncWallet]:
    """The wallet of a command, with a bar for what takes long."""
    password = read_password(access.password_file)
    with (
        output.progress() as report,
        SyncWallet(access.path, password, access.connection, progress=report) as opened,
    ):
        yield opened


def read_amount(opened: SyncWallet, text: str, asset: str) -> tuple[Asset, int]:
    """Asset and smallest units of what a user wrote."""
    found = opened.asset(asset)
    return found, parse_amount(text, found.decimals)


def known_assets(opened: SyncWallet, offline: bool) -> dict[int, Asset]:
    """The deployment's assets; none of them when the node is not asked and does not answer."""
    try:
        return dict(opened.assets())
    except NodeUnreachable:
        if not offline:
            raise
        return {}


def action_line(action: Action, assets: Mapping[int, Asset]) -> str:
    """One line about an action."""
    return "  ".join(cell for cell in action_row(action, assets) if cell)

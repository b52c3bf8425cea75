"""Options that several commands share. Secrets come by prompt, environment or file, never as an argument."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click

from sotto.cli import places
from sotto.cli.output import Output
from sotto.l1.blob_settings import BlobSettings, check_base
from sotto.wallet.wallet import Connection

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

Command = TypeVar("Command", bound=Callable[..., Any])

PASSWORD_VARIABLE: Final = "SOTTO_WALLET_PASSWORD"  # noqa: S105 - a name
L1_KEY_VARIABLE: Final = "SOTTO_L1_KEY"


def json_option(command: Command) -> Command:
    """Add --json, and hand the command its `output`."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
    @functools.wraps(command)
    def wrapped(as_json: bool, **arguments: Any) -> Any:
        click.get_current_context().meta["json"] = as_json
        return command(output=Output(as_json), **arguments)

    return cast(Command, wrapped)


def _resolve_wallet(_context: click.Context, _option: click.Parameter, value: str | None) -> Path:
    return places.wallet_path(value)


def _complete_wallets(_context: click.Context, _option: click.Parameter, start: str) -> list[str]:
    return [name for name in places.wallet_names() if name.startswith(start)]


def _complete_networks(_context: click.Context, _option: click.Parameter, start: str) -> list[str]:
    return [name for name in places.load_profile().networks if name.startswith(start)]


wallet_option = click.option(
    "--wallet",
    "path",
    metavar="NAME|FILE",
    envvar="SOTTO_WALLET",
    callback=_resolve_wallet,
    shell_complete=_complete_wallets,
    help="Name of a wallet or path of its file; by default the one of `sotto wallet use`.",
)
password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File with the wallet's password; else {PASSWORD_VARIABLE}, else a prompt.",
)
network_option = click.option(
    "--network",
    envvar="SOTTO_NETWORK",
    shell_complete=_complete_networks,
    help="Name of a network, see `sotto network`; by default that of the wallet.",
)
_node_address_option = click.option(
    "--node",
    envvar="SOTTO_NODE",
    help=f"Address of the node API; by default that of the network, else {places.DEFAULT_NODE}.",
)


def node_option(command: Command) -> Command:
    """Add --node and --network, and hand the command the address of its `node`."""

    @functools.wraps(command)
    def wrapped(node: str | None, network: str | None, **arguments: Any) -> Any:
        found = node or places.network_of(arguments.get("path"), network).node
        return command(node=found, **arguments)

    return cast(Command, _node_address_option(network_option(wrapped)))


l1_option = click.option(
    "--l1", envvar="SOTTO_L1", help="JSON-RPC endpoint of L1; without it the node is believed about L1."
)
l1_key_option = click.option(
    "--l1-key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File with the 0x hex private key that pays on L1; else {L1_KEY_VARIABLE}.",
)
fee_asset_option = click.option(
    "--fee-asset", default="ETH", show_default=True, help="Asset that pays the node."
)
max_fee_option = click.option(
    "--max-fee",
    help="Refuse to pay more than this, in units of the fee asset. By default 5% of the amount if the fee is "
    "in its asset, at least 0.001 ETH in ETH, and nothing in other tokens.",
)
force_option = click.option(
    "--force",
    is_flag=True,
    help="Send it through the queue on L1, which no operator can refuse. Needs --l1 and an L1 key; the "
    "queue's fee is paid there in ETH, and --max-fee (0.01 by default) limits it.",
)
signer_option = click.option(
    "--signer",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SOTTO_SIGNER",
    help="Unix socket of `sotto signer`, which signs instead of this wallet file.",
)


@dataclass(frozen=True, slots=True)
class Access:
    """How a command opens the wallet."""

    path: Path
    password_file: Path | None
    connection: Connection


def access_options(command: Command) -> Command:
    """Add wallet, password, node, network and L1, and hand the command its `access`."""

    @functools.wraps(command)
    def wrapped(
        path: Path,
        password_file: Path | None,
        node: str | None,
        network: str | None,
        l1: str | None,
        l1_key_file: Path | None,
        signer: Path | None,
        **arguments: Any,
    ) -> Any:
        known = places.network_of(path, network) if network or node is None else None
        connection = Connection(
            node or (known.node if known else places.DEFAULT_NODE),
            l1=l1 or (known.l1 if known else None),
            l1_account=read_l1_account(l1_key_file),
            signer=signer,
        )
        return command(access=Access(path, password_file, connection), **arguments)

    added: Any = wrapped
    for option in (
        signer_option,
        l1_key_option,
        l1_option,
        network_option,
        _node_address_option,
        password_option,
        wallet_option,
    ):
        added = option(added)
    return cast(Command, added)


class _Base(click.ParamType):
    """The base address of an HTTP API; an environment variable has several with commas."""

    name = "url"
    envvar_list_splitter = ","

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        """See click. Fails without the value, which may hold a key."""
        try:
            return check_base(value.strip())
        except ValueError as error:
            self.fail(str(error), param, context)


class _Files(click.Path):
    envvar_list_splitter = ","


def blob_options(command: Command) -> Command:
    """Add --beacon, --blob-node and --archive-file, and hand the command its `blobs`, BlobSettings."""

    @click.option(
        "--beacon",
        "beacons",
        multiple=True,
        type=_Base(),
        envvar="SOTTO_BEACON",
        help="Beacon API to ask for blobs; repeat it.",
    )
    @click.option(
        "--blob-node",
        "blob_nodes",
        multiple=True,
        type=_Base(),
        envvar="SOTTO_BLOB_NODE",
        help="Node of Sotto to ask for what was in blobs; repeat it. It is checked, not trusted.",
    )
    @click.option(
        "--archive-file",
        "archive_files",
        multiple=True,
        type=_Files(path_type=Path),
        envvar="SOTTO_ARCHIVE_FILE",
        help="File of `sotto node archive export` with what was in blobs; repeat it. It is checked, too.",
    )
    @functools.wraps(command)
    def wrapped(
        beacons: tuple[str, ...],
        blob_nodes: tuple[str, ...],
        archive_files: tuple[Path, ...],
        **arguments: Any,
    ) -> Any:
        return command(blobs=BlobSettings(beacons, blob_nodes, archive_files), **arguments)

    return cast(Command, wrapped)


def read_password(file: Path | None, confirm: bool = False) -> str:
    """The password of the wallet. With `confirm` a prompt asks twice."""
    if file is not None:
        return file.read_text().rstrip("\r\n")
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    prompted = click.prompt("Password of the wallet", hide_input=True, confirmation_prompt=confirm, err=True)
    return str(prompted)


def read_secret(file: Path | None, prompt: str) -> str:
    """A secret as it stands in a file, else as it is typed."""
    return file.read_text() if file is not None else str(click.prompt(prompt, hide_input=True, err=True))


def read_l1_account(file: Path | None) -> "LocalAccount | None":
    """The L1 account, None when no key is given. Raises click.UsageError for a malformed key."""
    key = file.read_text().strip() if file is not None else os.environ.get(L1_KEY_VARIABLE, "").strip()
    if not key:
        return None
    # Imported late: it takes longer to load than the wallet, and most commands have no L1 key.
    from eth_account import Account

    try:
        account: LocalAccount = Account.from_key(key)
    except ValueError:
        # The library's message may repeat the key.
        raise click.UsageError("the L1 key is not 0x and 64 hex digits") from None
    return account

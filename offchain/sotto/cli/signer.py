"""`sotto signer`: the spending key in a process of its own."""

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from pathlib import Path

import click

from sotto.cli.options import password_option, read_password, wallet_option
from sotto.cli.output import Output, escape
from sotto.crypto.backend import install_hash_backend
from sotto.protocol.field import field_to_json
from sotto.wallet import keyfile
from sotto.wallet.amounts import ETHER, format_with_symbol
from sotto.wallet.errors import PolicyViolated
from sotto.wallet.signing_request import Reviewed
from sotto.wallet.signing_service import Approver, Policy, SigningService


class _Console:
    """Shows each transaction on the terminal and asks."""

    async def approve(self, reviewed: Reviewed) -> None:
        """See Approver."""
        for line in review_lines(reviewed):
            click.echo(line, err=True)
        if not await asyncio.to_thread(click.confirm, "Sign this?", default=False, err=True):
            raise PolicyViolated("the signer's user said no")


class _Limits(click.ParamType):
    name = "ASSET=UNITS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        asset, mark, units = str(value).partition("=")
        digits = asset + units
        if not mark or not asset or not units or not (digits.isascii() and digits.isdigit()):
            self.fail("write ASSET=UNITS: number of the asset, and its smallest units", param, ctx)
        return int(asset), int(units)


@click.command()
@wallet_option
@password_option
@click.option(
    "--socket",
    "socket",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SOTTO_SIGNER",
    help="Unix socket to listen on; only you can connect. Forward it by SSH to the machine that proves.",
)
@click.option("--policy", is_flag=True, help="Sign within the limits below without asking; refuse all else.")
@click.option("--max-amount", "amounts", multiple=True, type=_Limits(), help="Policy: leaves at most, each.")
@click.option("--max-total", "totals", multiple=True, type=_Limits(), help="Policy: leaves at most, in all.")
@click.option("--max-fee", "fees", multiple=True, type=_Limits(), help="Policy: fee at most, each.")
@click.option("--receiver", "receivers", multiple=True, help="Policy: pay only these addresses; repeat it.")
def signer(
    path: Path,
    password_file: Path | None,
    socket: Path,
    policy: bool,
    amounts: tuple[tuple[int, int], ...],
    totals: tuple[tuple[int, int], ...],
    fees: tuple[tuple[int, int], ...],
    receivers: tuple[str, ...],
) -> None:
    """Sign for wallets that hold no spending key, after showing what each transaction does.

    The other machine opens a wallet with the full viewing key (`sotto wallet view-key`, `watch`) and names
    this socket with --signer: it proves, and cannot spend. Amounts are shown in smallest units but for ETH.
    """
    limits = (amounts, totals, fees, receivers)
    if not policy and any(limits):
        raise click.UsageError("limits belong to --policy")
    install_hash_backend()
    secret = keyfile.read(path, read_password(password_file))
    approver: Approver = _Console()
    if policy:
        allowed = frozenset(text.strip().lower() for text in receivers) if receivers else None
        approver = Policy(dict(amounts), dict(totals), dict(fees), allowed)
    asyncio.run(_serve(SigningService(secret, approver), socket))


async def _serve(service: SigningService, socket: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(service.serve(socket))
        except OSError as error:
            raise click.UsageError(f"{socket}: {error.strerror}") from error
        Output(False).note(f"signing at {socket}")
        await stopped.wait()


def review_lines(reviewed: Reviewed) -> list[str]:
    """What a transaction does, for people. Texts of others are escaped."""
    lines = [""]
    for receiver in reviewed.receivers:
        lines.append(f"pay         {_shown(receiver.value, receiver.asset)}")
        lines.append(f"  to        {receiver.address}")
        if receiver.memo:
            lines.append(f'  memo      "{escape(receiver.memo)}"')
    if reviewed.public_value:
        lines.append(f"withdraw    {_shown(reviewed.public_value, reviewed.public_asset)}")
        lines.append(f"  to        0x{reviewed.recipient:040x} on L1")
    if reviewed.keys:
        lines.append("THE KEYS OF THE ACCOUNT BECOME")
        lines += [f"  {field_to_json(key)}" for key in reviewed.keys]
    if reviewed.fee:
        lines.append(f"fee         {_shown(reviewed.fee, reviewed.fee_asset)}")
    lines += [f"back to you {_shown(value, asset)}" for asset, value in sorted(reviewed.change.items())]
    lines.append(f"expires at L1 block {reviewed.expiry}")
    return lines


def _shown(value: int, asset: int) -> str:
    known: Mapping[int, str] = {ETHER.asset: format_with_symbol(value, ETHER)}
    return known.get(asset, f"{value} smallest units of asset {asset}")

"""`sotto wallet view-key` and `sotto wallet watch`: show somebody a part of a wallet, and see it there."""

from pathlib import Path

import click

from sotto.cli.options import (
    json_option,
    node_option,
    password_option,
    read_password,
    read_secret,
    wallet_option,
)
from sotto.cli.output import Output
from sotto.cli.places import bind_wallet
from sotto.cli.session import address_in, birthday_option, deployment_of, refuse_existing
from sotto.cli.views import Assets, amount_data, shown_amount, symbol_of
from sotto.wallet import SyncWallet, keyfile
from sotto.wallet.creation import create_view_only
from sotto.wallet.opening import viewing_key_of
from sotto.wallet.viewing import ViewingKind, export_viewing_key

SEES = {
    ViewingKind.INCOMING: "every note that the wallet receives, own change included, but not what is spent",
    ViewingKind.OUTGOING: "the payments of the wallet: fees, withdrawals, and what went to named receivers",
    ViewingKind.FULL: "everything that the wallet receives, has and spends",
}


@click.command("view-key")
@wallet_option
@password_option
@click.argument("kind", type=click.Choice([str(kind) for kind in ViewingKind]))
@json_option
def view_key(path: Path, password_file: Path | None, kind: str, output: Output) -> None:
    """Show the viewing key of a KIND: incoming, outgoing or full.

    Whoever has it sees that much for ever, of the past too; it cannot be taken back. None of them spends.
    """
    chosen = ViewingKind(kind)
    view = viewing_key_of(keyfile.read_content(path, read_password(password_file)))
    text = export_viewing_key(view, chosen)
    output.note(f"shows {SEES[chosen]}; it cannot be taken back, and spends nothing")
    output.result({"kind": kind, "viewing_key": text}, [text])


def show_received(output: Output, opened: SyncWallet, assets: Assets) -> None:
    """What an incoming viewing key sees in place of a balance."""
    output.note(
        "an incoming viewing key sees what was received, own change included; it cannot tell what is spent"
    )
    totals = sorted(opened.received().items())
    rows = [[symbol_of(asset, assets), shown_amount(value, asset, assets)] for asset, value in totals]
    data = {"epoch": opened.epoch, "received": [amount_data(value, asset, assets) for asset, value in totals]}
    output.table(data, ["asset", "received in all"], rows, "nothing received yet")


@click.command()
@wallet_option
@password_option
@node_option
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the viewing key; else a prompt.",
)
@click.option("--receiver", "receivers", multiple=True, help="Sotto address that an outgoing key is to read.")
@birthday_option
@json_option
def watch(
    path: Path,
    password_file: Path | None,
    node: str,
    key_file: Path | None,
    receivers: tuple[str, ...],
    birthday: int,
    output: Output,
) -> None:
    """Make a view-only wallet of a viewing key. `sync`, `balance` and `history` work, nothing that spends."""
    refuse_existing(path)
    chain_id, rollup = deployment_of(node)
    text = read_secret(key_file, "Viewing key")
    password = read_password(password_file, confirm=True)
    kind = create_view_only(path, password, chain_id, rollup, text, receivers=receivers, birthday=birthday)
    bind_wallet(path, click.get_current_context().params["network"])
    address = address_in(path, password)
    output.result(
        {"wallet": str(path), "kind": str(kind), "address": address},
        [f"wallet   {path}", f"address  {address}", f"shows    {SEES[kind]}"],
    )

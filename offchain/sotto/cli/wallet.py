"""`sotto wallet`: keys, payments, deposits and withdrawals."""

import json
from pathlib import Path

import click

from sotto.cli.account import account
from sotto.cli.batches import batch
from sotto.cli.export import history_csv
from sotto.cli.networks import list_wallets, use_wallet
from sotto.cli.options import (
    Access,
    access_options,
    fee_asset_option,
    force_option,
    json_option,
    l1_key_option,
    max_fee_option,
    node_option,
    password_option,
    read_l1_account,
    read_password,
    read_secret,
    wallet_option,
)
from sotto.cli.output import Output
from sotto.cli.payments import pay, request, send
from sotto.cli.places import bind_wallet
from sotto.cli.qr import terminal_code, write_png
from sotto.cli.session import (
    HISTORY_COLUMNS,
    action_line,
    address_in,
    birthday_of_new,
    birthday_option,
    deployment_of,
    known_assets,
    opened_wallet,
    read_amount,
    refuse_existing,
)
from sotto.cli.viewing import show_received, view_key, watch
from sotto.cli.views import action_data, action_row, balance_data, balance_rows, receipt_data, shown_amount
from sotto.wallet import account_signer, create_wallet, create_wallet_from_l1
from sotto.wallet.files import write_atomically
from sotto.wallet.viewing import ViewingKind


@click.group()
def wallet() -> None:
    """A wallet: private balance, payments, deposits from and withdrawals to L1."""


wallet.add_command(account)
wallet.add_command(batch)
wallet.add_command(pay)
wallet.add_command(request)
wallet.add_command(send)
wallet.add_command(list_wallets)
wallet.add_command(use_wallet)
wallet.add_command(view_key)
wallet.add_command(watch)


@wallet.command()
@wallet_option
@password_option
@node_option
@l1_key_option
@click.option(
    "--from-l1", is_flag=True, help="Derive the seed from a signature of the L1 key, without words."
)
@json_option
def new(
    path: Path,
    password_file: Path | None,
    node: str,
    l1_key_file: Path | None,
    from_l1: bool,
    output: Output,
) -> None:
    """Make a wallet with 24 new words, for the deployment that the node serves.

    The words are shown once. Whoever has them owns the funds; without them and the file nobody has.
    """
    refuse_existing(path)
    chain_id, rollup = deployment_of(node)
    birthday = birthday_of_new(node)
    if from_l1:
        account = read_l1_account(l1_key_file)
        if account is None:
            raise click.UsageError("--from-l1 needs --l1-key-file or SOTTO_L1_KEY")
        password = read_password(password_file, confirm=True)
        # The same L1 key may have made this wallet before, and others may have paid it since.
        create_wallet_from_l1(path, password, chain_id, rollup, account_signer(account))
        birthday = 0
        words = ""
    else:
        password = read_password(password_file, confirm=True)
        words = create_wallet(path, password, chain_id, rollup, birthday=birthday)
    bind_wallet(path, click.get_current_context().params["network"])
    address = address_in(path, password)
    lines = [f"wallet   {path}", f"address  {address}"]
    lines.append(f"rollup   0x{rollup.hex()} on chain {chain_id}")
    lines.append(f"birthday epoch {birthday}")
    if words:
        lines += ["", "Write these words down; they are not shown again:", "", words]
    output.result(
        {
            "wallet": str(path),
            "address": address,
            "chain_id": chain_id,
            "rollup": "0x" + rollup.hex(),
            "birthday": birthday,
            "phrase": words,
        },
        lines,
    )


@wallet.command()
@wallet_option
@password_option
@node_option
@click.option(
    "--phrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the words; else a prompt.",
)
@birthday_option
@json_option
def restore(
    path: Path,
    password_file: Path | None,
    node: str,
    phrase_file: Path | None,
    birthday: int,
    output: Output,
) -> None:
    """Make the wallet file again from its words. `sync` then finds notes and history."""
    refuse_existing(path)
    chain_id, rollup = deployment_of(node)
    phrase = read_secret(phrase_file, "Words")
    password = read_password(password_file, confirm=True)
    create_wallet(path, password, chain_id, rollup, phrase=phrase, birthday=birthday)
    bind_wallet(path, click.get_current_context().params["network"])
    address = address_in(path, password)
    output.result({"wallet": str(path), "address": address}, [f"wallet   {path}", f"address  {address}"])


@wallet.command()
@wallet_option
@password_option
@click.option("--qr", is_flag=True, help="Also show the address as a QR code.")
@click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), help="Write the QR code to this file."
)
@json_option
def address(path: Path, password_file: Path | None, qr: bool, png: Path | None, output: Output) -> None:
    """Show the address that others send to."""
    shown = address_in(path, read_password(password_file))
    output.result({"address": shown}, [shown])
    # Upper case is an address too, and makes the code a third smaller.
    if png is not None:
        write_png(shown.upper(), png)
    if qr and not output.as_json:
        click.echo(terminal_code(shown.upper()))


@wallet.command()
@access_options
@click.option("--offline", is_flag=True, help="Show what the last sync saw, without asking the node.")
@json_option
def balance(offline: bool, output: Output, access: Access) -> None:
    """Show what this wallet has, after a sync."""
    with opened_wallet(output, access) as opened:
        if not offline:
            opened.sync()
        assets = known_assets(opened, offline)
        if opened.sees == ViewingKind.INCOMING:
            show_received(output, opened, assets)
            return
        balances, epoch = opened.balances(), opened.epoch
    data = {"epoch": epoch, "balances": balance_data(balances, assets)}
    columns = ["asset", "available", "coming in", "going out"]
    output.table(data, columns, balance_rows(balances, assets), "no notes yet: make a deposit")
    for asset, found in sorted(balances.items()):
        if found.claimed_spent:
            shown = shown_amount(found.claimed_spent, asset, assets)
            output.note(f"{shown}: spent by the node's word only; `sync` with --l1 settles it")


@wallet.command()
@access_options
@click.option("--rescan", is_flag=True, help="Read all epochs again, for example from another node.")
@json_option
def sync(rescan: bool, output: Output, access: Access) -> None:
    """Follow the chain: read new epochs, check them, find notes."""
    with opened_wallet(output, access) as opened:
        report = opened.sync(rescan=rescan)
    checked = "compared with L1's record" if report.checked_on_l1 else "not compared with L1 (give --l1)"
    output.result(
        {"epoch": report.epoch, "new_epochs": report.epochs, "checked_on_l1": report.checked_on_l1},
        [f"epoch {report.epoch}, {report.epochs} new, {checked}"],
    )


@wallet.command()
@access_options
@click.argument("amount")
@click.argument("asset")
@click.option("--to", "receiver", help="Sotto address; this wallet by default.")
@click.option("--wait", is_flag=True, help="Return when the deposit can be spent.")
@json_option
def deposit(
    amount: str, asset: str, receiver: str | None, wait: bool, output: Output, access: Access
) -> None:
    """Deposit AMOUNT of ASSET from the L1 account, for example `1.5 ETH`. Needs --l1 and an L1 key.

    Depositor, asset and amount are public on L1. A payment soon after, or a withdrawal of the same amount,
    can be linked to it.
    """
    with opened_wallet(output, access) as opened:
        found, value = read_amount(opened, amount, asset)
        made = opened.deposit(found.symbol, value, receiver)
        action = opened.wait(made.action.number) if wait else made.action
        assets = opened.assets()
    data = action_data(action, assets) | {"l1": receipt_data(made.receipt)}
    paid = f"L1 transaction {made.receipt.hash}, {made.receipt.gas:,} gas"
    output.result(data, [action_line(action, assets), paid])


@wallet.command()
@access_options
@click.argument("amount")
@click.argument("asset")
@click.argument("recipient")
@fee_asset_option
@max_fee_option
@force_option
@click.option("--wait", is_flag=True, help="Return when it can be claimed.")
@json_option
def withdraw(
    amount: str,
    asset: str,
    recipient: str,
    fee_asset: str,
    max_fee: str | None,
    force: bool,
    wait: bool,
    output: Output,
    access: Access,
) -> None:
    """Withdraw AMOUNT of ASSET to RECIPIENT, an L1 address. `claim` pays it out once it is proven.

    Recipient, asset and amount are public on L1.
    """
    with opened_wallet(output, access) as opened:
        found, value = read_amount(opened, amount, asset)
        limit = None if max_fee is None else read_amount(opened, max_fee, "ETH" if force else fee_asset)[1]
        action = opened.withdraw(
            found.symbol, value, recipient, fee_asset=fee_asset, max_fee=limit, force=force
        )
        action = opened.wait(action.number) if wait else action
        assets = opened.assets()
    output.result(action_data(action, assets), [action_line(action, assets)])


@wallet.command()
@access_options
@json_option
def claim(output: Output, access: Access) -> None:
    """Have L1 pay all proven withdrawals of this wallet. Needs --l1 and an L1 key."""
    with opened_wallet(output, access) as opened:
        opened.sync()
        paid = [(action, opened.claim(action)) for action in opened.claimable()]
        assets = opened.assets()
    data = [
        action_data(action, assets) | {"l1": None if receipt is None else receipt_data(receipt)}
        for action, receipt in paid
    ]
    rows = [action_row(action, assets) for action, _ in paid]
    output.table(data, HISTORY_COLUMNS, rows, "nothing to claim: a withdrawal must be proven first")


@wallet.command()
@access_options
@click.option("--offline", is_flag=True, help="Show what the last sync saw, without asking the node.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row for each payment.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the CSV or JSON to this file, readable for you only.",
)
@json_option
def history(offline: bool, as_csv: bool, out: Path | None, output: Output, access: Access) -> None:
    """Show what this wallet did and received, oldest first; --csv and --json export it."""
    if as_csv == output.as_json and (as_csv or out):
        raise click.UsageError("an export is either --csv or --json")
    with opened_wallet(output, access) as opened:
        if not offline:
            opened.sync()
        assets = known_assets(opened, offline)
        actions = opened.history()
    data = [action_data(action, assets) for action in actions]
    if out is not None:
        text = history_csv(actions, assets) if as_csv else json.dumps(data, indent=2) + "\n"
        write_atomically(out, text.encode())
        output.result({"file": str(out), "actions": len(actions)}, [f"{len(actions)} actions in {out}"])
    elif as_csv:
        click.echo(history_csv(actions, assets), nl=False)
    else:
        output.table(data, HISTORY_COLUMNS, [action_row(a, assets) for a in actions], "nothing yet")

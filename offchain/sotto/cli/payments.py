"""`sotto wallet send`, `request` and `pay`."""

import time
from pathlib import Path

import click

from sotto.cli.batches import carry_on, confirm_plan
from sotto.cli.options import (
    Access,
    access_options,
    fee_asset_option,
    force_option,
    json_option,
    max_fee_option,
    password_option,
    read_password,
    wallet_option,
)
from sotto.cli.output import Output
from sotto.cli.payment_file import Row, read_payments, refuse_duplicates
from sotto.cli.qr import terminal_code, write_png
from sotto.cli.session import action_line, address_in, opened_wallet, read_amount
from sotto.cli.views import action_data, shown_amount
from sotto.wallet import SyncWallet
from sotto.wallet.amounts import parse_amount
from sotto.wallet.errors import PaymentUriInvalid
from sotto.wallet.inputs import Payment
from sotto.wallet.uri import PaymentRequest, encode_uri, parse_uri

wait_option = click.option("--wait", is_flag=True, help="Return when the payment is proven on L1.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
memo_option = click.option("--memo", default="", help="Text of up to 381 bytes that only the receiver reads.")


@click.command()
@access_options
@click.argument("words", nargs=-1, metavar="(AMOUNT ASSET RECEIVER | ASSET)")
@click.option("--to", "receivers", multiple=True, metavar="ADDRESS=AMOUNT", help="A receiver; repeat it.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Receivers from a .csv or .json file: address, amount, and if you like memo and reference.",
)
@click.option("--allow-duplicates", is_flag=True, help="Take a receiver that is there twice for meant.")
@memo_option
@fee_asset_option
@max_fee_option
@force_option
@yes_option
@wait_option
@json_option
def send(
    words: tuple[str, ...],
    receivers: tuple[str, ...],
    file: Path | None,
    allow_duplicates: bool,
    memo: str,
    fee_asset: str,
    max_fee: str | None,
    force: bool,
    yes: bool,
    wait: bool,
    output: Output,
    access: Access,
) -> None:
    """Pay privately: `send 1.5 ETH sotto1...`, or `send ETH --to sotto1...=1.5 --to ...`, or --file.

    Receivers that fit one epoch (up to 32) are paid all or none. More are paid in several bundles: the plan
    is shown first, and what is interrupted goes on with `sotto wallet batch resume`. With --force there are
    two receivers at most, and no memo.
    """
    rows = _rows(words, receivers, file, memo)
    if not allow_duplicates:
        refuse_duplicates(rows)
    asset = words[0] if len(words) == 1 else words[1]
    with opened_wallet(output, access) as opened:
        found = opened.asset(asset)
        payments = [
            Payment(row.address, parse_amount(row.amount, found.decimals), row.reference, row.memo)
            for row in rows
        ]
        limit = None if max_fee is None else read_amount(opened, max_fee, "ETH" if force else fee_asset)[1]
        if len(payments) > 1 and not force:
            plan = opened.plan_batch(found.symbol, payments, fee_asset=fee_asset)
            if len(plan.bundles) > 1:
                confirm_plan(opened, plan, yes, output)
                number = opened.start_batch(found.symbol, payments, fee_asset=fee_asset, max_fee=limit)
                carry_on(opened, number, output)
                return
        action = opened.send(found.symbol, payments, fee_asset=fee_asset, max_fee=limit, force=force)
        action = opened.wait(action.number) if wait else action
        assets = opened.assets()
    output.result(action_data(action, assets), [action_line(action, assets)])


def _rows(words: tuple[str, ...], receivers: tuple[str, ...], file: Path | None, memo: str) -> list[Row]:
    if len(words) == 3 and not receivers and file is None:
        return [Row(words[2], words[0], memo)]
    if len(words) != 1 or bool(receivers) == (file is not None):
        raise click.UsageError("give AMOUNT ASSET RECEIVER, or ASSET with either --to or --file")
    if file is not None:
        if memo:
            raise click.UsageError("memos of many receivers are in the file")
        return read_payments(file)
    if memo and len(receivers) > 1:
        raise click.UsageError("--memo is for one receiver; use --file for more")
    rows = []
    for receiver in receivers:
        address, mark, amount = receiver.rpartition("=")
        if not mark or not address:
            raise click.UsageError("--to is ADDRESS=AMOUNT")
        rows.append(Row(address, amount, memo))
    return rows


@click.command()
@wallet_option
@password_option
@click.option("--amount", help="In whole units of the asset.")
@click.option("--asset", type=click.IntRange(1), help="Number of the asset; ETH is 1.")
@click.option("--memo", default="", help="Text that the payer sends along.")
@click.option("--expires-in", type=click.IntRange(1), metavar="SECONDS", help="How long it is valid.")
@click.option("--qr", is_flag=True, help="Also show it as a QR code.")
@click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), help="Write the QR code to this file."
)
@json_option
def request(
    path: Path,
    password_file: Path | None,
    amount: str | None,
    asset: int | None,
    memo: str,
    expires_in: int | None,
    qr: bool,
    png: Path | None,
    output: Output,
) -> None:
    """Ask for a payment: a `sotto:` URI with this wallet's address."""
    address = address_in(path, read_password(password_file))
    expires = None if expires_in is None else int(time.time()) + expires_in
    text = encode_uri(PaymentRequest(address, asset, amount, memo, None, expires))
    if png is not None:
        write_png(text, png)
    output.result({"uri": text}, [text])
    if qr and not output.as_json:
        click.echo(terminal_code(text))


@click.command()
@access_options
@click.argument("uri")
@click.option("--amount", help="Where the request names none.")
@click.option("--asset", "asset_name", help="Where the request names none.")
@fee_asset_option
@max_fee_option
@yes_option
@wait_option
@json_option
def pay(
    uri: str,
    amount: str | None,
    asset_name: str | None,
    fee_asset: str,
    max_fee: str | None,
    yes: bool,
    wait: bool,
    output: Output,
    access: Access,
) -> None:
    """Pay a request, the `sotto:` URI of `sotto wallet request` or of a QR code."""
    wanted = parse_uri(uri)
    wanted.check_time(time.time())
    with opened_wallet(output, access) as opened:
        payment, symbol = _requested(opened, wanted, amount, asset_name)
        limit = None if max_fee is None else read_amount(opened, max_fee, fee_asset)[1]
        asset = opened.asset(symbol)
        lines = [
            f"pay   {shown_amount(payment.value, asset.asset, opened.assets())}",
            f"to    {payment.address}",
        ]
        if payment.memo:
            lines.append(f'memo  "{payment.memo}"')
        for line in lines:
            output.note(line)
        if not yes:
            click.confirm("Pay this?", abort=True, err=True)
        wanted.check_time(time.time())
        action = opened.send(symbol, [payment], fee_asset=fee_asset, max_fee=limit)
        action = opened.wait(action.number) if wait else action
        assets = opened.assets()
    output.result(action_data(action, assets), [action_line(action, assets)])


def _requested(
    opened: SyncWallet, wanted: PaymentRequest, amount: str | None, asset: str | None
) -> tuple[Payment, str]:
    if wanted.asset is not None and asset is not None:
        raise click.UsageError("the request names the asset")
    if wanted.amount is not None and amount is not None:
        raise click.UsageError("the request names the amount")
    name = str(wanted.asset) if wanted.asset is not None else asset
    text = wanted.amount or amount
    if name is None or text is None:
        raise PaymentUriInvalid("it names no amount or no asset: give --amount and --asset")
    found = opened.asset(name)
    reference = wanted.reference or bytes(20)
    value = parse_amount(text, found.decimals)
    return Payment(wanted.address, value, reference, wanted.memo), str(found.asset)

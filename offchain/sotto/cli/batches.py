"""`sotto wallet batch`: payments to many receivers that take several bundles."""

from typing import Final

import click

from sotto.cli.options import Access, access_options, json_option
from sotto.cli.output import Output
from sotto.cli.session import opened_wallet
from sotto.cli.views import shown_amount
from sotto.wallet import SyncWallet
from sotto.wallet.batch import BatchPlan, BatchProgress

_COLUMNS: Final = ["batch", "proven", "on their way", "open", ""]


@click.group()
def batch() -> None:
    """Payments to many receivers: `sotto wallet send` begins them."""


@batch.command("list")
@access_options
@click.option("--offline", is_flag=True, help="Show what the last sync saw, without asking the node.")
@json_option
def list_batches(offline: bool, output: Output, access: Access) -> None:
    """Show how far the batches are, in receivers."""
    with opened_wallet(output, access) as opened:
        if not offline:
            opened.sync()
        found = opened.batches()
    output.table([_data(one) for one in found], _COLUMNS, [_row(one) for one in found], "no batches")


@batch.command()
@access_options
@click.argument("number", type=click.IntRange(0))
@json_option
def resume(number: int, output: Output, access: Access) -> None:
    """Go on with batch NUMBER until all are paid. Nobody is paid twice."""
    with opened_wallet(output, access) as opened:
        carry_on(opened, number, output)


@batch.command()
@access_options
@click.argument("number", type=click.IntRange(0))
@json_option
def stop(number: int, output: Output, access: Access) -> None:
    """Give up what batch NUMBER has not sent yet. What is on its way still arrives."""
    with opened_wallet(output, access) as opened:
        progress = opened.stop_batch(number)
    output.result(_data(progress), [_line(progress)])


def confirm_plan(opened: SyncWallet, plan: BatchPlan, yes: bool, output: Output) -> None:
    """Show a plan, and ask unless `yes`."""
    assets = opened.assets()
    receivers = sum(bundle.receivers for bundle in plan.bundles)
    output.note(
        f"{receivers} receivers, {shown_amount(plan.value, plan.asset, assets)} in all, in "
        f"{len(plan.bundles)} bundles with {plan.transactions} transactions; "
        f"fees {shown_amount(plan.fee, plan.fee_asset, assets)}."
    )
    for number, bundle in enumerate(plan.bundles):
        counts = f"{bundle.receivers} receivers, {bundle.transactions} transactions"
        output.note(f"  bundle {number + 1}: {counts}, all or none")
    output.note("Each bundle waits until the one before it is proven. If this is interrupted: batch resume.")
    if not yes:
        click.confirm("Pay this?", abort=True, err=True)


def carry_on(opened: SyncWallet, number: int, output: Output) -> None:
    """Continue a batch to its end, with a line after each bundle."""
    while not (progress := opened.continue_batch(number)).finished:
        output.note(_line(progress))
    output.result(_data(progress), [_line(progress)])


def _line(progress: BatchProgress) -> str:
    stopped = ", stopped" if progress.stopped else ""
    return (
        f"batch {progress.number}: {progress.proven} paid, {progress.pending} on their way, "
        f"{progress.open} open{stopped}"
    )


def _row(progress: BatchProgress) -> list[str]:
    state = "stopped" if progress.stopped else "finished" if progress.finished else "resume it"
    return [
        str(progress.number),
        str(progress.proven),
        str(progress.pending),
        str(progress.open),
        state,
    ]


def _data(progress: BatchProgress) -> dict[str, object]:
    return {
        "batch": progress.number,
        "proven": progress.proven,
        "pending": progress.pending,
        "open": progress.open,
        "stopped": progress.stopped,
        "finished": progress.finished,
    }

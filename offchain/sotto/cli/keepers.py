"""Commands that keep a rollup going without permission: they know its address and an L1 endpoint."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from sotto.cli.options import (
    L1_KEY_VARIABLE,
    Command,
    blob_options,
    json_option,
    l1_key_option,
    read_l1_account,
)
from sotto.cli.output import Output

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import AsyncWeb3

    from sotto.l1.blob_settings import BlobSettings

R = TypeVar("R")


def parse_address(text: str) -> bytes:
    """An L1 address, 20 bytes. Raises click.UsageError."""
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise click.UsageError(f"{text!r} is no L1 address: 0x and 40 hex digits")
    return address


database_option = click.option(
    "--database",
    envvar="SOTTO_DATABASE",
    default="sqlite:///sotto-follower.db",
    show_default=True,
    help="URL of the database in which what was read from L1 is kept.",
)
start_block_option = click.option(
    "--start-block",
    type=click.IntRange(0),
    help="An L1 block before the contracts; else it is searched for, which needs an L1 node with old states.",
)


def place_options(command: Command) -> Command:
    """Add --rpc-url and --rollup, and hand the command `rpc_url` and `rollup`."""
    rollup = click.option(
        "--rollup",
        envvar="SOTTO_ROLLUP",
        required=True,
        callback=lambda _context, _option, value: parse_address(value),
        help="Address of the rollup.",
    )
    rpc_url = click.option("--rpc-url", envvar="SOTTO_L1", required=True, help="JSON-RPC endpoint of L1.")
    return rpc_url(rollup(command))


def rollup_options(command: Command) -> Command:
    """Add place_options and the L1 key, and hand the command also its `account`."""

    @place_options
    @l1_key_option
    @functools.wraps(command)
    def wrapped(l1_key_file: Path | None, **arguments: Any) -> Any:
        account = read_l1_account(l1_key_file)
        if account is None:
            raise click.UsageError(f"give the L1 key that pays: --l1-key-file or {L1_KEY_VARIABLE}")
        return command(account=account, **arguments)

    return cast(Command, wrapped)


@asynccontextmanager
async def l1_connection(url: str) -> "AsyncIterator[AsyncWeb3[Any]]":
    """A connection to L1."""
    from sotto.l1.connection import connect

    web3 = connect(url)
    try:
        yield web3
    finally:
        await web3.provider.disconnect()


def connected(rpc_url: str, action: "Callable[[AsyncWeb3[Any]], Awaitable[R]]") -> R:
    """Run a coroutine with a connection to L1."""

    async def run() -> R:
        async with l1_connection(rpc_url) as web3:
            return await action(web3)

    return asyncio.run(run())


@click.command()
@rollup_options
@json_option
def prune(output: Output, rpc_url: str, rollup: bytes, account: "LocalAccount") -> None:
    """Remove pending epochs that nobody proved by their deadline.

    Anybody may do it, and nothing is lost: their transactions and queue items wait again.
    """
    from sotto.l1.pruning import prune as prune_pending

    with output.progress() as progress:
        done = connected(rpc_url, lambda web3: prune_pending(web3, rollup, account, progress))
    output.result(
        {"first": done.first, "last": done.last, "l1_tx": "0x" + done.transaction.hex()},
        [f"pruned epochs {done.first} to {done.last} by L1 transaction 0x{done.transaction.hex()}"],
    )


@click.command()
@rollup_options
@click.option("--permissionless", is_flag=True, required=True, help="Prove what anybody has committed.")
@click.option("--beneficiary", help="L1 address that the proofs name; by default that of the L1 key.")
@database_option
@start_block_option
@blob_options
@click.option("--once", is_flag=True, help="End when nothing that can be proven is pending.")
@click.option("--poll-interval", default=0.5, show_default=True, help="Seconds between looks at L1.")
@json_option
def prover(
    output: Output,
    rpc_url: str,
    rollup: bytes,
    account: "LocalAccount",
    permissionless: bool,
    beneficiary: str | None,
    database: str,
    start_block: int | None,
    blobs: "BlobSettings",
    once: bool,
    poll_interval: float,
) -> None:
    """Prove pending epochs from L1 data alone.

    It needs no node: it rebuilds the state from L1, takes the oldest pending epoch, proves it and brings the
    proof to L1. A proof names its beneficiary and is of no use to anybody else.
    """
    from sotto.node.follower import FollowConfig
    from sotto.prover.pending import Proven, prove_pending

    output.show_logs("info")
    config = FollowConfig(
        rpc_url, rollup, database, start_block=start_block, poll_interval=poll_interval, blobs=blobs
    )
    named = parse_address(beneficiary or account.address)
    found: list[Proven] = []

    def report(proven: Proven) -> None:
        found.append(proven)
        output.note(f"proved epoch {proven.epoch} by L1 transaction 0x{proven.transaction.hex()}")

    asyncio.run(prove_pending(config, account, named, report, once))
    data = [{"epoch": item.epoch, "l1_tx": "0x" + item.transaction.hex()} for item in found]
    output.result({"proven": data}, [f"{len(found)} epochs proven"])


@click.command("process-overdue")
@rollup_options
@database_option
@start_block_option
@blob_options
@json_option
def process_overdue(
    output: Output,
    rpc_url: str,
    rollup: bytes,
    account: "LocalAccount",
    database: str,
    start_block: int | None,
    blobs: "BlobSettings",
) -> None:
    """Commit and prove epochs of the queue items that operators have left waiting for the forced deadline.

    It needs no node and nobody's permission: the items and the state come from L1. The L1 key pays for gas,
    and is credited what forced transactions paid the queue.
    """
    from sotto.node.follower import FollowConfig
    from sotto.prover.overdue import process_overdue as process

    output.show_logs()
    config = FollowConfig(rpc_url, rollup, database, start_block=start_block, blobs=blobs)
    with output.progress() as progress:
        done = asyncio.run(process(config, account, progress))
    data = [
        {"epoch": item.epoch, "start": item.start, "end": item.end, "l1_tx": "0x" + item.transaction.hex()}
        for item in done
    ]
    output.result(
        {"processed": data},
        [f"epoch {item.epoch}: queue items {item.start} to {item.end - 1}" for item in done],
    )

"""`sotto node`: run a node and look at it."""

import asyncio
from pathlib import Path
from typing import Any

import click

from sotto.cli.archives import archive
from sotto.cli.keepers import parse_address
from sotto.cli.node_keys import keys
from sotto.cli.options import blob_options, json_option, node_option
from sotto.cli.output import Output
from sotto.cli.settings import config_options, read_config
from sotto.node.config import load_config
from sotto.wallet.client import NodeClient
from sotto.wallet.messages import NodeStatus


@click.group(invoke_without_command=True)
@click.option(
    "--follow", is_flag=True, help="Run a node that only follows L1 and serves wallets, without any key."
)
@click.option("--rpc-url", envvar="SOTTO_L1", help="With --follow: JSON-RPC endpoint of L1.")
@click.option("--rollup", envvar="SOTTO_ROLLUP", help="With --follow: address of the rollup.")
@click.option(
    "--start-block",
    type=click.IntRange(0),
    help="With --follow: an L1 block before the contracts; else it is searched for, which needs old states.",
)
@click.option(
    "--database",
    envvar="SOTTO_DATABASE",
    default="sqlite:///sotto-follower.db",
    show_default=True,
    help="With --follow: URL of its database.",
)
@blob_options
@click.option("--host", default="127.0.0.1", show_default=True, help="With --follow: address to listen on.")
@click.option("--port", default=8600, show_default=True, help="With --follow: port of the API.")
@click.option("--poll-interval", default=0.5, show_default=True, help="With --follow: seconds between looks.")
@click.option("--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True)
def node(follow: bool, rpc_url: str | None, rollup: str | None, **settings: Any) -> None:
    """A node: orders transactions, builds and proves epochs, serves wallets.

    With --follow it needs nothing but an L1 endpoint and the address of the rollup: it rebuilds state, queue
    and ciphertexts from L1, checks every state, and serves the same reads. It refuses submissions.
    """
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        return
    if not follow:
        click.echo(context.get_help())
        return
    if rpc_url is None or rollup is None:
        raise click.UsageError("--follow needs --rpc-url and --rollup")
    from sotto.node.follower import FollowConfig
    from sotto.node.follower import run as run_follower

    run_follower(FollowConfig(l1_url=rpc_url, rollup=parse_address(rollup), **settings))


@node.command()
@config_options
def run(config: Path | None, **flags: Any) -> None:
    """Run a node until it is stopped (Ctrl-C or SIGTERM; a second one ends it at once).

    Every setting can also be in the TOML file or in the environment as SOTTO_<NAME>; see `sotto node config`.
    """
    from sotto.node.lifecycle import run as run_node

    run_node(read_config(config, flags))


@node.command("config")
@config_options
@json_option
def show_config(config: Path | None, output: Output, **flags: Any) -> None:
    """Show the settings that `run` would use, and where each came from. Secrets are not shown.

    What each means is in `sotto node run --help`.
    """
    settings = load_config(config, **flags)
    shown = {
        name: {"value": value, "origin": settings.origin(name)} for name, value in settings.shown().items()
    }
    rows = [
        [name, "" if entry["value"] is None else str(entry["value"]), str(entry["origin"])]
        for name, entry in shown.items()
    ]
    output.table(shown, ["setting", "value", "from"], rows, "no settings")


node.add_command(keys)
node.add_command(archive)


@node.command()
@node_option
@json_option
def status(node: str, output: Output) -> None:
    """Show what a node says about itself."""
    found = asyncio.run(_status(node))
    data = {
        "chain_id": found.chain_id,
        "rollup": found.rollup,
        "domain": f"0x{found.domain:062x}",
        "head": found.head,
        "proven": found.proven,
        "l1_block": found.l1_block,
        "lanes": list(found.lanes),
        "version": found.version,
    }
    output.result(data, [f"{name:<9} {value}" for name, value in data.items()])


async def _status(base: str) -> NodeStatus:
    async with NodeClient(base) as client:
        return await client.status()

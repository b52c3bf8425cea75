"""`sotto node`: run a node and look at it."""

import asyncio
from pathlib import Path
from typing import Any

import click

from sotto.cli.node_keys import keys
from sotto.cli.options import json_option, node_option
from sotto.cli.output import Output
from sotto.cli.settings import config_options, read_config
from sotto.node.config import load_config
from sotto.wallet.client import NodeClient
from sotto.wallet.messages import NodeStatus


@click.group()
def node() -> None:
    """A node: orders transactions, builds and proves epochs, serves wallets."""


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

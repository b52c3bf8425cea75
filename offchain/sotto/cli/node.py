"""`sotto node`: run a node and look at it."""

import asyncio
from pathlib import Path
from typing import Any

import click

from sotto.cli.options import json_option, node_option
from sotto.cli.output import Output
from sotto.node.config import NodeConfig, load_config
from sotto.wallet.client import NodeClient
from sotto.wallet.messages import NodeStatus


@click.group()
def node() -> None:
    """A node: orders transactions, builds and proves epochs, serves wallets."""


def _config_options(command: Any) -> Any:
    options = (
        click.option(
            "--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="TOML file."
        ),
        click.option("--deployment", type=click.Path(path_type=Path), help="deployments/<chain id>.json."),
        click.option("--l1-url", help="JSON-RPC of L1."),
        click.option("--database", help="SQLAlchemy URL."),
        click.option("--host", help="Address to listen on."),
        click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on."),
        click.option(
            "--proposer-key-file",
            type=click.Path(path_type=Path),
            help="File with the key that pays L1; else SOTTO_PROPOSER_KEY.",
        ),
        click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"])),
        click.option("--log-format", type=click.Choice(["console", "json"])),
    )
    for option in reversed(options):
        command = option(command)
    return command


@node.command()
@_config_options
def run(config: Path | None, **flags: Any) -> None:
    """Run a node until it is stopped (Ctrl-C or SIGTERM).

    Every setting can also be in the TOML file or in the environment as SOTTO_<NAME>; see `sotto node config`.
    """
    from sotto.node.app import run as run_node

    run_node(load_config(config, **flags))


@node.command("config")
@_config_options
@json_option
def show_config(config: Path | None, output: Output, **flags: Any) -> None:
    """Show the settings that `run` would use, and what each means. Secrets are not shown."""
    settings = load_config(config, **flags)
    shown = settings.model_dump(mode="json")
    rows = [
        [name, str(shown[name]), field.description or ""] for name, field in NodeConfig.model_fields.items()
    ]
    output.table(shown, ["setting", "value", "meaning"], rows, "no settings")


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

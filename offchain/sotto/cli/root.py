"""The root command and what holds for all commands."""

import sys
from typing import Any

import click

import sotto
from sotto.cli import codes
from sotto.cli.completion import completion
from sotto.cli.demo import demo
from sotto.cli.keys import keys
from sotto.cli.networks import network
from sotto.cli.node import node
from sotto.cli.options import json_option
from sotto.cli.output import Output
from sotto.cli.wallet import wallet


class _Root(click.Group):
    """Turns errors that have a name into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except codes.KNOWN as error:
            Output(bool(ctx.meta.get("json"))).fail(error)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(codes.INTERRUPTED)


@click.group(cls=_Root, epilog=codes.TABLE, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Sotto: private payments on Ethereum.

    Try it without any set-up: `sotto demo`.
    """


@cli.command()
@json_option
def version(output: Output) -> None:
    """Show the version."""
    output.result({"version": sotto.__version__}, [f"sotto {sotto.__version__}"])


cli.add_command(wallet)
cli.add_command(node)
cli.add_command(keys)
cli.add_command(demo)
cli.add_command(network)
cli.add_command(completion)


def main() -> None:
    """Run the command line."""
    cli(prog_name="sotto")

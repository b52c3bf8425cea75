"""The root command and what holds for all commands."""

import sys
from importlib import import_module
from typing import Any, Final

import click

import sotto
from sotto.cli import codes
from sotto.cli.options import json_option
from sotto.cli.output import Output

_MODULES: Final = {
    "completion": "sotto.cli.completion",
    "demo": "sotto.cli.demo",
    "doctor": "sotto.cli.doctor",
    "exit": "sotto.cli.leaving",
    "freeze": "sotto.cli.leaving",
    "keys": "sotto.cli.keys",
    "network": "sotto.cli.networks",
    "node": "sotto.cli.node",
    "process-overdue": "sotto.cli.keepers",
    "prover": "sotto.cli.keepers",
    "prune": "sotto.cli.keepers",
    "signer": "sotto.cli.signer",
    "wallet": "sotto.cli.wallet",
}
"""Where the commands are. Each is loaded when it is named: a wallet need not wait for what nodes import."""


class _Root(click.Group):
    """Turns errors that have a name into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_MODULES, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _MODULES and cmd_name not in self.commands:
            self.add_command(getattr(import_module(_MODULES[cmd_name]), cmd_name.replace("-", "_")))
        return super().get_command(ctx, cmd_name)

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


def main() -> None:
    """Run the command line."""
    cli(prog_name="sotto")

"""`sotto demo`: everything on this machine, from deposit to withdrawal."""

import asyncio
import signal
import sys
from typing import NoReturn

import click

from sotto.cli import codes
from sotto.cli.options import json_option
from sotto.cli.output import Output
from sotto.demo import run_demo
from sotto.testing.errors import SandboxError


@click.command()
@click.option("--keep", is_flag=True, help="Keep the folder with logs and databases.")
@json_option
def demo(keep: bool, output: Output) -> None:
    """Play private payments between three people on a local chain.

    Starts a local Ethereum, deploys the contracts, runs a node, and ends by itself: about a minute, and some
    minutes more the first time, when proving keys are made. Needs the source tree and `make setup`.
    """
    signal.signal(signal.SIGTERM, _terminated)
    say = output.note if output.as_json else click.echo
    try:
        figures = asyncio.run(run_demo(say, keep))
    except SandboxError as error:
        output.fail(error)
    if output.as_json:
        output.result(figures)


def _terminated(_signal: int, _frame: object) -> NoReturn:
    # As an exception, so that the processes of the demo end in order.
    sys.exit(codes.INTERRUPTED)

"""`sotto doctor`: what an operator's machine lacks, and what to do about it."""

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sotto.cli import codes
from sotto.cli.options import json_option
from sotto.cli.output import Output
from sotto.cli.settings import config_options, read_config


@click.command()
@config_options
@json_option
def doctor(config: Path | None, output: Output, **flags: Any) -> None:
    """Check everything that `sotto node run` needs, with the same settings.

    Ends with 0 unless a check has failed; warnings are no failures. Proving keys that the cache does not have
    are made, which takes a minute or two.
    """
    from sotto.node.doctor import Doctor, Finding, Level

    settings = read_config(config, flags)

    async def examine() -> list[Finding]:
        with output.progress() as report:

            def tell(text: str) -> None:
                report(text, 0)
                if not sys.stderr.isatty():
                    output.note(text)

            return [finding async for finding in Doctor(settings, tell).findings()]

    findings = asyncio.run(examine())
    rows = [[str(f.level), f.check, f.text, f.advice] for f in findings]
    output.table([asdict(f) for f in findings], ["", "check", "found", "what to do"], rows, "no checks")
    if any(finding.level is Level.FAIL for finding in findings):
        sys.exit(codes.SETUP)

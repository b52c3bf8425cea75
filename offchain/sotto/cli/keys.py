"""`sotto keys`: proving keys of the circuits."""

import sys
import time
from functools import partial

import click

from sotto import crypto
from sotto.cli.options import json_option
from sotto.cli.output import Output
from sotto.wallet.context import Progress

CIRCUITS = ("transfer", "exit", "rollup4", "rollup16", "rollup16blob")


@click.group()
def keys() -> None:
    """Proving keys."""


@keys.command()
@click.argument("circuits", nargs=-1, type=click.Choice(CIRCUITS))
@json_option
def prepare(circuits: tuple[str, ...], output: Output) -> None:
    """Make the proving keys of CIRCUITS (default: all), or check those in the cache.

    The first time takes minutes for the circuits of 16 lanes. The keys are for local chains only: anyone can
    forge proofs under them.
    """
    rows = []
    chosen = circuits or CIRCUITS
    with output.progress() as report:
        for done, circuit in enumerate(chosen):
            report(f"keys of {circuit}", done / len(chosen))
            start = time.monotonic()
            info = crypto.prepare_keys(circuit, partial(_tell, output, report, circuit, done / len(chosen)))
            rows.append(
                {
                    "circuit": circuit,
                    "constraints": info.constraints,
                    "circuit_hash": "0x" + info.circuit_hash.hex(),
                    "seconds": round(time.monotonic() - start, 2),
                }
            )
    shown = [[str(row["circuit"]), f"{row['constraints']:,}", f"{row['seconds']} s"] for row in rows]
    output.table(rows, ["circuit", "constraints", "took"], shown, "no circuits")


def _tell(output: Output, report: Progress, circuit: str, share: float, seconds: float) -> None:
    report(f"keys of {circuit}, {seconds:.0f} s", share)
    if not sys.stderr.isatty():
        output.note(f"keys of {circuit}: {seconds:.0f} s so far")

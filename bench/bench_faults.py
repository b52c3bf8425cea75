"""Rounds of faults under load on a real deployment, and how many of them broke a promise (docs/testing.md).

Not part of `make bench`: 500 rounds take some hours on an idle machine of 2 cores. Campaigns take turns
between databases, and between joint and split settlement; split ones end with the freeze. Some run at the
same time, each on a deployment of its own, since a round waits more than it works.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _paths

from bench.results import machine, record

if TYPE_CHECKING:
    from tests.faults.campaign import Report

ROUNDS = 500
CAMPAIGN = 20
FIRST_SEED = 1000
DATABASES = ("sqlite", "postgresql")


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def campaign(seed: int, rounds: int) -> "Report":
    """Run one campaign; its seed chooses the kind, too."""
    assert _paths.ROOT.exists()
    from tests.faults.campaign import JOINT, SPLIT, run_on

    settlement = (JOINT, SPLIT)[seed // len(DATABASES) % 2]
    tell: Callable[[str], None] = partial(_say_for, seed)
    with tempfile.TemporaryDirectory(prefix="sotto-faults-") as folder:
        return run_on(
            DATABASES[seed % len(DATABASES)], seed, rounds, Path(folder), tell, settlement=settlement
        )


def _say_for(seed: int, line: str) -> None:
    say(f"{seed}: {line}")


def main() -> None:
    """Run campaigns until there are enough rounds. One that fails ends there, and the others go on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="campaigns at the same time")
    parser.add_argument(
        "--log", type=Path, help="a line for each campaign; those that it has already are not run again"
    )
    arguments = parser.parse_args()
    lines = arguments.log.read_text().splitlines() if arguments.log and arguments.log.exists() else []
    done = {each["seed"]: each for each in map(json.loads, lines)}
    sizes = [min(CAMPAIGN, arguments.rounds - begun) for begun in range(0, arguments.rounds, CAMPAIGN)]
    load = machine()
    if done:
        # Else a log that is complete would leave results.json as it was.
        _record(list(done.values()), arguments.jobs, load)
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        running = [
            pool.submit(campaign, seed, size)
            for seed, size in enumerate(sizes, arguments.first_seed)
            if seed not in done
        ]
        for finished in as_completed(running):
            report = finished.result()
            if report.failure:
                say(f"{report.failure}\nrepeat it with: {report.command}")
            done[report.seed] = {
                "seed": report.seed,
                # A deployment that does not even start is a failed round, too.
                "rounds": max(1, report.rounds),
                "accepted": report.accepted,
                "failed": report.command if report.failure else "",
            }
            # After each campaign, so that hours are not lost when the last one is cut short.
            if arguments.log:
                arguments.log.write_text("".join(json.dumps(each) + "\n" for each in done.values()))
            _record(list(done.values()), arguments.jobs, load)


def _record(done: Sequence[dict[str, Any]], jobs: int, load: str) -> None:
    accepted = sum(each["accepted"] for each in done)
    failing = [each["failed"] for each in done if each["failed"]]
    note = f"{accepted} transactions accepted, {len(done)} campaigns, {jobs} at a time"
    record("fault_rounds", sum(each["rounds"] for each in done), 1, note, load)
    record("fault_failures", len(failing), 1, f"failing: {', '.join(failing) or 'none'}", load)


if __name__ == "__main__":
    main()

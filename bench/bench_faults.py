"""Rounds of faults under load on a real deployment, and how many of them broke a promise (docs/testing.md).

Not part of `make bench`: 500 rounds take some hours on an idle machine of 2 cores. Campaigns take turns
between databases, and between joint and split settlement; split ones end with the freeze.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import _paths

from bench.results import machine, record

ROUNDS = 500
CAMPAIGN = 20
FIRST_SEED = 1000
DATABASES = ("sqlite", "postgresql")


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run campaigns until there are enough rounds. One that fails ends there, and the next one goes on."""
    assert _paths.ROOT.exists()
    from tests.faults.campaign import JOINT, SPLIT, run_on

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    wanted = parser.parse_args().rounds
    load, rounds, accepted, seed = machine(), 0, 0, FIRST_SEED
    failing: list[str] = []
    while rounds < wanted:
        database = DATABASES[seed % len(DATABASES)]
        settlement = (JOINT, SPLIT)[seed // len(DATABASES) % 2]
        count = min(CAMPAIGN, wanted - rounds)
        with tempfile.TemporaryDirectory(prefix="sotto-faults-") as folder:
            report = run_on(database, seed, count, Path(folder), say, settlement=settlement)
        if report.failure:
            say(f"{report.failure}\nrepeat it with: {report.command}")
            failing.append(f"{database} {settlement} {seed}")
        # A deployment that does not even start is a failed round, too.
        rounds += max(1, report.rounds)
        accepted += report.accepted
        # After each campaign, so that hours are not lost when the last one is cut short.
        note = f"{accepted} transactions accepted, seeds {FIRST_SEED} to {seed}"
        record("fault_rounds", rounds, 1, note, load)
        record("fault_failures", len(failing), 1, f"failing: {', '.join(failing) or 'none'}", load)
        seed += 1


if __name__ == "__main__":
    main()

"""Twenty rounds of faults under load, on both databases (docs/testing.md)."""

import sys
from pathlib import Path

import pytest

from tests.faults.campaign import run_on

pytestmark = pytest.mark.slow


def say(line: str) -> None:
    """Shown by pytest when the test fails."""
    sys.stdout.write(line + "\n")


@pytest.mark.parametrize(("database", "rounds", "seed"), [("sqlite", 8, 1), ("postgresql", 12, 101)])
def test_promises_hold_through_faults(tmp_path: Path, database: str, rounds: int, seed: int) -> None:
    report = run_on(database, seed, rounds, tmp_path, say)
    assert not report.failure, f"{report.failure}\nrepeat it with: {report.command}"
    assert report.rounds == rounds
    assert report.accepted

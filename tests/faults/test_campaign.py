"""Twenty rounds of faults under load, on both databases and in both settlements (docs/testing.md)."""

import sys
from pathlib import Path

import pytest

from tests.faults.campaign import JOINT, SPLIT, run_on

pytestmark = pytest.mark.slow


def say(line: str) -> None:
    """Shown by pytest when the test fails."""
    sys.stdout.write(line + "\n")


@pytest.mark.parametrize(
    ("database", "settlement", "rounds", "seed", "only"),
    [
        ("postgresql", JOINT, 12, 342, ()),
        # It ends with the freeze.
        (
            "sqlite",
            SPLIT,
            8,
            1,
            ("commit garbage", "never prove", "ignore queue", "lose forced", "stop proving"),
        ),
    ],
)
def test_promises_hold_through_faults(
    tmp_path: Path, database: str, settlement: str, rounds: int, seed: int, only: tuple[str, ...]
) -> None:
    report = run_on(database, seed, rounds, tmp_path, say, only, settlement=settlement)
    assert not report.failure, f"{report.failure}\nrepeat it with: {report.command}"
    assert report.rounds == rounds
    assert report.accepted

"""`python -m tests.faults`: a campaign from the command line, and how a failing one is repeated."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Exit code 0 when every promise held."""
    os.environ["PATH"] = f"{ROOT / 'tools/bin'}{os.pathsep}{os.environ['PATH']}"
    from tests.faults.campaign import run_on

    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="perturbations, one in each round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--settlement", choices=("joint", "split"), default="joint")
    parser.add_argument(
        "--freeze", action="store_true", help="end with the freeze; split settlement always does"
    )
    parser.add_argument(
        "--data", choices=("calldata", "blob"), default="calldata", help="blob: of epochs of 16 lanes"
    )
    parser.add_argument("--only", action="append", default=[], help="a perturbation to choose from")
    parser.add_argument("--folder", type=Path, help="keep databases, wallets and logs in this new folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sotto-faults-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run_on(
            arguments.database,
            arguments.seed,
            arguments.rounds,
            folder,
            say,
            arguments.only,
            settlement=arguments.settlement,
            freeze=arguments.freeze,
            data=arguments.data,
        )
    say(
        f"{report.rounds} rounds, {report.epochs} epochs, {report.blobs} of them in blobs, "
        f"{report.accepted} transactions accepted, {report.restarts} restarts by the service manager, "
        f"refusals {dict(report.refusals)}"
    )
    if report.failure:
        say(report.failure)
        say(f"repeat it with: {report.command}")
    return bool(report.failure)


if __name__ == "__main__":
    sys.exit(main())

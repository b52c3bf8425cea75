"""Ten thousand operations through specification, circuits and contracts, chain after chain.

SOTTO_DIFFERENTIAL_OPERATIONS changes the number, SOTTO_DIFFERENTIAL_SEED the first seed.
"""

import os
import sys

import _paths  # noqa: F401 - it is imported for its effect
from tests.differential.stream import Tally, run

from bench.results import machine, record
from sotto import crypto

PER_CHAIN = 250


def main() -> None:
    """Run until the number is reached; about half an hour on an idle machine of 2 cores."""
    operations = int(os.environ.get("SOTTO_DIFFERENTIAL_OPERATIONS", "10000"))
    seed = first = int(os.environ.get("SOTTO_DIFFERENTIAL_SEED", "1001"))
    crypto.install_hash_backend()
    load, total = machine(), Tally()
    while total.operations < operations:
        sys.stdout.write(f"seed {seed}: {total.operations} of {operations} operations\n")
        sys.stdout.flush()
        total.add(run(seed, min(PER_CHAIN, operations - total.operations)))
        seed += 1
    valid, invalid = total.lanes.total(), total.lies.total()
    kinds = sum(count > 0 for count in total.lies.values())
    note = f"{valid} valid in {total.epochs} epochs, {invalid} invalid of {kinds} kinds"
    note += f"; seeds {first} to {seed - 1}, {total.seconds:.0f} s"
    record("differential_operations", total.operations, 1, note, load)


if __name__ == "__main__":
    main()

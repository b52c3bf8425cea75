"""Random operations, valid and invalid, through specification, circuits and contracts.

A seed names a chain with everything that happens on it. To repeat one, or to run more:

    SOTTO_DIFFERENTIAL_SEED=17 SOTTO_DIFFERENTIAL_OPERATIONS=250 pytest tests/differential/test_operations.py
"""

import os

import pytest

from sotto import crypto
from sotto.protocol.transaction import Kind
from tests.differential.stream import run

PER_CHAIN = 250
"""Short enough for a failing seed to be repeated soon."""
OPERATIONS = int(os.environ.get("SOTTO_DIFFERENTIAL_OPERATIONS", "1000"))
FIRST_SEED = int(os.environ.get("SOTTO_DIFFERENTIAL_SEED", "1"))
SEEDS = range(FIRST_SEED, FIRST_SEED + -(-OPERATIONS // PER_CHAIN))


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_operations(seed: int) -> None:
    crypto.install_hash_backend()
    count = min(PER_CHAIN, OPERATIONS)
    try:
        tally = run(seed, count)
    except BaseException as error:
        error.add_note(f"repeat: SOTTO_DIFFERENTIAL_SEED={seed} SOTTO_DIFFERENTIAL_OPERATIONS={count}")
        raise
    assert tally.operations >= count
    if OPERATIONS >= PER_CHAIN:
        assert set(tally.lanes) == set(Kind) - {Kind.NO_OP}
        assert tally.blobs

"""The committed gas of deposits, epochs with real proofs and claims.

To accept new figures: SOTTO_UPDATE_GAS=1 pytest tests/gas
"""

import json
import os
from pathlib import Path

import pytest

from sotto import crypto
from tests.differential.rig import open_rig
from tests.gas.measure import SEED, measure

SNAPSHOT = Path(__file__).with_name("snapshot.json")
TOLERANCE = 0.005
"""Proofs are random, and a zero byte of calldata costs 12 gas less than another."""


@pytest.mark.slow
def test_snapshot() -> None:
    crypto.install_hash_backend()
    with open_rig(SEED) as rig:
        measured = measure(rig).gas
    if os.environ.get("SOTTO_UPDATE_GAS"):
        SNAPSHOT.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    snapshot = json.loads(SNAPSHOT.read_text())
    assert measured == pytest.approx(snapshot, rel=TOLERANCE)

"""A process that is killed in the middle of its writes leaves a database that the next one can go on with."""

import random
from pathlib import Path

import pytest
from tests.support.history import History, PastEpoch
from tests.support.store_life import DOMAIN, EPOCHS, LANES, check, live
from tests.support.store_process import StoreProcess
from tests.unit.node.conftest import IDENTITY

from sotto.node.rebuild import rebuild
from sotto.node.snapshots import Snapshots
from sotto.node.store import Store
from sotto.protocol.epoch import replay
from sotto.protocol.trees import State, genesis
from sotto.protocol.words import decode_words

BOTH_DATABASES = True
ROUNDS = 8
MOST_STEPS = 60
SEED = 1

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def history() -> list[PastEpoch]:
    """What the processes know too."""
    return list(History(DOMAIN, LANES).epochs(EPOCHS))


@pytest.fixture(scope="module")
def states(history: list[PastEpoch]) -> list[State]:
    """The state after each epoch, by the specification."""
    made = [genesis()]
    for epoch in history:
        made.append(replay(made[-1], decode_words(epoch.row["words"], LANES)).state)
    return made


def test_kills_in_the_middle_of_writes_lose_nothing(
    database: str, history: list[PastEpoch], states: list[State], tmp_path: Path
) -> None:
    dice, folder = random.Random(SEED), tmp_path / "snapshots"
    store = Store(database, IDENTITY)
    store.save_genesis(History(DOMAIN, LANES).genesis())
    store.close()
    furthest = 0
    for number in range(ROUNDS):
        process = StoreProcess(database, IDENTITY, patience=30, work=live)
        assert process.receive() == "open"
        process.pipe.send((SEED + number, str(folder), IDENTITY))
        for _ in range(dice.randrange(1, MOST_STEPS)):
            assert process.receive() == "step"
        process.kill()
        store = Store(database, IDENTITY, patience=30)
        check(store, history)
        ledger, _ = rebuild(store, Snapshots(folder, IDENTITY))
        assert ledger.tip.hash() == states[ledger.tip_id].hash()
        assert ledger.confirmed.hash() == states[ledger.confirmed_id].hash()
        furthest = max(furthest, ledger.confirmed_id)
        store.close()
    assert furthest > 2

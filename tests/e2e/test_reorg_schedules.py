"""L1 loses up to 64 blocks with all that can be in them, and node, follower and wallets agree again."""

from pathlib import Path
from random import Random

import pytest
from tests.faults.reorgs import open_playhouse
from tests.faults.schedules import Act, Fate, Schedule, draw

pytestmark = pytest.mark.slow

SEED = 3
LOST_PROOF = Schedule((Act.STRANGER,), 2, Fate.GONE)
SCHEDULES = (
    Schedule((Act.PAY, Act.PROVEN), 1, Fate.GONE),
    LOST_PROOF,
    Schedule((Act.WITHDRAW, Act.DEPOSIT, Act.PROVEN, Act.CLAIM), 8, Fate.ORDER, fills=True),
    Schedule((Act.FORCE, Act.WITHDRAW, Act.PROVEN, Act.CLAIM, Act.PRUNE), 33, Fate.SOME, fills=True),
    Schedule((Act.WITHDRAW, Act.PROVEN, Act.CLAIM, Act.FORCE, Act.PRUNE), 64, Fate.REPLACED, fills=True),
)
DEEP = 8
EVENTS = {"DepositQueued", "ForcedQueued", "EpochCommitted", "EpochProven", "EpochsPruned", "Claimed"}


async def test_whatever_l1_loses_everybody_agrees_with_what_it_has_then(tmp_path: Path) -> None:
    random = Random(SEED)
    async with open_playhouse(tmp_path, SEED) as house:
        for schedule in (*SCHEDULES, draw(random)):
            await house.play(schedule, Random(random.random()))
            if schedule is LOST_PROOF:
                # It was lost and brought again, by the stranger and not by the node.
                assert house.lost[schedule.depth]["EpochProven"] == house.proofs_of_stranger() == 1
        lost = {name for depth, events in house.lost.items() if depth > DEEP for name in events}
        assert lost >= EVENTS
        await house.judge_restored()

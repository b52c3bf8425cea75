"""Rounds of one perturbation each, under load, on one deployment; then everything is judged.

A campaign may end with the deployment: operators gone for good, freeze, and everybody leaves.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from sotto.protocol.words import DataMode
from tests.faults.database import postgres
from tests.faults.ending import end
from tests.faults.perturbations import PERTURBATIONS, Perturbation
from tests.faults.stage import Database, Stage, open_stage
from tests.faults.takeovers import TAKEOVERS
from tests.faults.users import User

JOINT, SPLIT = "joint", "split"
CALLDATA, BLOB = "calldata", "blob"
FREEZE_PARAMETERS: Final = {"provingWindow": 40, "forcedDeadline": 24, "freezeTime": 160}
"""L1 blocks. Proofs have some minutes by themselves, and what must not wait for them is mined: anvil
would take hours for the blocks of the default freeze time."""

Say = Callable[[str], None]

EPOCH_WAIT: Final = {CALLDATA: 1.0, BLOB: 10.0}
ACTIONS: Final = {CALLDATA: 1, BLOB: 3}
"""Seconds, and actions of each user in a round: with blobs so many that more comes together than a small
epoch takes."""
POLL_INTERVAL: Final = 0.5
"""Seconds between two looks of the node at L1, its default: more would take the processor from proofs."""
LATEST_START = 2.5
"""Seconds of load before the perturbation begins, at most."""


@dataclass
class Report:
    """What a campaign found.

    Attributes:
        database: sqlite or postgresql.
        settlement: joint or split.
        freeze: whether it ends with the freeze.
        data: where the node puts the data of large epochs, calldata or blob.
        only: names of the perturbations that it chose from; empty for all.
        rounds: rounds that were run to their end, a failed one included.
        failure: what went wrong, in words; empty if nothing did. The campaign ends with it.
        accepted: transactions that the node has answered for.
        epochs: proven on L1.
        blobs: those of them with their data in a blob.
        restarts: how often the node ended by itself and had to be started again.
        refusals: typed errors that users have met.
    """

    seed: int
    database: str = "sqlite"
    settlement: str = JOINT
    freeze: bool = False
    data: str = CALLDATA
    only: tuple[str, ...] = ()
    rounds: int = 0
    failure: str = ""
    accepted: int = 0
    epochs: int = 0
    blobs: int = 0
    restarts: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def command(self) -> str:
        """What repeats the campaign up to its last round."""
        only = "".join(f" --only '{name}'" for name in self.only)
        limits = f"--seed {self.seed} --rounds {self.rounds} --database {self.database}"
        ending = f" --settlement {self.settlement} --data {self.data}" + (" --freeze" if self.freeze else "")
        return f"python -m tests.faults {limits}{ending}{only}"


def schedule(seed: int, rounds: int, perturbations: dict[str, Perturbation]) -> list[str]:
    """Names of the perturbations in order: each of them once before any comes again."""
    random = Random(seed)
    names: list[str] = []
    while len(names) < rounds:
        turn = sorted(perturbations)
        random.shuffle(turn)
        names += turn
    return names[:rounds]


def run_on(
    database: str,
    seed: int,
    rounds: int,
    folder: Path,
    say: Say,
    only: Sequence[str] = (),
    *,
    settlement: str = JOINT,
    freeze: bool = False,
    data: str = CALLDATA,
) -> Report:
    """Run a campaign; the seed fixes perturbations, users and their actions, not how threads take turns.

    Args:
        database: sqlite or postgresql; a server of its own is started.
        folder: for databases, wallets and logs; empty.
        only: names of the perturbations to choose from; all by default.
        settlement: joint, or split, which brings perturbations of its own and always ends with the freeze.
        freeze: end with the freeze also with joint settlement.
        data: where the node puts the data of large epochs, which with blob there are besides small ones.

    Raises KeyError for a name that there is not.
    """
    report = Report(seed, database, settlement, freeze or settlement == SPLIT, data, tuple(only))
    with ExitStack() as stack:
        server = stack.enter_context(postgres()) if database == "postgresql" else None
        perturbations = {
            **PERTURBATIONS,
            **(server.perturbations() if server else {}),
            **(TAKEOVERS if settlement == SPLIT else {}),
        }
        chosen = {name: perturbations[name] for name in only or perturbations}
        asyncio.run(_run(report, rounds, chosen, folder, say, server))
    return report


async def _run(
    report: Report,
    rounds: int,
    perturbations: dict[str, Perturbation],
    folder: Path,
    say: Say,
    database: Database | None,
) -> None:
    seed, random = report.seed, Random(report.seed)
    parameters = FREEZE_PARAMETERS if report.freeze else None
    try:
        settings = {
            "settlement": report.settlement,
            "data": report.data,
            "epoch_wait": EPOCH_WAIT[report.data],
            "poll_interval": POLL_INTERVAL,
        }
        async with open_stage(folder, random, database, parameters, **settings) as stage:
            try:
                for number, name in enumerate(schedule(seed, rounds, perturbations), start=1):
                    report.rounds = number
                    begun = monotonic()
                    await _round(stage, perturbations[name], Random(random.random()), ACTIONS[report.data])
                    say(f"round {number:3} {name:<22} {monotonic() - begun:6.1f} s")
                l1 = await stage.check()
                await stage.check_restored(l1)
                if report.freeze:
                    begun = monotonic()
                    l1 = await end(stage, Random(random.random()))
                    left = f"{len(l1.exits)} notes, {len(l1.pulled)} items"
                    say(f"the freeze {left:<22} {monotonic() - begun:6.1f} s")
                report.epochs = l1.proven
                report.blobs = sum(each.record.data_mode == DataMode.BLOB for each in l1.epochs.values())
                if report.data == BLOB and not report.blobs:
                    report.failure = "no epoch had its data in a blob, so nothing is known of those"
            finally:
                report.restarts = stage.restarts
                report.accepted = sum(len(user.transport.accepted) for user in stage.users)
                report.refusals = sum((user.refusals for user in stage.users), Counter())
    except Exception:
        # Whatever it is, the report with the seed is what the caller needs to repeat it.
        report.failure = traceback.format_exc()


async def _round(stage: Stage, perturb: Perturbation, random: Random, actions: int) -> None:
    delay = random.uniform(0, LATEST_START)
    async with asyncio.TaskGroup() as group:
        for user in stage.users:
            group.create_task(_act(user, [other for other in stage.users if other is not user], actions))
        await asyncio.sleep(delay)
        await perturb(stage, random)
        await stage.heal()
    await stage.settle()
    await stage.check()


async def _act(user: User, others: Sequence[User], actions: int) -> None:
    for _ in range(actions):
        await user.act(others)

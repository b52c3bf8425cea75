"""What happens to split settlement: proofs that do not come, proposers who mean harm, and who goes on then.

Whatever is done here, the honest side gets over it by itself, or by a command that anybody may run.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from sotto.wallet.errors import WalletError
from tests.faults.commands import refusal, sotto
from tests.faults.endpoint import Cut, NoProofs
from tests.faults.hostile import HostileProposer
from tests.faults.perturbations import Perturbation, last, lose
from tests.faults.processes import send, workers
from tests.faults.stage import LANES, NotLiveError, Stage
from tests.faults.users import ETH, SMALLEST

PENDING_SECONDS: Final = 300.0
_RUNS: Final = 3
TOO_LATE: Final = frozenset({"NothingPending", "DeadlineAhead", "ContractRejected", "TransactionReverted"})
"""Why `sotto prune` finds nothing to do: the node has pruned, or somebody has proven at the last moment."""


@asynccontextmanager
async def proofs_held_back(stage: Stage, random: Random) -> AsyncIterator[None]:
    """Commits come through, proofs do not: the workers stand still, or L1 does not get them."""
    if random.random() < 0.5:
        stage.endpoint.disturb(NoProofs())
        try:
            yield
        finally:
            stage.endpoint.heal()
        return
    found = workers(stage.node.process_id)
    for process_id in found:
        send(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        for process_id in found:
            send(process_id, signal.SIGCONT)


async def pending(stage: Stage) -> bool:
    """Wait until an epoch is committed and not proven. False if nobody does anything."""

    async def question() -> str:
        head, proven = await asyncio.to_thread(stage.l1.status)
        return "" if head > proven else "nothing is pending"

    try:
        await stage.until(question, "no epoch is committed", PENDING_SECONDS)
    except NotLiveError:
        return False
    return True


async def past_deadline(stage: Stage) -> None:
    """Let L1 go on until whatever is pending may be pruned."""
    await asyncio.to_thread(stage.chain.mine, stage.parameters["provingWindow"] + 1)


async def prune(stage: Stage) -> str:
    """Somebody's `sotto prune`. Hash of its transaction, empty when it found nothing to do."""
    answer = await sotto(stage, "prune", home=stage.folder / "stranger")
    if code := refusal(answer):
        assert code in TOO_LATE, answer
        return ""
    return str(answer["l1_tx"])


async def take_over(stage: Stage) -> bool:
    """Somebody's `sotto prover`, until nothing is pending. False if there is always something new."""
    options = ("--permissionless", "--once", *_database(stage, "prover"))
    for _ in range(_RUNS):
        # It ends, too, when the operator was faster with one of several.
        answer = await sotto(stage, "prover", *options, home=stage.folder / "stranger")
        assert not refusal(answer), answer
        head, proven = await asyncio.to_thread(stage.l1.status)
        if head == proven:
            return True
    return False


async def get_over(stage: Stage, random: Random) -> None:
    """After the deadline either the node goes on by itself, or somebody prunes."""
    await past_deadline(stage)
    if random.random() < 0.5:
        await prune(stage)


async def hold_proofs_back(stage: Stage, random: Random) -> None:
    """No proof comes before the deadline, and somebody, or the node, prunes."""
    async with proofs_held_back(stage, random):
        if await pending(stage):
            await get_over(stage, random)


async def lose_pruning(stage: Stage, random: Random) -> None:
    """Somebody prunes, and L1 loses it with the blocks before and after."""
    async with proofs_held_back(stage, random):
        if not await pending(stage):
            return
        await past_deadline(stage)
        digest = await prune(stage)
        if digest:
            await asyncio.to_thread(lose, stage.chain, digest, random)


async def stop_proving(stage: Stage, random: Random) -> None:
    """The operator's provers stop; somebody proves what is committed, from L1 data alone."""
    async with proofs_held_back(stage, random):
        if await pending(stage):
            await take_over(stage)


async def omit_queue(stage: Stage, random: Random) -> None:
    """A proposer commits epochs without items of the queue, as long as L1 takes them."""
    async with _hostile(stage) as hostile:
        for _ in range(random.randint(1, 2)):
            await hostile.commit_valid(0)
        if random.random() < 0.5:
            if not await take_over(stage):
                await get_over(stage, random)
            return
        await asyncio.to_thread(stage.chain.mine, stage.parameters["forcedDeadline"])
        # Who omits them now is refused: an item that was there before is overdue.
        waiting = await hostile.waiting()
        block = await asyncio.to_thread(lambda: stage.chain.web3.eth.block_number)
        overdue = [
            e for e in waiting if e.position.block_number + stage.parameters["forcedDeadline"] <= block
        ]
        if await hostile.commit_valid(0):
            # The operator may have taken them in between.
            left = {event.index for event in await hostile.waiting()}
            assert not left.intersection(event.index for event in overdue), f"{overdue} were omitted"
        await get_over(stage, random)


async def never_prove(stage: Stage, random: Random) -> None:
    """A proposer commits an epoch with items of the queue, and nobody gets a proof of it."""
    async with _hostile(stage) as hostile:
        await hostile.commit_valid(random.randint(0, LANES))
    await last(random)
    await get_over(stage, random)


async def commit_garbage(stage: Stage, random: Random) -> None:
    """A proposer commits words that no proof exists for."""
    async with _hostile(stage) as hostile:
        await hostile.commit_garbage(random.randint(0, LANES), random)
    await last(random)
    await get_over(stage, random)


async def ignore_queue(stage: Stage, random: Random) -> None:
    """The operator hears nothing of L1 until a deposit is overdue, and somebody processes it."""
    user = random.choice(stage.users)
    stage.endpoint.disturb(Cut())
    try:
        await user.wallet.deposit(str(ETH), SMALLEST[ETH] + random.randrange(1000))
    except WalletError as error:
        user.refusals[type(error).__name__] += 1
    await past_deadline(stage)
    options = _database(stage, "overdue")
    answer = await sotto(stage, "process-overdue", *options, home=stage.folder / "stranger")
    # Whatever was pending is pruned by it, or was proven just before.
    assert refusal(answer) in ("", "NothingOverdue"), answer
    stage.endpoint.heal()


def _hostile(stage: Stage) -> HostileProposer:
    return HostileProposer(stage.chain.url, stage.deployment, stage.checker)


def _database(stage: Stage, name: str) -> tuple[str, str]:
    return "--database", f"sqlite:///{stage.folder / f'stranger-{name}.db'}"


TAKEOVERS: dict[str, Perturbation] = {
    "hold proofs back": hold_proofs_back,
    "lose pruning": lose_pruning,
    "stop proving": stop_proving,
    "omit queue": omit_queue,
    "never prove": never_prove,
    "commit garbage": commit_garbage,
    "ignore queue": ignore_queue,
}
"""By name, for a deployment with split settlement."""

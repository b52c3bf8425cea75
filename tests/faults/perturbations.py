"""What a campaign does to a deployment: each perturbation lasts a while and may leave anything broken.

Healing is the campaign's business. Names and kinds follow CometBFT's end-to-end tests: kill, pause,
disconnect, restart; what an L1 endpoint can do to a rollup comes on top.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from random import Random

from eth_account import Account
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.types import Wei

from sotto.wallet.errors import WalletError
from tests.faults.endpoint import Cut, Disturbance, Errors, Hang, LostAnswers, NoLogs, Slow, StaleHead
from tests.faults.processes import send, workers
from tests.faults.stage import Stage
from tests.faults.users import ETH, SMALLEST
from tests.support.chain import KEYS, LocalChain

Perturbation = Callable[[Stage, Random], Awaitable[None]]

SHORTEST, LONGEST = 0.5, 4.0
"""Seconds that a perturbation lasts."""
MOST_STALE = 6
DEEPEST, DEEP = 3, 16
"""Blocks of a usual reorganisation, and of a deep one, at most."""


async def kill_node(stage: Stage, random: Random) -> None:
    """SIGKILL, and a new start at once."""
    await asyncio.to_thread(stage.node.kill)
    await stage.start_node()


async def kill_node_at_start(stage: Stage, random: Random) -> None:
    """SIGKILL, and again in the middle of the start that follows."""
    await kill_node(stage, random)
    await asyncio.sleep(random.uniform(0.5, 4))
    await kill_node(stage, random)


async def restart_node(stage: Stage, random: Random) -> None:
    """SIGTERM, and a new start once it has ended in order."""
    code = await asyncio.to_thread(stage.node.stop)
    assert code == 0, f"the node ended with {code} on SIGTERM"
    await asyncio.sleep(random.uniform(0, 1))
    await stage.start_node()


async def pause_node(stage: Stage, random: Random) -> None:
    """SIGSTOP: the process exists, its connections too, but nobody answers."""
    process_id = stage.node.process_id
    send(process_id, signal.SIGSTOP)
    try:
        await last(random)
    finally:
        send(process_id, signal.SIGCONT)


async def disconnect_node(stage: Stage, random: Random) -> None:
    """Users lose the node, in the middle of their requests."""
    stage.api.cut()
    await last(random)
    stage.api.mend()


async def freeze_node(stage: Stage, random: Random) -> None:
    """Nothing comes through between users and node for a while."""
    stage.api.freeze()
    await last(random)
    stage.api.mend()


async def kill_worker(stage: Stage, random: Random) -> None:
    """SIGKILL to a prover worker."""
    found = workers(stage.node.process_id)
    if found:
        send(random.choice(found), signal.SIGKILL)
    await last(random)


async def pause_workers(stage: Stage, random: Random) -> None:
    """SIGSTOP to all prover workers."""
    found = workers(stage.node.process_id)
    for process_id in found:
        send(process_id, signal.SIGSTOP)
    try:
        await last(random)
    finally:
        for process_id in found:
            send(process_id, signal.SIGCONT)


async def pause_l1(stage: Stage, random: Random) -> None:
    """SIGSTOP to the chain itself, for node and users."""
    send(stage.chain.process_id, signal.SIGSTOP)
    try:
        await last(random)
    finally:
        send(stage.chain.process_id, signal.SIGCONT)


async def stall_l1(stage: Stage, random: Random) -> None:
    """L1 takes transactions, but makes no blocks: what is sent is stuck, and replaced with higher fees."""
    stage.mining.clear()
    await asyncio.to_thread(stage.chain.request, "evm_setAutomine", [False])
    try:
        await asyncio.sleep(random.uniform(SHORTEST, 2 * LONGEST))
    finally:
        await asyncio.to_thread(stage.chain.mine)
        await asyncio.to_thread(stage.chain.request, "evm_setAutomine", [True])
        stage.mining.set()


async def take_nonce(stage: Stage, random: Random) -> None:
    """Someone else sends from the proposer's account, while the node's own transactions may be stuck."""
    account = Account.from_key(KEYS[1]).address
    stage.mining.clear()
    await asyncio.to_thread(stage.chain.request, "evm_setAutomine", [False])
    try:
        await last(random)
        await asyncio.to_thread(stage.chain.request, "anvil_dropAllTransactions", [])
        stage.chain.web3.eth.send_transaction({"from": account, "to": account, "value": Wei(1)})
    finally:
        await asyncio.to_thread(stage.chain.mine)
        await asyncio.to_thread(stage.chain.request, "evm_setAutomine", [True])
        stage.mining.set()


async def reorganise_l1(stage: Stage, random: Random) -> None:
    """The last blocks are replaced; their transactions come again in their order, but in other blocks."""
    await _replace(stage, random, random.randint(1, DEEPEST))


async def reorganise_l1_deeply(stage: Stage, random: Random) -> None:
    """More blocks are replaced than the newest epochs have come in."""
    await _replace(stage, random, random.randint(DEEPEST + 1, DEEP))


async def _replace(stage: Stage, random: Random, depth: int) -> None:
    transactions = await asyncio.to_thread(stage.chain.transactions, depth)
    places = sorted(random.randrange(depth) for _ in transactions)
    await asyncio.to_thread(stage.chain.reorganise, depth, list(zip(transactions, places, strict=True)))


def lose(chain: LocalChain, digest: str, random: Random) -> None:
    """Replace the block of an L1 transaction and all later ones; their other transactions come again."""
    receipt = chain.web3.eth.get_transaction_receipt(HexBytes(digest))
    head = chain.web3.eth.block_number
    depth = max(1, head - receipt["blockNumber"] + 1 + random.randint(0, 2))
    again = [raw for raw in chain.transactions(depth) if keccak(raw) != bytes(HexBytes(digest))]
    places = sorted(random.randrange(depth) for _ in again)
    chain.reorganise(depth, list(zip(again, places, strict=True)))


async def lose_forced(stage: Stage, random: Random) -> None:
    """A user forces a payment, and L1 loses it: the wallet queues it again."""
    payer, payee = random.sample(stage.users, 2)
    try:
        action = await payer.force(ETH, SMALLEST[ETH] + random.randrange(1000), payee)
    except WalletError as error:
        payer.refusals[type(error).__name__] += 1
        return
    await asyncio.to_thread(lose, stage.chain, action.l1_transaction, random)


def endpoint_fault(make: Callable[[Stage, Random], Disturbance]) -> Perturbation:
    """A perturbation of the node's way to L1."""

    async def perturb(stage: Stage, random: Random) -> None:
        stage.endpoint.disturb(make(stage, random))
        await last(random)
        stage.endpoint.heal()

    return perturb


async def kill_node_without_l1(stage: Stage, random: Random) -> None:
    """The node dies and is started again while L1 does not answer."""
    stage.endpoint.disturb(random.choice((Cut(), Errors(random), Hang())))
    await kill_node(stage, random)
    await last(random)
    await stage.supervise()
    stage.endpoint.heal()


def _stale(share: float) -> Callable[[Stage, Random], Disturbance]:
    def make(stage: Stage, random: Random) -> Disturbance:
        block = stage.chain.web3.eth.block_number - random.randint(0, MOST_STALE)
        return StaleHead(block, random, share)

    return make


async def last(random: Random) -> None:
    """Wait as long as a perturbation lasts."""
    await asyncio.sleep(random.uniform(SHORTEST, LONGEST))


PERTURBATIONS: dict[str, Perturbation] = {
    "kill node": kill_node,
    "kill node at start": kill_node_at_start,
    "kill node without L1": kill_node_without_l1,
    "restart node": restart_node,
    "pause node": pause_node,
    "disconnect node": disconnect_node,
    "freeze node": freeze_node,
    "kill worker": kill_worker,
    "pause workers": pause_workers,
    "pause L1": pause_l1,
    "stall L1": stall_l1,
    "take nonce": take_nonce,
    "reorganise L1": reorganise_l1,
    "reorganise L1 deeply": reorganise_l1_deeply,
    "lose forced": lose_forced,
    "cut L1": endpoint_fault(lambda _stage, _random: Cut()),
    "hang L1": endpoint_fault(lambda _stage, _random: Hang()),
    "L1 errors": endpoint_fault(lambda _stage, random: Errors(random)),
    "some L1 errors": endpoint_fault(lambda _stage, random: Errors(random, 0.3)),
    "slow L1": endpoint_fault(lambda _stage, random: Slow(random)),
    "lost L1 answers": endpoint_fault(lambda _stage, random: LostAnswers(random)),
    "L1 without logs": endpoint_fault(lambda _stage, random: NoLogs(random, 0.7)),
    "stale L1": endpoint_fault(_stale(1.0)),
    "flapping L1": endpoint_fault(_stale(0.5)),
}
"""By name, for any deployment."""

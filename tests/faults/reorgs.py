"""Reorganisations of L1 by schedules, on a deployment with split settlement and a follower beside the node.

    python -m tests.faults.reorgs --seed 7 --rounds 20

After each reorganisation everything comes to its end; then the checker judges what L1, the node's API, the
follower's API, the block stream and the wallets say.
"""

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import BlockNumber
from eth_utils.abi import event_abi_to_log_topic
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import Wei

from sotto.l1 import interface
from sotto.l1.errors import ContractRejected, DeadlineAhead, NothingPending, TransactionReverted
from sotto.l1.pruning import prune
from sotto.protocol.field import Field, field_to_json
from sotto.testing.chain import funded_account
from sotto.wallet import Payment
from sotto.wallet.errors import WalletError
from tests.faults.__main__ import ROOT, say
from tests.faults.checker import api_shows_l1, lanes_of
from tests.faults.endpoint import NoProofs
from tests.faults.evidence import ApiReader, Json, L1Evidence
from tests.faults.schedules import DEEPEST, Act, Lost, Schedule, draw, kept, sender_of
from tests.faults.stage import READY_SECONDS, SETTLE_SECONDS, PromiseBrokenError, Stage, open_stage
from tests.faults.stream import stream
from tests.faults.users import ETH, ETHER, User, available
from tests.support.chain import KEYS
from tests.support.follower import FollowerProcess

PROVING_WINDOW = 16
PAGE = 256
MOST_RECENT = 8
WATCHED = ("Rollup", "L1Queue", "Bridge")
PRUNER, PROVER = 8, 9
"""Accounts of strangers."""


@dataclass
class Playhouse:
    """A stage with split settlement, a follower, and strangers.

    Attributes:
        lost: events that L1 has lost, by the depth of the reorganisation.
    """

    stage: Stage
    follower: FollowerProcess
    lost: dict[int, Counter[str]] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    _prover: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self._turns = cycle(self.stage.users)
        strangers = [funded_account(number) for number in (PRUNER, PROVER)]
        accounts = [Account.from_key(KEYS[1]), *strangers, *(user.account for user in self.stage.users)]
        self._accounts = {account.address: account for account in accounts}
        abis = [entry for name in WATCHED for entry in interface.load(name)]
        self._names = {
            bytes(event_abi_to_log_topic(cast(Any, entry))): str(entry.get("name"))
            for entry in abis
            if entry["type"] == "event"
        }

    async def play(self, schedule: Schedule, random: Random) -> None:
        """Steps, reorganisation, healing, judgement. Raises NotLiveError, PromiseBrokenError."""
        try:
            await self._play(schedule, random)
        except Exception as error:
            error.add_note(f"schedule: {schedule}")
            raise

    async def _play(self, schedule: Schedule, random: Random) -> None:
        stage, chain = self.stage, self.stage.chain
        begun = chain.web3.eth.block_number
        try:
            for step in schedule.steps:
                await self._act(step, random)
            if schedule.fills:
                await self.mine(schedule.depth - (chain.web3.eth.block_number - begun))
            await asyncio.to_thread(self._reorganise, schedule, random)
            if self._prover is not None:
                # Its proof may be lost: then it brings another one, as the node cannot.
                await self._settle()
        finally:
            self._end_prover()
        stage.endpoint.heal()
        await self._settle()
        await self.judge()

    async def judge(self) -> L1Evidence:
        """Compare all that there is. Raises PromiseBrokenError."""
        stage = self.stage
        l1 = await stage.check()
        state = l1.epochs[l1.proven].record.new_state if l1.proven else l1.genesis.new_state

        async def behind() -> str:
            if self.follower.has_ended():
                await asyncio.to_thread(self.follower.start)
            status = await asyncio.to_thread(self.follower.get, "/v1/status")
            shown = (status["head"], status["proven"], status["state"])
            return "" if shown == (l1.head, l1.proven, field_to_json(Field(state))) else str(shown)

        await stage.until(behind, f"the follower is not at {l1.head} and {l1.proven}", READY_SECONDS)
        found = [*await asyncio.to_thread(self._follower, l1), *stream(lanes_of(l1), self._blocks())]
        if found:
            raise PromiseBrokenError("\n".join(found))
        return l1

    async def judge_restored(self) -> None:
        """Restore wallets and a node from nothing, and a wallet by the follower, too.

        Raises PromiseBrokenError.
        """
        stage, user = self.stage, self.stage.users[0]
        l1 = await self.judge()
        folder = stage.folder / "by-follower"
        found = await user.restored(folder, self.follower.url, stage.chain.url)
        if found != available(user.wallet):
            raise PromiseBrokenError(f"{user.name} holds {available(user.wallet)}, by the follower {found}")
        await stage.check_restored(l1)

    async def _act(self, step: Act, random: Random) -> None:
        user: User = next(self._turns)
        value = ETHER // 1000 * random.randrange(1, 20) + random.randrange(1000)
        try:
            match step:
                case Act.DEPOSIT:
                    await user.wallet.deposit(str(ETH), value)
                case Act.PAY:
                    payee = random.choice([other for other in self.stage.users if other is not user])
                    await user.wallet.send(str(ETH), [Payment(payee.wallet.address, value)])
                case Act.WITHDRAW:
                    await user.wallet.withdraw(str(ETH), value, f"0x{random.randbytes(20).hex()}")
                case Act.CLAIM:
                    for each in self.stage.users:
                        await each.wallet.sync()
                        await each.claim_all()
                case Act.FORCE:
                    recipient = f"0x{random.randbytes(20).hex()}"
                    await user.wallet.withdraw(str(ETH), value, recipient, force=True)
                case Act.MINE:
                    await self.mine(random.randint(1, PROVING_WINDOW))
                case Act.COMMITTED:
                    self._let_prove()
                    await self._until(lambda: not self._waiting(("received", "soft-final")), "not committed")
                case Act.PROVEN:
                    self._let_prove()
                    await self._until(self._all_proven, "not proven")
                case Act.STRANGER:
                    await self._let_pend(user, value)
                    self._begin_prover()
                    await self._until(lambda: len(set(self._status())) == 1, "the stranger has not proven")
                case Act.PRUNE:
                    self._end_prover()
                    await self._let_pend(user, value)
                    await self._prune()
        except WalletError as error:
            # What a user is refused in the middle of all this is no defect.
            self.refusals[type(error).__name__] += 1

    async def _let_pend(self, user: User, value: int) -> None:
        """Have an epoch committed that the node cannot prove."""
        self.stage.endpoint.disturb(NoProofs())
        await user.wallet.deposit(str(ETH), value)
        await self._until(lambda: len(set(self._status())) == 2, "nothing is committed")

    def _let_prove(self) -> None:
        """With nobody to prove, the node would not even commit for ever."""
        if self._prover is None:
            self.stage.endpoint.heal()

    async def _prune(self) -> None:
        before = self._count("EpochsPruned")
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(self.stage.chain.url))
        rollup = bytes.fromhex(self.stage.deployment.address("Rollup")[2:])

        async def attempt() -> str:
            try:
                await prune(web3, rollup, funded_account(PRUNER))
            except DeadlineAhead:
                await self.mine(1)
            except (NothingPending, ContractRejected, TransactionReverted) as error:
                # The node was faster, or has not committed anew yet.
                if self._count("EpochsPruned") == before:
                    return str(error)
            return "" if self._count("EpochsPruned") > before else "the deadline is ahead"

        try:
            await self.mine(PROVING_WINDOW)
            await self.stage.until(attempt, "nothing was pruned", SETTLE_SECONDS)
        finally:
            await web3.provider.disconnect()

    def _begin_prover(self) -> None:
        if self._prover is not None:
            return
        stage = self.stage
        key = stage.folder / "stranger.key"
        key.write_text("0x" + bytes(funded_account(PROVER).key).hex())
        command = [
            *(sys.executable, "-m", "sotto.cli", "prover", "--permissionless", "--rpc-url", stage.chain.url),
            *("--rollup", stage.deployment.address("Rollup"), "--l1-key-file", str(key)),
            *("--database", f"sqlite:///{stage.folder / 'prover.db'}", "--poll-interval", "0.1"),
        ]
        with (stage.folder / "prover.log").open("ab") as output:
            self._prover = subprocess.Popen(command, stdout=output, stderr=output)

    def _end_prover(self) -> None:
        if self._prover is not None:
            ended = self._prover.poll()
            self._prover.terminate()
            self._prover.wait(60)
            self._prover = None
            assert ended is None, (self.stage.folder / "prover.log").read_text()

    def _reorganise(self, schedule: Schedule, random: Random) -> None:
        chain, depth = self.stage.chain, schedule.depth
        first = chain.web3.eth.block_number - depth + 1
        self.lost.setdefault(depth, Counter()).update(self._events(first))
        lost = [
            Lost(bytes.fromhex(chain.request("eth_getRawTransactionByHash", [digest.to_0x_hex()])[2:]), place)
            for place in range(depth)
            for digest in cast(list[HexBytes], chain.web3.eth.get_block(first + place)["transactions"])
        ]
        chain.reorganise(depth, kept(schedule.fate, lost, depth, random, self._replacement))

    def _replacement(self, raw: bytes) -> bytes:
        """An empty transaction in the place of another one."""
        nonce = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["nonce"]
        return self._empty(self._accounts[sender_of(raw)], cast(int, nonce))

    def _empty(self, account: LocalAccount, nonce: int) -> bytes:
        web3 = self.stage.chain.web3
        signed = account.sign_transaction(
            {
                "chainId": web3.eth.chain_id,
                "nonce": nonce,
                "to": account.address,
                "value": Wei(0),
                "gas": 21_000,
                "maxFeePerGas": Wei(10**11),
                "maxPriorityFeePerGas": Wei(10**9),
            }
        )
        return bytes(signed.raw_transaction)

    def _close_gaps(self) -> None:
        """Send something where a user's transaction cannot be mined, as the one before it is gone."""
        chain = self.stage.chain
        waiting = chain.request("txpool_content", [])["queued"]
        for user in self.stage.users:
            nonces = waiting.get(user.account.address, waiting.get(user.account.address.lower(), {}))
            if nonces:
                nonce = chain.web3.eth.get_transaction_count(user.account.address)
                chain.request("eth_sendRawTransaction", ["0x" + self._empty(user.account, nonce).hex()])

    async def _settle(self) -> None:
        """Wait until nothing is on its way, on a chain that goes on. Raises NotLiveError."""
        stage = self.stage
        stage.mining.set()

        async def question() -> str:
            problem = await stage._is_settled()
            if problem:
                await asyncio.to_thread(self._close_gaps)
            return problem

        await stage.until(question, "not everything came to its end", SETTLE_SECONDS)
        stage.mining.clear()

    async def _until(self, question: Callable[[], bool], failure: str) -> None:
        """Wait until a question is answered with yes, on a chain that goes on only by itself."""

        async def answered() -> str:
            await self.stage.supervise()
            return "" if await asyncio.to_thread(question) else "no"

        await self.stage.until(answered, failure, SETTLE_SECONDS)

    async def mine(self, blocks: int) -> None:
        """Add blocks, no more at once than a node can follow while it makes an epoch."""
        chain = self.stage.chain
        while blocks > 0:
            await asyncio.to_thread(chain.mine, min(blocks, PROVING_WINDOW))
            blocks -= PROVING_WINDOW
            head = chain.web3.eth.block_number
            await self._until(lambda: self._l1_block() >= head, "the node does not follow L1")  # noqa: B023

    def _l1_block(self) -> int:
        return int(self.stage.node.get("/v1/status")["l1_block"])

    def _waiting(self, statuses: Sequence[str]) -> bool:
        """Whether transactions of users, as of their last word from the node, have such a status."""
        accepted = [h for user in self.stage.users for h in user.transport.accepted[-MOST_RECENT:]]
        return any(self.stage.node.get(f"/v1/transactions/{h}")["status"] in statuses for h in accepted)

    def _all_proven(self) -> bool:
        status, (head, proven) = self.stage.node.get("/v1/status"), self._status()
        has_all = (status["pending"], status["queue_cursor"]) == (0, self.stage.l1.queue_length())
        return has_all and head == proven == status["proven"]

    def _status(self) -> tuple[int, int]:
        """Committed and proven epoch on L1."""
        rollup = self.stage.chain.web3.eth.contract(
            address=self.stage.deployment.address("Rollup"), abi=interface.load("Rollup")
        )
        head, proven = rollup.functions.status().call()
        return head, proven

    def _events(self, first: int) -> Counter[str]:
        """Names of the contracts' events from an L1 block on."""
        addresses = [self.stage.deployment.address(name) for name in WATCHED]
        logs = self.stage.chain.web3.eth.get_logs({"address": addresses, "fromBlock": BlockNumber(first)})
        return Counter(self._names[bytes(log["topics"][0])] for log in logs)

    def _count(self, name: str) -> int:
        return self._events(self.stage.deployment.block("Rollup"))[name]

    def proofs_of_stranger(self) -> int:
        """Epochs whose proof on L1 names the stranger with a prover."""
        rollup = self.stage.deployment
        events = self.stage.chain.web3.eth.contract(
            address=rollup.address("Rollup"), abi=interface.load("Rollup")
        ).events
        logs = events.EpochProven().get_logs(from_block=rollup.block("Rollup"))
        return [log["args"]["beneficiary"] for log in logs].count(funded_account(PROVER).address)

    def _blocks(self) -> list[Json]:
        last = self.stage.node.get("/v1/status")["block"]
        blocks: list[Json] = []
        for start in range(1, last + 1, PAGE):
            blocks += self.stage.node.get("/v1/blocks", start=start, count=PAGE)
        return blocks

    def _follower(self, l1: L1Evidence) -> list[str]:
        with contextlib.closing(ApiReader(self.follower.url)) as api:
            return [f"follower: {problem}" for problem in api_shows_l1(l1, api.read(()))]


@contextlib.asynccontextmanager
async def open_playhouse(folder: Path, seed: int) -> AsyncIterator[Playhouse]:
    """Start everything in a folder."""
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(
            open_stage(
                folder,
                Random(seed),
                parameters={"provingWindow": PROVING_WINDOW},
                settlement="split",
            )
        )
        stage.mining.clear()
        stage.idle_blocks = 8
        follower = FollowerProcess(folder, stage.chain.url, stage.deployment.address("Rollup"))
        stack.callback(follower.close)
        await asyncio.to_thread(follower.start)
        house = Playhouse(stage, follower)
        # Deposits of the beginning, and what was minted for them, stay.
        await house.mine(DEEPEST)
        yield house


async def run(seed: int, rounds: int, folder: Path, say: Callable[[str], None]) -> None:
    """Play schedules drawn from a seed. Raises NotLiveError, PromiseBrokenError."""
    random = Random(seed)
    async with open_playhouse(folder, seed) as house:
        for number in range(1, rounds + 1):
            schedule, begun = draw(random), monotonic()
            say(f"round {number:3} {schedule}")
            await house.play(schedule, Random(random.random()))
            say(f"          {monotonic() - begun:6.1f} s")
        await house.judge_restored()
        lost = sum(house.lost.values(), Counter())
        say(f"lost {dict(lost)}, refused {dict(house.refusals)}, restarts {house.stage.restarts}")


def main() -> int:
    """Exit code 0 when every promise held."""
    os.environ["PATH"] = f"{ROOT / 'tools/bin'}{os.pathsep}{os.environ['PATH']}"
    parser = argparse.ArgumentParser(prog="python -m tests.faults.reorgs", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10, help="reorganisations")
    parser.add_argument("--folder", type=Path, help="keep databases, wallets and logs in this new folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sotto-reorgs-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(arguments.seed, arguments.rounds, folder, say))
    return 0


if __name__ == "__main__":
    sys.exit(main())

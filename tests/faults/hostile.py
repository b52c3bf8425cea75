"""A proposer whom the rollup's policy lets commit, and who means harm."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from types import TracebackType
from typing import Any, Final, Self

from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import AsyncHTTPProvider, AsyncWeb3

from sotto.l1.deployment import Deployment
from sotto.l1.errors import ContractRejected, TransactionReverted
from sotto.l1.events import QueueEvent, ReceivedDeposit
from sotto.l1.history import CommittedRecord, History, queue_item
from sotto.l1.rollup import CommitInput
from sotto.l1.sender import Sender
from sotto.protocol.epoch import EpochBuilder, EpochInputs, EpochResult, replay
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.forced import decode_forced
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.notes import Deposit
from sotto.protocol.trees import State, genesis
from sotto.protocol.words import Layout, decode_words
from sotto.testing.chain import funded_account
from tests.faults.checker import Checker
from tests.faults.stage import LANES, NotLiveError
from tests.support.encodings import ENCODINGS

HOSTILE: Final = funded_account(8)

OVERTAKEN: Final = frozenset({"ParentNotHead", "WrongQueueTailCount", "ClockDecreased"})
"""The operator was faster."""

GUARDS: Final = frozenset({"OverdueItemsLeft", "CommitNeedsProof"})
"""What L1 says to who would let queue items wait for too long."""

_ATTEMPTS: Final = 10
_ENCODINGS: Final = (bytes, *ENCODINGS.values())


class HostileProposer:
    """Commits epochs without payments, behind whatever is committed, in encodings of all kinds. Use it with
    `async with`.

    Args:
        url: JSON-RPC endpoint of L1.
        checker: what it has judged need not be replayed.
    """

    def __init__(
        self, url: str, deployment: Deployment, checker: Checker, account: LocalAccount = HOSTILE
    ) -> None:
        self._deployment, self._checker, self._account = deployment, checker, account
        self._web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(url))
        self._rollup = bytes.fromhex(deployment.address("Rollup").removeprefix("0x"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._web3.provider.disconnect()

    async def waiting(self) -> list[QueueEvent]:
        """The items of the queue that no committed epoch takes."""
        history = await History.open(self._web3, self._rollup)
        records = await history.records()
        return await history.items(records[-1].record.queue_end)

    async def commit_valid(self, items: int) -> bool:
        """Commit an epoch that could be proven, with at most so many items of the queue.

        False if L1 refuses it for what it does to the queue. Raises ContractRejected for other reasons than
        that somebody was faster.
        """
        return await self._commit(items, None)

    async def commit_garbage(self, items: int, random: Random) -> bool:
        """Commit words that no proof exists for: their state does not follow. See commit_valid."""
        return await self._commit(items, random)

    async def _commit(self, most: int, random: Random | None) -> bool:
        for _ in range(_ATTEMPTS):
            history = await History.open(self._web3, self._rollup)
            records = await history.records()
            events = (await history.items(records[-1].record.queue_end))[:most]
            result = self._build(history, records[-1].record, await self._state(history, records), events)
            commit = self._input(history, records[-1].record, result, events)
            if random is not None:
                commit = _spoilt(commit, result, random)
            transaction = history.rollup.commit(commit)
            encoding = _ENCODINGS[len(records) % len(_ENCODINGS)]
            transaction["data"] = encoding(bytes(HexBytes(transaction["data"])))
            try:
                await Sender(self._web3, self._account).send(transaction)
            except (ContractRejected, TransactionReverted) as error:
                cause = error.cause if isinstance(error, TransactionReverted) else error
                if cause is None or cause.name in OVERTAKEN:
                    continue
                if cause.name in GUARDS:
                    return False
                raise cause from error
            return True
        raise NotLiveError(f"the operator was faster than a hostile proposer {_ATTEMPTS} times")

    async def _state(self, history: History, records: Sequence[CommittedRecord]) -> State:
        """The state after the last committed epoch; the checker's, as far as it has judged."""
        known, state = 0, genesis()
        for committed in records:
            judged = self._checker.known(committed.record.hash())
            if judged is not None:
                known, state = committed.record.id, judged
        async for epoch in history.epochs(records[known + 1 :]):
            state = replay(state, decode_words(epoch.words, epoch.lanes)).state
        return state

    def _build(
        self, history: History, parent: EpochRecord, state: State, events: Sequence[QueueEvent]
    ) -> EpochResult:
        inputs = EpochInputs(
            domain=history.domain,
            lanes=LANES,
            oldest=parent.id,
            now=max(history.block, parent.timestamp_block),
            queue_start=parent.queue_end,
        )
        builder = EpochBuilder(state, inputs)
        for event in events:
            if isinstance(event, ReceivedDeposit):
                builder.add(Deposit(Field(event.partial), event.asset, event.value))
            else:
                builder.add(decode_forced(event.transaction, history.domain))
        return builder.finish()

    def _input(
        self, history: History, parent: EpochRecord, result: EpochResult, events: Sequence[QueueEvent]
    ) -> CommitInput:
        return CommitInput(
            parent=parent,
            verifier=self._deployment.verifiers()[Layout(LANES)],
            fee_recipient=self._account.address,
            c=result.c,
            words=result.encoded_words(),
            queue_tails=[queue_item(event, history.domain).tail for event in events],
            client_proofs=b"",
            oldest_successor=None,
        )


def _spoilt(commit: CommitInput, result: EpochResult, random: Random) -> CommitInput:
    header = replace(
        result.words.header,
        new_state=Field(random.randrange(MODULUS)),
        own_anchor=Field(random.randrange(MODULUS)),
    )
    words = replace(result.words, header=header)
    return replace(commit, words=words.encode(), c=words.c())

"""What a seed owns in a rollup, found from L1 alone: no node, no wallet file (spec 13, Rebuilding)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sotto.l1.errors import HistoryMismatch
from sotto.l1.events import QueueEvent, ReceivedDeposit
from sotto.l1.history import HistoricEpoch, History
from sotto.protocol.epoch import Withdrawal, withdrawals_of
from sotto.protocol.errors import ProtocolError
from sotto.protocol.growth import Growth
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.l1 import EpochRecord, genesis_record, withdrawal_proof, withdrawal_root
from sotto.protocol.transaction import Kind, ext_ciphertexts
from sotto.protocol.trees import State
from sotto.protocol.words import EpochWords, LaneWords, decode_words
from sotto.wallet.ledger import SPENDING
from sotto.wallet.messages import Entry
from sotto.wallet.scan import DepositCounter, scan
from sotto.wallet.state import StoredNote

_NO_CIPHERTEXTS = (b"", b"", b"")


@dataclass(frozen=True, slots=True)
class RecordedWithdrawal:
    """A withdrawal of a proven epoch, with the Merkle proof that its claim needs."""

    record: EpochRecord
    withdrawal: Withdrawal
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a seed owns as of the last proven epoch.

    Attributes:
        record: of that epoch; `state` is the state after it.
        notes: unspent ones.
        withdrawals: of own transactions; they may be claimed already.
        queued: own items that no proven epoch has taken, or made by `senders`.
    """

    record: EpochRecord
    state: State
    notes: tuple[StoredNote, ...]
    withdrawals: tuple[RecordedWithdrawal, ...]
    queued: tuple[QueueEvent, ...]


async def recover(
    history: History, keys: ViewingKeys, senders: Iterable[bytes] = (), first_block: int | None = None
) -> Recovered:
    """Rebuild the last proven state from what L1 published, and find what belongs to `keys`.

    Args:
        senders: L1 addresses of 20 bytes whose queue items count as own.
        first_block: no later than the block of the rollup's deployment; None: it is searched for.

    Raises L1Unavailable, HistoryIncomplete, HistoryMismatch.
    """
    committed = (await history.records(first_block))[: history.proven + 1]
    genesis = committed[0].record
    if genesis != genesis_record(genesis.commit_block):
        raise HistoryMismatch("the rollup began with another state: it is of another version")
    events = await history.items(0, first_block)
    finder = _Finder(keys, events)
    async for epoch in history.epochs(committed):
        await asyncio.to_thread(finder.add, epoch)
    last = committed[-1].record
    state = await asyncio.to_thread(finder.state, last)
    cursor, own = last.queue_end, set(senders)
    queued = [event for event in events[cursor:] if _sender(event) in own or finder.made(event)]
    return Recovered(last, state, tuple(finder.unspent()), tuple(finder.withdrawals), tuple(queued))


class _Finder:
    """Takes epochs in order, and keeps what is one account's."""

    def __init__(self, keys: ViewingKeys, events: Sequence[QueueEvent]) -> None:
        self._keys = keys
        self._events = events
        self._growth = Growth.genesis()
        self._nodes = 0
        self._notes: dict[int, StoredNote] = {}
        self._spent: set[int] = set()
        self._deposits = DepositCounter(keys.outgoing, 0)
        self._made = {
            event.index
            for event in events
            if isinstance(event, ReceivedDeposit) and self._deposits.secret_of(event.ciphertext) is not None
        }
        self.withdrawals: list[RecordedWithdrawal] = []

    def add(self, epoch: HistoricEpoch) -> None:
        """Take the next epoch. Raises HistoryMismatch."""
        record = epoch.record
        try:
            words = decode_words(epoch.words, epoch.lanes)
            self._growth.add(epoch.words, epoch.lanes)
        except ProtocolError as error:
            raise HistoryMismatch(f"the words of epoch {record.id} are none: {error}") from error
        first = -(-self._nodes // epoch.lanes) * epoch.lanes
        self._nodes = first + epoch.lanes
        for note in scan(self._keys, self._entries(words, first)):
            self._notes[note.nullifier] = note
        self._add_spends(record, words)

    def state(self, last: EpochRecord) -> State:
        """The state after all epochs. Raises HistoryMismatch when it is not that of the last one's record."""
        try:
            state = self._growth.state()
        except (ProtocolError, ValueError) as error:
            raise HistoryMismatch(f"the words up to epoch {last.id} give no state: {error}") from error
        if state.hash() != last.new_state or state.anchor() != last.own_anchor:
            raise HistoryMismatch(f"the words up to epoch {last.id} do not give the state of its record")
        return state

    def unspent(self) -> list[StoredNote]:
        """Notes that no epoch has spent, the largest of each asset first."""
        left = [note for nullifier, note in self._notes.items() if nullifier not in self._spent]
        return sorted(left, key=lambda note: (note.asset, -note.value, note.commitment))

    def made(self, event: QueueEvent) -> bool:
        """Whether the seed made a deposit, whatever L1 account sent it."""
        return event.index in self._made

    def _entries(self, words: EpochWords, first: int) -> list[Entry]:
        return [
            self._entry(words, lane, first + number, number, index)
            for number, (lane, index) in enumerate(zip(words.lanes, words.queue_indices(), strict=True))
            if lane.kind not in (Kind.NO_OP, Kind.SKIPPED)
        ]

    def _entry(self, words: EpochWords, lane: LaneWords, node: int, number: int, index: int | None) -> Entry:
        header = words.header
        ciphertexts = _NO_CIPHERTEXTS
        if lane.kind != Kind.DEPOSIT:
            ciphertexts = ext_ciphertexts(lane.ext)
        elif index is not None and index < len(self._events):
            event = self._events[index]
            if isinstance(event, ReceivedDeposit):
                ciphertexts = (event.ciphertext, b"", b"")
        return Entry(
            node=node,
            epoch=header.epoch_id,
            lane=number,
            kind=lane.kind,
            id=lane.link,
            nullifiers=lane.nullifiers,
            commitments=lane.commitments,
            ciphertexts=ciphertexts,
            public_value=lane.public_value,
            public_asset=lane.public_asset,
            recipient=lane.recipient,
            fee=lane.fee,
            fee_asset=lane.fee_asset,
            queue_index=index,
        )

    def _add_spends(self, record: EpochRecord, words: EpochWords) -> None:
        paid = withdrawals_of(words)
        own = set()
        for number, lane in enumerate(words.lanes):
            if lane.kind in SPENDING:
                spent = [nullifier for nullifier in lane.nullifiers if nullifier in self._notes]
                self._spent.update(spent)
                if spent and lane.public_value:
                    own.add(number)
        if own and withdrawal_root(paid) != record.withdrawal_root:
            raise HistoryMismatch(f"the withdrawals of epoch {record.id} do not have the root of its record")
        self.withdrawals += [
            RecordedWithdrawal(record, withdrawal, tuple(withdrawal_proof(paid, position)))
            for position, withdrawal in enumerate(paid)
            if withdrawal.lane in own
        ]


def _sender(event: QueueEvent) -> bytes:
    return event.depositor if isinstance(event, ReceivedDeposit) else event.sender

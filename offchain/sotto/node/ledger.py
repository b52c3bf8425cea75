"""The chain of epochs in memory: records and anchors of L1, states of this node. Pure: no I/O.

Epochs up to `confirmed` are proven on L1; those above are this node's own and not proven there yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sotto.node.errors import StateDiverged
from sotto.protocol.epoch import EpochResult
from sotto.protocol.field import Field
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.trees import State, genesis

KEPT_STATES = 16
"""States behind the tip that are kept for reorganisations of L1; copies share what did not change."""


@dataclass
class Ledger:
    """See the module's text. Create it with `Ledger()`: the state of genesis, without records.

    Attributes:
        records: L1 record of each confirmed epoch, by id; genesis has one too.
        anchors: epoch id of the anchor of each confirmed epoch.
        commit_blocks: L1 block of the commit of each confirmed epoch.
    """

    records: dict[int, EpochRecord] = field(default_factory=dict)
    anchors: dict[Field, int] = field(default_factory=dict)
    commit_blocks: dict[int, int] = field(default_factory=dict)
    _states: dict[int, State] = field(default_factory=lambda: {0: genesis()})
    _queue_ends: dict[int, int] = field(default_factory=lambda: {0: 0})
    _clocks: dict[int, int] = field(default_factory=lambda: {0: 0})

    @classmethod
    def resumed(cls, state: State, records: Sequence[EpochRecord]) -> "Ledger":
        """The ledger whose last epoch is confirmed and has this state.

        Args:
            records: those of all epochs up to it, in order. Raises StateDiverged unless the state has them.
        """
        last = records[-1]
        if state.hash() != last.new_state:
            raise StateDiverged(f"epoch {last.id}: L1 has state {last.new_state:#066x}")
        for number, (record, anchor) in enumerate(zip(records, state.root.leaves(), strict=True)):
            if record.id != number or record.own_anchor != anchor:
                raise StateDiverged(f"the stored record of epoch {number} is of another epoch")
        return cls(
            records={record.id: record for record in records},
            anchors={Field(record.own_anchor): record.id for record in records},
            commit_blocks={record.id: record.commit_block for record in records},
            _states={last.id: state},
            _queue_ends={last.id: last.queue_end},
            _clocks={last.id: last.timestamp_block},
        )

    @property
    def tip_id(self) -> int:
        """Id of the last epoch, confirmed or not."""
        return max(self._states)

    @property
    def tip(self) -> State:
        """State after the last epoch."""
        return self._states[self.tip_id]

    @property
    def confirmed_id(self) -> int:
        """Id of the last epoch that is proven on L1; 0 also before genesis was seen."""
        return max(len(self.records) - 1, 0)

    @property
    def confirmed(self) -> State:
        """State after the last confirmed epoch."""
        return self._states[self.confirmed_id]

    @property
    def queue_cursor(self) -> int:
        """Queue index that the next epoch starts with."""
        return self._queue_ends[self.tip_id]

    @property
    def clock(self) -> int:
        """L1 block below which the next epoch's `now` may not be."""
        return self._clocks[self.tip_id]

    def state(self, epoch: int) -> State | None:
        """State after an epoch, if it is still kept."""
        return self._states.get(epoch)

    def append(self, result: EpochResult) -> None:
        """Add the next epoch, not confirmed yet."""
        header = result.words.header
        if header.epoch_id != self.tip_id + 1:
            raise StateDiverged(f"epoch {header.epoch_id} does not follow {self.tip_id}")
        self._states[header.epoch_id] = result.state
        self._queue_ends[header.epoch_id] = header.queue_end
        self._clocks[header.epoch_id] = header.now

    def confirm(self, record: EpochRecord) -> None:
        """L1 has proven the next epoch, or holds genesis. Raises StateDiverged if its state differs."""
        expected = self.confirmed_id + 1 if self.records else 0
        state = self._states.get(record.id)
        if record.id != expected or state is None:
            raise StateDiverged(f"L1 proved epoch {record.id}, but {expected} is next here")
        if record.new_state != state.hash():
            raise StateDiverged(f"epoch {record.id}: L1 has state {record.new_state:#066x}")
        self.records[record.id] = record
        self.anchors[Field(record.own_anchor)] = record.id
        self.commit_blocks[record.id] = record.commit_block
        self._clocks[record.id] = record.timestamp_block
        for old in [epoch for epoch in self._states if epoch < record.id - KEPT_STATES]:
            del self._states[old], self._queue_ends[old], self._clocks[old]

    def unconfirm(self, first: int) -> None:
        """L1 was reorganised: epochs from `first` on are not proven any more, their states stay."""
        for epoch in range(first, len(self.records)):
            del self.anchors[Field(self.records.pop(epoch).own_anchor)], self.commit_blocks[epoch]

    def truncate(self, first: int) -> None:
        """Forget epochs from `first` on, none of which is confirmed.

        Raises StateDiverged if too old a state is needed.
        """
        for epoch in [epoch for epoch in self._states if epoch >= first]:
            del self._states[epoch], self._queue_ends[epoch], self._clocks[epoch]
        if not self._states:
            raise StateDiverged(f"the state before epoch {first} is not in memory: start the node again")

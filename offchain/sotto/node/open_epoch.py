"""The epoch that blocks are being added to. Pure: no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from sotto.node.blocks import Block, OrderedDeposit, OrderedTransaction
from sotto.node.builder import Ordered, QueueItem
from sotto.node.errors import BlockMalformed
from sotto.node.pool import Bundle, Pool, PoolTransaction
from sotto.protocol.field import Field
from sotto.protocol.notes import Deposit


@dataclass
class OpenEpoch:
    """What is ordered in the epoch after the last closed one.

    Attributes:
        now: its L1 block, that of its first block.
        queue_start: index of the first queue item that it takes.
        opened: when its first block was made, by the monotonic clock.
        ordered: in the order of the lanes.
        pool: its bundles, for conflicts and parents.
    """

    id: int
    now: int
    queue_start: int
    opened: float = field(default_factory=monotonic)
    ordered: list[Ordered] = field(default_factory=list)
    pool: Pool = field(default_factory=Pool)

    @property
    def lanes(self) -> int:
        """Lanes taken."""
        return self.items + len(self.pool)

    @property
    def items(self) -> int:
        """Queue items taken."""
        return sum(not isinstance(entry, Bundle) for entry in self.ordered)

    @property
    def queue_end(self) -> int:
        """Index of the first queue item that it has not taken."""
        return self.queue_start + self.items

    def add(self, added: Sequence[Ordered]) -> None:
        """A block has ordered these."""
        self.ordered += added
        for entry in added:
            if isinstance(entry, Bundle):
                self.pool.add(entry)


def block_entries(
    domain: int, queue_start: int, added: Sequence[Ordered]
) -> list[OrderedTransaction | OrderedDeposit]:
    """The entries of a block that orders these.

    Args:
        queue_start: index of the first queue item among them.
    """
    entries: list[OrderedTransaction | OrderedDeposit] = []
    index = queue_start
    for entry in added:
        if isinstance(entry, Bundle):
            entries += [OrderedTransaction(member.h) for member in entry.members]
        else:
            entries.append(OrderedDeposit(index, item_h(entry, domain, index)))
            index += 1
    return entries


def item_h(item: QueueItem, domain: int, index: int) -> Field:
    """The h of a queue item (docs/spec/05-epoch.md)."""
    return item.h(domain, index) if isinstance(item, Deposit) else item.h


def restore(
    blocks: Sequence[Block],
    queue_start: int,
    transactions: Mapping[Field, tuple[Field, PoolTransaction]],
    items: Mapping[int, QueueItem],
) -> OpenEpoch | None:
    """The open epoch as its blocks tell it, None without blocks.

    Args:
        transactions: id of the bundle and transaction, by h.
        items: queue items by index.

    Raises BlockMalformed if L1 has lost a queue item or holds another one in its place, or if a transaction
    is missing.
    """
    if not blocks:
        return None
    opened = OpenEpoch(blocks[0].epoch, blocks[0].l1_block, queue_start)
    bundle: Field | None = None
    members: list[PoolTransaction] = []

    def end_bundle() -> None:
        if members:
            opened.add([Bundle(tuple(members))])
            members.clear()

    for block in blocks:
        for entry in block.lane_entries:
            if isinstance(entry, OrderedDeposit):
                end_bundle()
                item = items.get(entry.index)
                if (
                    entry.index != opened.queue_end
                    or item is None
                    or item_h(item, block.domain, entry.index) != entry.h
                ):
                    raise BlockMalformed(f"queue item {entry.index} of block {block.number} is not on L1")
                opened.add([item])
                continue
            if entry.h not in transactions:
                raise BlockMalformed(f"transaction {entry.h:#066x} of block {block.number} is not stored")
            owner, member = transactions[entry.h]
            if owner != bundle:
                end_bundle()
            bundle = owner
            members.append(member)
    end_bundle()
    return opened

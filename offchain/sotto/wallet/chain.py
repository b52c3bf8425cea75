"""Note and account tree as a wallet rebuilds them, checked against the anchor of every epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sotto.protocol.accounts import Operation
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field
from sotto.protocol.insertion import AccountBatch
from sotto.protocol.transaction import Kind
from sotto.protocol.trees import AccountTree, anchor
from sotto.wallet.cachefile import packed_leaves
from sotto.wallet.errors import NodeMalformed, StateMismatch
from sotto.wallet.messages import Entry, EpochMessage
from sotto.wallet.notetree import NoteTree, SegmentStore

LANE_COUNTS: Final = (4, 16, 64)


@dataclass(frozen=True, slots=True)
class EpochPoint:
    """The end of a checked epoch. `record_hash` is empty for genesis, whose record only L1 knows.

    Attributes:
        end_node: number of the first note tree node after it.
        now: L1 block that expiry was compared with.
    """

    id: int
    record_hash: bytes
    end_node: int
    anchor: Field
    note_root: Field
    now: int


@dataclass(slots=True)
class Trees:
    """The two trees after an epoch."""

    point: EpochPoint
    note: NoteTree
    account: AccountTree

    @classmethod
    def genesis(cls, store: SegmentStore) -> "Trees":
        """The trees of epoch 0; `store` brings segments back that are full."""
        note, account = NoteTree(store), AccountTree.genesis()
        point = EpochPoint(0, b"", 0, anchor(0, note.root, account.root), note.root, 0)
        return cls(point, note, account)

    def copy(self) -> "Trees":
        """Trees that change independently."""
        return Trees(self.point, self.note.copy(), self.account.copy())

    def extend(self, epoch: EpochMessage, entries: Sequence[Entry]) -> None:
        """Add one more epoch. Raises NodeMalformed, StateMismatch; the trees are of no use then."""
        _check_header(self.point, epoch)
        _check_entries(epoch, entries)
        try:
            self.note.append(packed_leaves(entries, epoch.first_node, epoch.lanes), 4 * epoch.lanes)
            apply_operations(self.account, epoch.operations, epoch.lanes)
        except (ProtocolError, ValueError) as error:
            raise StateMismatch(f"epoch {epoch.id} cannot follow: {error}") from error
        record = epoch.record
        note_root, account_root = self.note.root, self.account.root
        if note_root != epoch.note_root or account_root != epoch.account_root:
            raise StateMismatch(f"the notes or operations of epoch {epoch.id} do not have its roots")
        own_anchor = anchor(epoch.id, note_root, account_root)
        if own_anchor != epoch.anchor or own_anchor != record.own_anchor:
            raise StateMismatch(f"the roots of epoch {epoch.id} do not have the anchor of its record")
        self.point = EpochPoint(
            epoch.id,
            record.hash(),
            epoch.first_node + epoch.lanes,
            own_anchor,
            note_root,
            record.timestamp_block,
        )


def apply_operations(tree: AccountTree, operations: Sequence[tuple[Field, Field]], lanes: int) -> None:
    """Apply the pairs (id, new key set hash) of an epoch. Raises ProtocolError."""
    if not operations:
        tree.append((), lanes // 4)
        return
    batch = AccountBatch(tree)
    current: dict[Field, Field] = {}
    for account, new in operations:
        if account not in current:
            current[account] = tree.content(tree.index(account)).key_set if account in tree else Field(0)
        batch.apply(Operation(account, current[account], new))
        current[account] = new
    tree.append(batch.leaves(), lanes // 4)


def _check_header(last: EpochPoint, epoch: EpochMessage) -> None:
    record = epoch.record
    if epoch.id != last.id + 1 or record.id != epoch.id:
        raise NodeMalformed(f"epoch {last.id + 1} was expected, not {epoch.id} (record {record.id})")
    if epoch.lanes not in LANE_COUNTS:
        raise NodeMalformed(f"epoch {epoch.id} has {epoch.lanes} lanes")
    if epoch.first_node != -(-last.end_node // epoch.lanes) * epoch.lanes:
        raise NodeMalformed(f"epoch {epoch.id} begins at node {epoch.first_node}")
    if len(epoch.operations) > epoch.lanes // 4:
        raise NodeMalformed(f"epoch {epoch.id} has {len(epoch.operations)} account operations")
    if last.record_hash and record.parent != last.record_hash:
        raise StateMismatch(f"epoch {epoch.id} does not follow the epoch {last.id} that this wallet has")


def _check_entries(epoch: EpochMessage, entries: Sequence[Entry]) -> None:
    previous = epoch.first_node - 1
    for entry in entries:
        node = entry.node
        if node is None or not previous < node < epoch.first_node + epoch.lanes:
            raise NodeMalformed(f"entry at node {node} of epoch {epoch.id} is out of order or place")
        if entry.epoch != epoch.id or entry.lane != node - epoch.first_node or entry.kind == Kind.NO_OP:
            raise NodeMalformed(f"entry at node {node} contradicts epoch {epoch.id}")
        previous = node

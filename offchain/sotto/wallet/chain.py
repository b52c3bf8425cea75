"""Note and account tree as a wallet rebuilds them, checked against the anchor of every epoch.

What is kept here is public: one row for each epoch and note tree node, in SQLite. It is not trusted when it
is read
again: the roots are recomputed, and the last record hash is compared with the node's (and L1's) by each sync.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from sotto.protocol.accounts import Operation
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field, decode_field, encode_field
from sotto.protocol.insertion import AccountBatch
from sotto.protocol.transaction import Kind
from sotto.protocol.trees import NOTE_DEPTH, AccountTree, MerkleTree, anchor
from sotto.wallet.errors import NodeMalformed, StateMismatch
from sotto.wallet.messages import Entry, EpochMessage

LANE_COUNTS: Final = (4, 16, 64)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (domain TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (
    id INTEGER PRIMARY KEY, record_hash BLOB NOT NULL, first_node INTEGER NOT NULL, lanes INTEGER NOT NULL,
    anchor BLOB NOT NULL, note_root BLOB NOT NULL, now INTEGER NOT NULL, operations TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS nodes (number INTEGER PRIMARY KEY, commitments BLOB NOT NULL);
"""


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
    note: MerkleTree
    account: AccountTree

    @classmethod
    def genesis(cls) -> Self:
        """The trees of epoch 0."""
        note, account = MerkleTree(NOTE_DEPTH), AccountTree.genesis()
        point = EpochPoint(0, b"", 0, anchor(0, note.root, account.root), note.root, 0)
        return cls(point, note, account)

    def extend(self, epoch: EpochMessage, entries: Sequence[Entry]) -> "Trees":
        """The trees after one more epoch; these stay as they are. Raises NodeMalformed, StateMismatch."""
        _check_header(self.point, epoch)
        _check_entries(epoch, entries)
        note, account = self.note.copy(), self.account.copy()
        leaves = [Field(0)] * (4 * epoch.lanes)
        for entry in entries:
            if entry.node is not None and entry.kind != Kind.SKIPPED:
                at = 4 * (entry.node - epoch.first_node)
                leaves[at : at + 3] = entry.commitments
        try:
            note.append(leaves, 4 * epoch.lanes)
            apply_operations(account, epoch.operations, epoch.lanes)
        except (ProtocolError, ValueError) as error:
            raise StateMismatch(f"epoch {epoch.id} cannot follow: {error}") from error
        record = epoch.record
        if note.root != epoch.note_root or account.root != epoch.account_root:
            raise StateMismatch(f"the notes or operations of epoch {epoch.id} do not have its roots")
        own_anchor = anchor(epoch.id, note.root, account.root)
        if own_anchor != epoch.anchor or own_anchor != record.own_anchor:
            raise StateMismatch(f"the roots of epoch {epoch.id} do not have the anchor of its record")
        point = EpochPoint(
            epoch.id,
            record.hash(),
            epoch.first_node + epoch.lanes,
            own_anchor,
            note.root,
            record.timestamp_block,
        )
        return Trees(point, note, account)


def apply_operations(tree: AccountTree, operations: Sequence[tuple[Field, Field]], lanes: int) -> None:
    """Apply the pairs (id, new key set hash) of an epoch. Raises ProtocolError."""
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


class ChainFile:
    """The rows behind `Trees`. `domain` is the deployment; rows of another one are dropped."""

    def __init__(self, path: Path, domain: int) -> None:
        self._path, self._domain = path, f"{domain:062x}"
        self._db = self._open()

    def load(self, epoch: int) -> Trees:
        """The trees after `epoch`, or after the last one before it whose rows are there and hash to its root.

        Later rows are removed: the wallet's notes do not cover them.
        """
        trees = self._rebuild(epoch)
        if trees is None:
            self.truncate(0)
            return Trees.genesis()
        self.truncate(trees.point.id)
        return trees

    def append(self, epoch: EpochMessage, entries: Sequence[Entry], point: EpochPoint) -> None:
        """Add an epoch that `Trees.extend` has checked; `commit` makes it durable."""
        operations = json.dumps([[f"{a:x}", f"{b:x}"] for a, b in epoch.operations])
        self._db.execute(
            "INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                epoch.id,
                point.record_hash,
                epoch.first_node,
                epoch.lanes,
                encode_field(point.anchor),
                encode_field(point.note_root),
                point.now,
                operations,
            ),
        )
        self._db.executemany(
            "INSERT INTO nodes VALUES (?, ?)",
            [
                (entry.node, b"".join(encode_field(c) for c in entry.commitments))
                for entry in entries
                if entry.kind != Kind.SKIPPED
            ],
        )

    def commit(self) -> None:
        """Make what was appended durable."""
        self._db.commit()

    def rollback(self) -> None:
        """Forget what was appended since the last `commit`."""
        self._db.rollback()

    def record_hash(self, epoch: int) -> bytes | None:
        """The record hash of a stored epoch."""
        row = self._db.execute("SELECT record_hash FROM epochs WHERE id = ?", (epoch,)).fetchone()
        return None if row is None else bytes(row[0])

    def truncate(self, epoch: int) -> None:
        """Remove everything after an epoch."""
        row = self._db.execute("SELECT first_node + lanes FROM epochs WHERE id = ?", (epoch,)).fetchone()
        self._db.execute("DELETE FROM nodes WHERE number >= ?", (row[0] if row else 0,))
        self._db.execute("DELETE FROM epochs WHERE id > ?", (epoch,))
        self._db.commit()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError:
            # Public data that any sync brings back: a damaged file is made anew.
            self._path.unlink(missing_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, check_same_thread=False)
        try:
            db.executescript(_SCHEMA)
            row = db.execute("SELECT domain FROM meta").fetchone()
            if row is None or row[0] != self._domain:
                for table in ("meta", "epochs", "nodes"):
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
                db.execute("INSERT INTO meta VALUES (?)", (self._domain,))
                db.commit()
        except BaseException:
            db.close()
            raise
        return db

    def _rebuild(self, epoch: int) -> Trees | None:
        try:
            epochs = self._db.execute(
                "SELECT id, record_hash, first_node, lanes, anchor, note_root, now, operations"
                " FROM epochs WHERE id <= ? ORDER BY id",
                (epoch,),
            ).fetchall()
            if not epochs or [row[0] for row in epochs] != list(range(1, len(epochs) + 1)):
                return None
            last = epochs[-1]
            end = last[2] + last[3]
            leaves = [Field(0)] * (4 * end)
            rows = self._db.execute("SELECT number, commitments FROM nodes WHERE number < ?", (end,))
            for number, blob in rows:
                leaves[4 * number : 4 * number + 3] = [
                    decode_field(blob[i : i + 32]) for i in range(0, 96, 32)
                ]
            note = MerkleTree.from_leaves(NOTE_DEPTH, leaves)
            account = AccountTree.genesis()
            for row in epochs:
                pairs = [(Field(int(a, 16)), Field(int(b, 16))) for a, b in json.loads(row[7])]
                apply_operations(account, pairs, row[3])
            own_anchor = anchor(last[0], note.root, account.root)
            if own_anchor != decode_field(last[4]):
                return None
            return Trees(
                EpochPoint(last[0], bytes(last[1]), end, own_anchor, note.root, last[6]), note, account
            )
        except (sqlite3.DatabaseError, ProtocolError, ValueError, TypeError):
            return None

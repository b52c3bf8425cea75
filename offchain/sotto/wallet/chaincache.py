"""The chain on disk, one folder for each deployment, shared by the wallets beside it.

Epochs and entries lie in files of fixed ranges. What is read goes through the same checks as a node's answer;
only the roots of full segments are believed, and these must hash to the anchor of the last epoch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sotto.protocol.trees import AccountTree, anchor
from sotto.wallet.cachefile import (
    DAMAGE,
    EpochSummary,
    pack_entry,
    pack_epoch,
    packed_leaves,
    read_file,
    read_start,
    remove_drafts,
    summary,
    unpack_entries,
    unpack_epochs,
    unpack_summaries,
    write_file,
)
from sotto.wallet.chain import EpochPoint, Trees, apply_operations
from sotto.wallet.errors import CacheDamaged, CacheUnwritable
from sotto.wallet.messages import Entry, EpochMessage
from sotto.wallet.notetree import SEGMENT_NODES, NoteTree

EPOCHS_A_FILE: Final = 256

_EPOCHS: Final = b"e"
_NODES: Final = b"n"
_ROOT_BYTES: Final = 32
_NO_ROOT: Final = bytes(_ROOT_BYTES)

Batch = list[tuple[EpochMessage, list[Entry]]]
"""Epochs in order, each with its entries."""


class ChainCache:
    """The files of a folder. `domain` is the deployment."""

    def __init__(self, folder: Path, domain: int) -> None:
        self.folder, self._domain = folder, domain
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CacheUnwritable(f"{folder}: {error.strerror}") from error
        remove_drafts(folder)
        self._known: list[EpochSummary] = []
        self._tail_epochs, self._tail_nodes = bytearray(), bytearray()
        self._segment = self._nodes_end = 0
        self._read_index()
        self._load_tails()

    @property
    def last(self) -> int:
        """The last epoch that is there, with all before it."""
        return len(self._known)

    def record_hash(self, epoch: int) -> bytes | None:
        """The record hash of an epoch that is there."""
        return self._known[epoch - 1].record_hash if 0 < epoch <= self.last else None

    def load(self, epoch: int) -> Trees:
        """The trees after `epoch`, or after the last one before it that the files still show.

        Files that do not hash to the anchor are thrown away.
        """
        while True:
            epoch = min(epoch, self.last)
            if not epoch:
                return Trees.genesis(self)
            trees = self._rebuild(epoch)
            if trees is not None:
                return trees
            self.truncate(0)

    def read(self, start: int, count: int) -> Batch:
        """At most `count` epochs from `start` on. None when they are not there; damaged ones are dropped."""
        end = min(start + count - 1, self.last)
        found: Batch = []
        try:
            for number in range((start - 1) // EPOCHS_A_FILE, (end - 1) // EPOCHS_A_FILE + 1):
                body = self._file(_EPOCHS, number)
                found += [(epoch, []) for epoch in unpack_epochs(body) if start <= epoch.id <= end]
            if [epoch.id for epoch, _ in found] != list(range(start, end + 1)):
                raise CacheDamaged("epochs are missing")
            if not found:
                return []
            owners = {epoch.id: own for epoch, own in found}
            first = found[0][0].first_node
            for segment in range(first // SEGMENT_NODES, (self._end(end) - 1) // SEGMENT_NODES + 1):
                for entry in unpack_entries(self._file(_NODES, segment)[_ROOT_BYTES:]):
                    if entry.epoch in owners:
                        owners[entry.epoch].append(entry)
        except (CacheDamaged, *DAMAGE):
            self.truncate(start - 1)
            return []
        return found

    def append(self, batch: Sequence[tuple[EpochMessage, Sequence[Entry]]], trees: Trees) -> None:
        """Write epochs that follow the last one; `trees` are those after them. Raises CacheUnwritable."""
        for epoch, entries in batch:
            for entry in entries:
                assert entry.node is not None
                self._advance(entry.node // SEGMENT_NODES, trees)
                self._tail_nodes += pack_entry(entry)
            self._advance((epoch.first_node + epoch.lanes - 1) // SEGMENT_NODES, trees)
            self._nodes_end = epoch.first_node + epoch.lanes
        self._write_nodes(trees)
        for epoch, _ in batch:
            if self.last % EPOCHS_A_FILE == 0:
                self._tail_epochs = bytearray()
            self._tail_epochs += pack_epoch(epoch)
            self._known.append(summary(epoch))
            if self.last % EPOCHS_A_FILE == 0:
                self._write_epochs()
        if self.last % EPOCHS_A_FILE:
            self._write_epochs()

    def truncate(self, epoch: int) -> None:
        """Forget everything after an epoch."""
        if epoch >= self.last:
            return
        del self._known[epoch:]
        keep_epochs = -(-epoch // EPOCHS_A_FILE)
        keep_nodes = -(-self._end(epoch) // SEGMENT_NODES)
        # Epochs first: without them, entries mean nothing.
        for kind, keep in ((_EPOCHS, keep_epochs), (_NODES, keep_nodes)):
            number = keep
            while self._path(kind, number).exists():
                number += 1
            for gone in reversed(range(keep, number)):
                self._path(kind, gone).unlink(missing_ok=True)
        self._load_tails()
        if epoch % EPOCHS_A_FILE and self.last == epoch:
            self._write_epochs()

    def segment(self, number: int) -> bytes:
        """The leaves of a full segment of the note tree, packed. Raises CacheDamaged, and forgets it then."""
        try:
            return self._leaves(number, (number + 1) * SEGMENT_NODES)
        except (CacheDamaged, *DAMAGE) as error:
            self.drop_segment(number)
            raise CacheDamaged(str(error)) from error

    def drop_segment(self, number: int) -> None:
        """Forget a segment, and the epochs from the first of it on."""
        self.truncate(sum(known.end_node <= number * SEGMENT_NODES for known in self._known))

    def _leaves(self, number: int, end: int) -> bytes:
        """Leaves of a segment up to the node `end`."""
        first = number * SEGMENT_NODES
        entries = unpack_entries(self._file(_NODES, number)[_ROOT_BYTES:])
        return packed_leaves(entries, first, min(SEGMENT_NODES, end - first))

    def _rebuild(self, epoch: int) -> Trees | None:
        known, end = self._known[epoch - 1], self._end(epoch)
        full, rest = divmod(end, SEGMENT_NODES)
        try:
            roots = [self._root(number) for number in range(full)]
            tail = self._leaves(full, end) if rest else b""
            note = NoteTree.restore(b"".join(roots), tail, self)
            account = AccountTree.genesis()
            for before in self._known[:epoch]:
                apply_operations(account, before.operations, before.lanes)
        except (CacheDamaged, *DAMAGE):
            return None
        own_anchor = anchor(epoch, note.root, account.root)
        if own_anchor != known.anchor:
            return None
        point = EpochPoint(epoch, known.record_hash, end, own_anchor, note.root, known.now)
        return Trees(point, note, account)

    def _root(self, number: int) -> bytes:
        root = read_start(self._path(_NODES, number), self._domain, _NODES, number, _ROOT_BYTES)
        if root is None or root == _NO_ROOT:
            raise CacheDamaged(f"segment {number} is not complete")
        return root

    def _read_index(self) -> None:
        """Take over the epochs of all files up to the first that is missing or does not follow."""
        parent = b""
        while True:
            number = self.last // EPOCHS_A_FILE
            if self.last % EPOCHS_A_FILE:
                return
            try:
                for epoch in unpack_summaries(self._file(_EPOCHS, number)):
                    if epoch.id != self.last + 1 or (parent and epoch.parent != parent):
                        return
                    self._known.append(epoch)
                    parent = epoch.record_hash
            except (CacheDamaged, *DAMAGE):
                return
            if self.last != (number + 1) * EPOCHS_A_FILE:
                return

    def _load_tails(self) -> None:
        """Read what the next `append` continues: the last file of each kind, up to the last epoch."""
        self._tail_epochs, self._tail_nodes = bytearray(), bytearray()
        self._nodes_end = self._end(self.last)
        self._segment = self._nodes_end // SEGMENT_NODES
        try:
            if self.last % EPOCHS_A_FILE:
                body = self._file(_EPOCHS, self.last // EPOCHS_A_FILE)
                kept = [epoch for epoch in unpack_epochs(body) if epoch.id <= self.last]
                self._tail_epochs = bytearray().join(map(pack_epoch, kept))
            if self._nodes_end % SEGMENT_NODES:
                body = self._file(_NODES, self._segment)[_ROOT_BYTES:]
                nodes = [entry for entry in unpack_entries(body) if (entry.epoch or 0) <= self.last]
                self._tail_nodes = bytearray().join(map(pack_entry, nodes))
        except (CacheDamaged, *DAMAGE):
            whole = [k for k in self._known if k.end_node <= self._segment * SEGMENT_NODES]
            del self._known[len(whole) // EPOCHS_A_FILE * EPOCHS_A_FILE :]
            self._load_tails()

    def _advance(self, segment: int, trees: Trees) -> None:
        """Make `segment` the last one; those before are full."""
        while self._segment < segment:
            self._nodes_end = (self._segment + 1) * SEGMENT_NODES
            self._write_nodes(trees)
            self._segment, self._tail_nodes = self._segment + 1, bytearray()

    def _write_nodes(self, trees: Trees) -> None:
        full = self._nodes_end >= (self._segment + 1) * SEGMENT_NODES
        root = trees.note.segment_root(self._segment) if full else _NO_ROOT
        path = self._path(_NODES, self._segment)
        write_file(path, self._domain, _NODES, self._segment, root + bytes(self._tail_nodes))

    def _write_epochs(self) -> None:
        number = (self.last - 1) // EPOCHS_A_FILE
        write_file(self._path(_EPOCHS, number), self._domain, _EPOCHS, number, bytes(self._tail_epochs))

    def _end(self, epoch: int) -> int:
        return self._known[epoch - 1].end_node if epoch else 0

    def _file(self, kind: bytes, number: int) -> bytes:
        body = read_file(self._path(kind, number), self._domain, kind, number)
        if body is None:
            raise CacheDamaged(f"{self._path(kind, number)} is missing or damaged")
        return body

    def _path(self, kind: bytes, number: int) -> Path:
        return self.folder / f"{'epochs' if kind == _EPOCHS else 'nodes'}-{number:08d}"

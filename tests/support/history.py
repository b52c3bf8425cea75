"""Long chains of valid epochs for a node's database, without proofs.

All lanes are transfers of two dummies, with random words where wallets write hashes and ciphertexts. Each
epoch follows from the one before by the specification's rules; its roots are computed by other code than the
specification's, level by level for all changes of an epoch together, which is many times as fast.
"""

import random
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sotto.l1.events import Position, ReceivedCommit
from sotto.node.chain import genesis_row
from sotto.node.ledger import Ledger
from sotto.node.tables import EpochRow, EpochStatus, TransactionStatus
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.hash import ZERO_SUBTREES, H, Tag, hash_batch, hash_packed, node_packed
from sotto.protocol.indexed import GENESIS_STEP
from sotto.protocol.l1 import EpochRecord, genesis_record
from sotto.protocol.transaction import Kind
from sotto.protocol.trees import NOTE_DEPTH, NULLIFIER_DEPTH, ROOT_DEPTH, StateRoots, genesis
from sotto.protocol.words import EpochWords, Header, LaneWords, OperationWords, compute_y, compute_z

_WORD = 32
_ZEROS = [zero.to_bytes(_WORD) for zero in ZERO_SUBTREES]
FAR = 10**9

Row = dict[str, Any]


class _FlatTree:
    """A tree as one string for each level, which grows as leaves are written."""

    def __init__(self, depth: int) -> None:
        self._levels = [bytearray() for _ in range(depth + 1)]

    def write(self, leaves: dict[int, bytes]) -> None:
        """Replace leaves."""
        changed = leaves
        for height, level in enumerate(self._levels):
            for index, value in changed.items():
                if len(level) < (index + 1) * _WORD:
                    # In whole groups, so that a parent's children are always there.
                    level += _ZEROS[height] * ((index | 3) + 1 - len(level) // _WORD)
                level[index * _WORD : (index + 1) * _WORD] = value
            if height == len(self._levels) - 1:
                return
            parents = sorted({index >> 2 for index in changed})
            groups = b"".join(level[parent * 4 * _WORD : (parent + 1) * 4 * _WORD] for parent in parents)
            values = node_packed(groups)
            changed = {parent: values[at * _WORD : (at + 1) * _WORD] for at, parent in enumerate(parents)}

    @property
    def root(self) -> Field:
        """The root."""
        return Field(int.from_bytes(self._levels[-1][:_WORD] or _ZEROS[len(self._levels) - 1]))


@dataclass(frozen=True)
class PastEpoch:
    """An epoch as the node stores it, its rows by the names of their columns."""

    row: Row
    lanes: list[Row]
    transactions: list[Row]
    record: EpochRecord


class History:
    """Makes epochs one after the other.

    Args:
        lanes: N of each.
        clock: L1 block before which no epoch is; they are one block apart.
    """

    def __init__(self, domain: int, lanes: int = 16, seed: int = 1, clock: int = 1) -> None:
        self._domain, self._lanes, self._clock = domain, lanes, clock
        self._dice = random.Random(seed)
        self._record = genesis_record(1)
        self._notes, self._roots = _FlatTree(NOTE_DEPTH), _FlatTree(ROOT_DEPTH)
        self._nullifiers = _FlatTree(NULLIFIER_DEPTH)
        self._ring = [(i * GENESIS_STEP, i) for i in range(4)]
        state = genesis()
        self._nullifiers.write({i: state.nullifier.tree.leaf(i).to_bytes(_WORD) for i in range(4)})
        self._roots.write({0: state.anchor().to_bytes(_WORD)})
        self._sizes = state.roots()

    def genesis(self) -> EpochRow:
        """Epoch 0."""
        record, position = genesis_record(1), Position(1, bytes(_WORD), bytes(_WORD), 0)
        row = genesis_row(ReceivedCommit(position, 0, record.hash(), record), Ledger())
        row.finalized = True
        return row

    def epochs(self, count: int) -> Iterator[PastEpoch]:
        """The next epochs, in order."""
        for _ in range(count):
            yield self._next()

    def _element(self) -> Field:
        return Field(self._dice.randrange(1, MODULUS))

    def _lanes_of(self, anchor: Field) -> list[LaneWords]:
        """Transfers, hashed together."""
        count, element = self._lanes, self._element
        nullifiers = [(element(), element()) for _ in range(count)]
        commitments = [(element(), element(), element()) for _ in range(count)]
        exts = [(1, 0, 0, *(self._dice.getrandbits(248) for _ in range(9))) for _ in range(count)]
        parts = zip(nullifiers, commitments, hash_batch(Tag.EXTENSION, exts), strict=True)
        # In the order of docs/spec/04: nothing named, nothing public, no fee, no operation.
        fields = [
            (Kind.TRANSFER, self._domain, anchor, 0, 0, *spent, *made, 0, 0, 0, 0, 0, FAR, 0, ext)
            for spent, made, ext in parts
        ]
        ids = hash_batch(Tag.TRANSACTION, fields)
        return [
            LaneWords(
                Kind.TRANSFER, h, anchor=anchor, nullifiers=spent, commitments=made, expiry=FAR, ext=ext
            )
            for h, spent, made, ext in zip(ids, nullifiers, commitments, exts, strict=True)
        ]

    def _next(self) -> PastEpoch:
        before, number, lanes = self._record, self._record.id + 1, self._lanes
        words = self._lanes_of(before.own_anchor)
        sizes = self._append(words)
        own_anchor = H(Tag.ANCHOR, number, sizes.note_root, sizes.account_root)
        self._roots.write({number: own_anchor.to_bytes(_WORD)})
        self._sizes = replace(sizes, root_root=self._roots.root, root_size=number + 1)
        header = Header(
            old_state=before.new_state,
            new_state=self._sizes.hash(),
            own_anchor=own_anchor,
            domain=self._domain,
            epoch_id=number,
            oldest=number - 1,
            now=number + self._clock,
            queue_start=0,
            queue_end=0,
            fee_assets=(0, 0, 0, 0),
            fee_totals=(0, 0, 0, 0),
        )
        epoch = EpochWords(header, tuple(words), (OperationWords(),) * (lanes // 4))
        encoded = epoch.encode()
        # As EpochWords.c, for lanes whose h is their link.
        vector = [header.old_state, header.new_state, own_anchor, *header.byte_words()]
        c = H(Tag.VECTOR, *vector, *(x for lane in words for x in (lane.kind, lane.link, lane.link)))
        z = compute_z(self._domain, c, encoded)
        self._record = replace(
            before,
            id=number,
            parent=before.hash(),
            commit_block=number + 1,
            timestamp_block=number + 1,
            c=c,
            z=z,
            y=compute_y(epoch.values(), z),
            new_state=header.new_state,
            own_anchor=own_anchor,
        )
        return self._past(epoch, encoded)

    def _append(self, words: list[LaneWords]) -> StateRoots:
        """Add the lanes' leaves to the trees; the root tree follows."""
        sizes, subtree = self._sizes, 4 * self._lanes
        first = sizes.note_size
        notes = (
            (first + 4 * lane + i, commitment.to_bytes(_WORD))
            for lane, content in enumerate(words)
            for i, commitment in enumerate(content.commitments)
        )
        self._notes.write(dict(notes))
        start = -(-sizes.nullifier_size // subtree) * subtree
        self._insert(
            {
                value: start + 4 * lane + i
                for lane, content in enumerate(words)
                for i, value in enumerate(content.nullifiers)
            }
        )
        return replace(
            sizes,
            note_root=self._notes.root,
            note_size=first + subtree,
            nullifier_root=self._nullifiers.root,
            nullifier_size=start + subtree,
            account_size=-(-sizes.account_size // (self._lanes // 4)) * (self._lanes // 4) + self._lanes // 4,
        )

    def _insert(self, values: dict[Field, int]) -> None:
        """Link values into the ring, and write the leaves that change."""
        for value, index in values.items():
            insort(self._ring, (value, index))
        changed: dict[int, tuple[int, int]] = {}
        for value in values:
            at = bisect_left(self._ring, (value, 0))
            for place in (at - 1, at):
                own, index = self._ring[place]
                changed[index] = own, self._ring[(place + 1) % len(self._ring)][0]
        rows = b"".join(
            own.to_bytes(_WORD) + following.to_bytes(_WORD) for own, following in changed.values()
        )
        digests = hash_packed(Tag.NULLIFIER_LEAF, 2, rows)
        self._nullifiers.write(
            {index: digests[at * _WORD : (at + 1) * _WORD] for at, index in enumerate(changed)}
        )

    def _past(self, epoch: EpochWords, encoded: bytes) -> PastEpoch:
        record, lanes = self._record, self._lanes
        ids = [lane.link.to_bytes(_WORD) for lane in epoch.lanes]
        row = {
            "id": record.id,
            "status": EpochStatus.CONFIRMED,
            "lanes": lanes,
            "words": encoded,
            "state": record.new_state,
            "note_root": self._sizes.note_root,
            "account_root": self._sizes.account_root,
            "first_node": self._sizes.note_size // 4 - lanes,
            "foreign": False,
            "proof": bytes(256),
            "record": record.encode(),
            "commit_block": record.commit_block,
            "proof_block": record.commit_block,
            "l1_tx": record.id.to_bytes(_WORD),
            "finalized": True,
            "notes": 3 * lanes,
            "memos": 0,
        }
        transactions = [
            {
                "id": h,
                "bundle": h,
                "body": "{}",
                "proof": bytes(256),
                "status": TransactionStatus.FINALIZED,
                "epoch": record.id,
                "lane": lane,
                "received_at": 0.0,
            }
            for lane, h in enumerate(ids)
        ]
        places = [{"epoch": record.id, "lane": lane, "id": h} for lane, h in enumerate(ids)]
        return PastEpoch(row, places, transactions, record)

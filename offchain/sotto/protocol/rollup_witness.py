"""The witness file of a rollup proof (spec 07)."""

from dataclasses import dataclass
from typing import Final

from sotto.protocol.errors import WordLengthWrong
from sotto.protocol.field import Field
from sotto.protocol.insertion import IN_TREE, Opening, OperationStep, empty_path
from sotto.protocol.merkle import Path
from sotto.protocol.trees import ACCOUNT_DEPTH, NULLIFIER_DEPTH, StateRoots
from sotto.protocol.words import EpochWords, LaneWords, compute_m, split_y_data

NONE: Final = -1
"""A slot, member or pending number that is not used."""


@dataclass(frozen=True, slots=True)
class AnchorSlot:
    """One of the four anchors that an epoch opens in the old root tree."""

    anchor: Field
    index: int
    path: Path


@dataclass(frozen=True, slots=True)
class SubtreePlace:
    """Where an epoch's leaves go: the number of the subtree and its opening while it was empty."""

    index: int
    path: Path


@dataclass(frozen=True, slots=True)
class LaneWitness:
    """What proves a lane beside its words."""

    fee_slot: int = NONE
    anchor_slot: int = NONE
    member: int = NONE
    insertions: tuple[Opening | None, Opening | None] = (None, None)


@dataclass(frozen=True, slots=True)
class RollupWitness:
    """What proves an epoch beside its words."""

    old: StateRoots
    anchors: tuple[AnchorSlot, ...]
    lanes: tuple[LaneWitness, ...]
    steps: tuple[OperationStep, ...]
    note: SubtreePlace
    nullifier: SubtreePlace
    account: SubtreePlace
    root: SubtreePlace

    def to_json(
        self,
        words: EpochWords,
        c: Field,
        z: int,
        y: Field,
        beneficiary: bytes,
        policy_word: int,
        y_data: int | None = None,
    ) -> dict[str, object]:
        """The file for a proof that pays `beneficiary`, an address of 20 bytes; without y_data it is one for
        data mode 0. Raises WordLengthWrong.
        """
        if len(self.lanes) != len(words.lanes):
            raise WordLengthWrong("words and witness have different numbers of lanes")
        header = words.header
        steps = [self._operation(step) for step in self.steps]
        steps += [self._operation(None)] * (len(words.operations) - len(steps))
        return {
            "lanes": len(words.lanes),
            "c": to_hex(c),
            "z": to_hex(z),
            "y": to_hex(y),
            **({} if y_data is None else {"y_data": [to_hex(limb) for limb in split_y_data(y_data)]}),
            "m": to_hex(compute_m(header.domain, z, beneficiary, policy_word)),
            "header": {
                "old_state": to_hex(header.old_state),
                "new_state": to_hex(header.new_state),
                "own_anchor": to_hex(header.own_anchor),
                "domain": to_hex(header.domain),
                "epoch_id": to_hex(header.epoch_id),
                "oldest": to_hex(header.oldest),
                "now": to_hex(header.now),
                "queue_start": to_hex(header.queue_start),
                "queue_end": to_hex(header.queue_end),
                "fee_assets": [to_hex(x) for x in header.fee_assets],
                "fee_totals": [to_hex(x) for x in header.fee_totals],
                "reserved": to_hex(header.reserved),
            },
            "old": roots_to_json(self.old),
            "anchors": [
                {"anchor": to_hex(a.anchor), "index": a.index, "path": path_to_json(a.path)}
                for a in self.anchors
            ],
            "lane": [self._lane(*pair) for pair in zip(words.lanes, self.lanes, strict=True)],
            "operations": steps,
            "subtrees": {
                name: {"index": place.index, "path": path_to_json(place.path)}
                for name, place in (
                    ("note", self.note),
                    ("nullifier", self.nullifier),
                    ("account", self.account),
                    ("root", self.root),
                )
            },
        }

    @staticmethod
    def _lane(words: LaneWords, witness: LaneWitness) -> dict[str, object]:
        return {
            "kind": to_hex(words.kind),
            "link": to_hex(words.link),
            "public_value": to_hex(words.public_value),
            "public_asset": to_hex(words.public_asset),
            "recipient": to_hex(words.recipient),
            "anchor": to_hex(words.anchor),
            "named": [to_hex(x) for x in words.named],
            "nullifiers": [to_hex(x) for x in words.nullifiers],
            "commitments": [to_hex(x) for x in words.commitments],
            "operation": to_hex(words.operation),
            "fee": to_hex(words.fee),
            "fee_asset": to_hex(words.fee_asset),
            "expiry": to_hex(words.expiry),
            "ext": [to_hex(x) for x in words.ext],
            "fee_slot": witness.fee_slot,
            "anchor_slot": witness.anchor_slot,
            "member": witness.member,
            "insertions": [
                {
                    "low": to_hex(opening.leaf.value if opening else 0),
                    "next": to_hex(opening.leaf.next if opening else 0),
                    **_place(opening, NULLIFIER_DEPTH),
                }
                for opening in witness.insertions
            ],
        }

    @staticmethod
    def _operation(step: OperationStep | None) -> dict[str, object]:
        operation, opening = (step.operation, step.opening) if step else (None, None)
        return {
            "id": to_hex(operation.account if operation else 0),
            "previous": to_hex(operation.previous if operation else 0),
            "next": to_hex(operation.new if operation else 0),
            "low": to_hex(opening.leaf.value if opening else 0),
            "low_next": to_hex(opening.leaf.next if opening else 0),
            "low_set": to_hex(opening.leaf.key_set if opening else 0),
            **_place(opening, ACCOUNT_DEPTH),
        }


def _place(opening: Opening | None, depth: int) -> dict[str, object]:
    return {
        "pending": opening.pending if opening else IN_TREE,
        "index": opening.index if opening else 0,
        "path": path_to_json(opening.path if opening else empty_path(depth)),
    }


def to_hex(value: int) -> str:
    """Hex of a witness file: without leading zeros."""
    return f"{value:#x}"


def roots_to_json(roots: StateRoots) -> dict[str, object]:
    """Roots and sizes of the four trees."""
    return {
        "note_root": to_hex(roots.note_root),
        "note_size": to_hex(roots.note_size),
        "nullifier_root": to_hex(roots.nullifier_root),
        "nullifier_size": to_hex(roots.nullifier_size),
        "root_root": to_hex(roots.root_root),
        "root_size": to_hex(roots.root_size),
        "account_root": to_hex(roots.account_root),
        "account_size": to_hex(roots.account_size),
    }


def path_to_json(path: Path) -> list[list[str]]:
    """A path from leaf to root."""
    return [[to_hex(x) for x in children] for children in path]

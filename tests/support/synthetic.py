"""Long chains whose roots, anchors and records fit, as far as a wallet checks; no proofs, no nullifiers.

Commitments and ciphertexts of strangers are random bytes; notes for one address lie at chosen outputs.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from sotto import crypto
from sotto.l1.records import record_to_json
from sotto.protocol.address import Address
from sotto.protocol.field import MODULUS, Field, byte_word_to_json, field_to_json, to_byte_word
from sotto.protocol.l1 import EpochRecord, compute_domain, genesis_record
from sotto.protocol.notes import commitment, partial, rho
from sotto.protocol.trees import AccountTree, anchor
from sotto.wallet.notetree import NoteTree

CHAIN_ID = 31337
ROLLUP = bytes.fromhex("77" * 20)
DOMAIN = compute_domain(CHAIN_ID, ROLLUP)
NOTES_A_LANE = 3


class _Memory:
    """Segments of a tree of which no path is asked."""

    def segment(self, number: int) -> bytes:
        raise NotImplementedError

    def drop_segment(self, number: int) -> None:
        raise NotImplementedError


@dataclass
class _Epoch:
    record: EpochRecord
    first_node: int
    lanes: int
    note_root: Field
    account_root: Field
    anchor: Field
    rows: list[str] = field(repr=False)


@dataclass
class SyntheticNode:
    """A node with a synthetic chain; the same seed makes the same chain."""

    seed: int = 1
    epochs: list[_Epoch] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        crypto.install_hash_backend()
        self._random = random.Random(self.seed)
        self._note, self._account = NoteTree(_Memory()), AccountTree.genesis()
        self._last_record = genesis_record(1)

    def extend(
        self,
        lanes: int,
        to: Address | None = None,
        values: Mapping[int, int] | None = None,
        texts: Mapping[int, bytes] | None = None,
    ) -> None:
        """Add an epoch with full lanes.

        `values` are amounts of ETH for `to` by output, 0 up to 3 * lanes - 1; `texts` are ciphertexts that
        stand beside the random commitment of an output, or in place of a note's own.
        """
        number = len(self.epochs) + 1
        first = -(-self._note.size // (4 * lanes)) * lanes
        leaves, rows = bytearray(), []
        for lane in range(lanes):
            nullifiers = [self._element(), self._element()]
            commitments = [self._element() for _ in range(NOTES_A_LANE)]
            ciphertexts = [self._random.randbytes(93) for _ in range(NOTES_A_LANE)]
            for output in range(NOTES_A_LANE):
                value = (values or {}).get(NOTES_A_LANE * lane + output)
                if value is not None and to is not None:
                    ciphertexts[output], r = crypto.note_encrypt(self._random.randbytes(32), to.key, value, 1)
                    own_rho = rho(nullifiers[0], output)
                    commitments[output] = commitment(partial(to.owner, Field(r)), 1, value, own_rho)
                ciphertexts[output] = (texts or {}).get(NOTES_A_LANE * lane + output, ciphertexts[output])
            leaves += b"".join(x.to_bytes(32) for x in commitments) + bytes(32)
            rows.append(
                _row(first + lane, number, lane, self._element(), nullifiers, commitments, ciphertexts)
            )
        self._note.append(bytes(leaves), 4 * lanes)
        self._account.append((), lanes // 4)
        own_anchor = anchor(number, self._note.root, self._account.root)
        record = replace(
            genesis_record(number + 1),
            id=number,
            parent=self._last_record.hash(),
            own_anchor=own_anchor,
            timestamp_block=number,
        )
        self._last_record = record
        self.epochs.append(
            _Epoch(record, first, lanes, self._note.root, self._account.root, own_anchor, rows)
        )

    @property
    def notes(self) -> int:
        """Commitments in the chain."""
        return sum(NOTES_A_LANE * epoch.lanes for epoch in self.epochs)

    def transport(self) -> httpx.MockTransport:
        """Answers requests in this process."""
        return httpx.MockTransport(self._answer)

    def _element(self) -> Field:
        return Field(self._random.randrange(1, MODULUS))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, dict(request.url.params)
        start, count = int(query.get("start", 0)), int(query.get("count", 0))
        self.requests.append(path)
        if path == "/v1/notes":
            found = [
                row
                for epoch in self.epochs
                if epoch.first_node < start + count and start < epoch.first_node + epoch.lanes
                for lane, row in enumerate(epoch.rows)
                if start <= epoch.first_node + lane < start + count
            ]
            body = f'{{"start":{start},"count":{count},"complete":false,"entries":[{",".join(found)}]}}'
            return httpx.Response(200, content=body)
        answers: dict[str, Any] = {
            "/v1/status": self._status,
            "/v1/epochs": lambda: [
                _epoch_json(e) for e in self.epochs[max(0, start - 1) : start + count - 1]
            ],
            "/v1/state": lambda: {"open": None},
            "/v1/attachments": lambda: {"start": start, "count": count, "entries": []},
            "/v1/pending": list,
            "/v1/assets": lambda: [{"asset": 1, "address": None, "symbol": "ETH", "decimals": 18}],
        }
        return httpx.Response(200, json=answers[path]())

    def _status(self) -> dict[str, Any]:
        proven = len(self.epochs)
        return {
            "chain_id": CHAIN_ID,
            "rollup": "0x" + ROLLUP.hex(),
            "bridge": "0x" + "33" * 20,
            "queue": "0x" + "44" * 20,
            "domain": byte_word_to_json(to_byte_word(DOMAIN)),
            "head": proven,
            "proven": proven,
            "l1_block": proven + 1,
            "lanes": [4, 16],
            "min_expiry_margin": 5,
            "version": "0",
        }


def _row(
    node: int,
    epoch: int,
    lane: int,
    identifier: Field,
    nullifiers: list[Field],
    commitments: list[Field],
    ciphertexts: list[bytes],
) -> str:
    def words(values: list[Field]) -> str:
        return ",".join(f'"{field_to_json(value)}"' for value in values)

    texts = ",".join(f'"0x{text.hex()}"' for text in ciphertexts)
    return (
        f'{{"node":{node},"epoch":{epoch},"lane":{lane},"kind":1,"id":"{field_to_json(identifier)}",'
        f'"nullifiers":[{words(nullifiers)}],"commitments":[{words(commitments)}],"ciphertexts":[{texts}],'
        '"public_value":0,"public_asset":0,"recipient":0,"fee":1000,"fee_asset":1,"queue_index":null}'
    )


def _epoch_json(epoch: _Epoch) -> dict[str, Any]:
    return {
        "id": epoch.record.id,
        "lanes": epoch.lanes,
        "first_node": epoch.first_node,
        "anchor": field_to_json(epoch.anchor),
        "note_root": field_to_json(epoch.note_root),
        "account_root": field_to_json(epoch.account_root),
        "operations": [],
        "record": record_to_json(epoch.record),
        "l1_tx": "0x" + "00" * 32,
    }

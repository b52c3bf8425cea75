"""A recorded node: it answers the API from epochs that sotto.protocol made, and lies on demand.

Its JSON is made by the node's own views, its rules are the node's admission; it lacks L1, proofs and a
process. End-to-end tests run a real node.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from sotto import crypto
from sotto.node import views
from sotto.node.admission import Moment, Policy, check_bundle, check_transaction
from sotto.node.attachments import check_attachments
from sotto.node.errors import NodeError, TransactionUnknown
from sotto.node.pool import Bundle, Pool, PoolTransaction
from sotto.node.tables import DepositRow, EpochRow
from sotto.node.transactions import operation_from_json
from sotto.protocol import ciphertext, notes
from sotto.protocol.address import decode_address
from sotto.protocol.epoch import AccountChange, EpochInputs, LaneInput, apply_epoch
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field, byte_word_to_json, field_to_json, integer_to_json, to_byte_word
from sotto.protocol.l1 import EpochRecord, compute_domain, genesis_record, withdrawal_root
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind, Transaction, transaction_from_json
from sotto.protocol.trees import State, genesis
from sotto.protocol.words import EpochWords, decode_words
from sotto.wallet.amounts import Asset
from sotto.wallet.errors import StateMismatch

CHAIN_ID = 31337
ROLLUP = bytes.fromhex("11" * 20)
DOMAIN = compute_domain(CHAIN_ID, ROLLUP)
PASSWORD = "correct horse"
WORK = 14
TOKEN = 2
PRICE = 1_000
ETHER = 10**18


Snapshot = tuple[State, list[EpochRecord], list[EpochRow], int]


class CheckingProver:
    """Checks that each witness satisfies the circuit, without the time that a proof takes."""

    def __init__(self) -> None:
        self.count = 0

    async def prove(self, witness: dict[str, object]) -> bytes:
        """A placeholder for the proof. Raises crypto.WitnessRejected."""
        self.count += 1
        crypto.check_witness("transfer", json.dumps(witness).encode())
        return b"\x01" * 256


@dataclass
class RecordedNode:
    """A chain of epochs and a pool.

    Attributes:
        tamper: called with path and answer of each request; returns the answer to give.
        before_submit: called once before the next submission is judged.
    """

    state: State = field(default_factory=genesis)
    records: list[EpochRecord] = field(default_factory=lambda: [genesis_record(1)])
    rows: list[EpochRow] = field(default_factory=list)
    deposits: dict[int, DepositRow] = field(default_factory=dict)
    waiting: list[tuple[Deposit, bytes]] = field(default_factory=list)
    forced: list[Transaction] = field(default_factory=list)
    pool: Pool = field(default_factory=Pool)
    statuses: dict[int, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[Field, bytes] = field(default_factory=dict)
    opened: int | None = None
    fees: dict[int, int] = field(default_factory=lambda: {1: PRICE})
    queue_cursor: int = 0
    l1_block: int = 100
    tamper: Callable[[str, Any], Any] = lambda _path, answer: answer
    before_submit: Callable[[], None] | None = None
    requests: list[str] = field(default_factory=list)

    def deposit(self, address: str, value: int, asset: int = 1, esk: bytes | None = None) -> None:
        """Queue a deposit to an address, as another person would make it, or with an ephemeral secret."""
        receiver = decode_address(address, DOMAIN)
        if esk is None:
            esk = crypto_seed(len(self.waiting) + self.queue_cursor)
        text, r = ciphertext.encrypt(esk, receiver.key, value, asset)
        self.waiting.append((Deposit(notes.partial(receiver.owner, r), asset, value), text))

    def close(self, lanes: int = 4) -> None:
        """Make an epoch of all that waits, and prove it."""
        self.l1_block += 1
        start = self.queue_cursor
        for offset, (deposit, text) in enumerate(self.waiting):
            self.deposits[start + offset] = DepositRow(
                index=start + offset,
                depositor=bytes(20),
                asset=deposit.asset,
                value=deposit.value,
                partial=deposit.partial,
                ciphertext=text,
                l1_block=1,
                l1_tx=bytes(32),
            )
        members = [member for bundle in self.pool for member in bundle.members]
        entries: list[LaneInput] = [
            *(deposit for deposit, _ in self.waiting),
            *self.forced,
            *(
                AccountChange(member.transaction, member.operation)
                if member.operation
                else member.transaction
                for member in members
            ),
        ]
        inputs = EpochInputs(DOMAIN, lanes, 0, self.l1_block, start, (1, TOKEN, 0, 0))
        result = apply_epoch(self.state, entries, inputs)
        header = result.words.header
        record = replace(
            genesis_record(self.l1_block),
            id=header.epoch_id,
            parent=self.records[-1].hash(),
            timestamp_block=self.l1_block,
            queue_end=header.queue_end,
            new_state=header.new_state,
            own_anchor=header.own_anchor,
            withdrawal_root=withdrawal_root(result.withdrawals),
        )
        self.state = result.state
        self.records.append(record)
        self.rows.append(
            EpochRow(
                id=record.id,
                lanes=lanes,
                words=result.encoded_words(),
                state=header.new_state,
                note_root=result.state.note.root,
                account_root=result.state.account.root,
                first_node=result.state.note.size // 4 - lanes,
                record=record.encode(),
                commit_block=self.l1_block,
                proof_block=self.l1_block,
                l1_tx=bytes(32),
            )
        )
        for member in members:
            self.statuses[member.h] = {"status": "proven", "epoch": record.id, "reason": None}
        self.pool, self.waiting, self.forced, self.queue_cursor = Pool(), [], [], header.queue_end

    def snapshot(self) -> Snapshot:
        """The chain of epochs as it is, for `restore`."""
        return deepcopy((self.state, self.records, self.rows, self.queue_cursor))

    def restore(self, kept: Snapshot) -> None:
        """Let L1 have the chain of a snapshot again; the pool and the statuses stay."""
        self.state, self.records, self.rows, self.queue_cursor = deepcopy(kept)

    def drop(self, reason: str) -> None:
        """Give up all that waits in the pool."""
        for bundle in self.pool:
            for member in bundle.members:
                self.statuses[member.h] = {"status": "dropped", "epoch": None, "reason": reason}
        self.pool = Pool()

    def transport(self) -> httpx.MockTransport:
        """Answers requests in this process."""
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, dict(request.url.params)
        self.requests.append(str(request.url.raw_path, "ascii"))
        try:
            answer = self.tamper(path, self._route(request, path, query))
        except (NodeError, ProtocolError) as error:
            name = type(error).__name__
            status = getattr(error, "status", 400)
            return httpx.Response(status, json={"error": {"code": name, "message": str(error), "hint": ""}})
        return httpx.Response(200, json=answer)

    def _route(self, request: httpx.Request, path: str, query: dict[str, str]) -> Any:
        start, count = int(query.get("start", 0)), int(query.get("count", 0))
        if path == "/v1/status":
            return self._status()
        if path == "/v1/fees":
            return [
                {"asset": a, "symbol": "?", "decimals": 0, "fee": integer_to_json(fee)}
                for a, fee in self.fees.items()
            ]
        if path == "/v1/assets":
            token = {"asset": TOKEN, "address": "0x" + "22" * 20, "symbol": "TUSD", "decimals": 6}
            return [{"asset": 1, "address": None, "symbol": "ETH", "decimals": 18}, token]
        if path == "/v1/epochs":
            return [views.epoch_json(row) for row in self.rows if start <= row.id < start + count]
        if path == "/v1/notes":
            entries = [e for row in self.rows for e in views.epoch_entries(row, self.deposits)]
            within = [e for e in entries if start <= int(str(e["node"])) < start + count]
            return {"start": start, "count": count, "complete": False, "entries": within}
        if path == "/v1/state":
            return {"open": None if self.opened is None else {"epoch": self.opened}}
        if path == "/v1/attachments":
            return {"start": start, "count": count, "entries": self._attached(start, count)}
        if path == "/v1/pending":
            return [views.waiting_entry(member) for bundle in self.pool for member in bundle.members]
        if path == "/v1/transactions":
            return self._submit(json.loads(request.content))
        h = int(path.rsplit("/", 1)[1], 16)
        if h not in self.statuses:
            raise TransactionUnknown("never seen")
        return {"id": hex(h), "lane": None, "l1_tx": None, **self.statuses[h]}

    def _attached(self, start: int, count: int) -> list[dict[str, Any]]:
        entries = [e for row in self.rows for e in views.epoch_entries(row, self.deposits)]
        return [
            {"node": e["node"], "id": e["id"], "attachment": "0x" + self.attachments[h].hex()}
            for e in entries
            if start <= int(str(e["node"])) < start + count
            and (h := Field(int(str(e["id"]), 16))) in self.attachments
        ]

    def _status(self) -> dict[str, Any]:
        return {
            "chain_id": CHAIN_ID,
            "rollup": "0x" + ROLLUP.hex(),
            "bridge": "0x" + "33" * 20,
            "queue": "0x" + "44" * 20,
            "domain": byte_word_to_json(to_byte_word(DOMAIN)),
            "head": len(self.rows),
            "proven": len(self.rows),
            "state": field_to_json(self.state.hash()),
            "now": 0,
            "l1_block": self.l1_block,
            "lanes": [4, 16],
            "note_nodes": 0,
            "queue_cursor": 0,
            "pending": 0,
            "min_expiry_margin": 5,
            "version": "0",
        }

    def _submit(self, body: Any) -> dict[str, Any]:
        if self.before_submit is not None:
            hook, self.before_submit = self.before_submit, None
            hook()
        proven = [transaction_from_json(item) for item in body["transactions"]]
        attached = check_attachments([p.transaction for p in proven], body.get("attachments", []))
        operations = iter([operation_from_json(item) for item in body.get("operations", [])])
        members = [
            PoolTransaction(
                p.transaction.h,
                p.transaction,
                p.proof,
                next(operations) if p.transaction.kind == Kind.ACCOUNT else None,
            )
            for p in proven
        ]
        answer = {"ids": [field_to_json(member.h) for member in members], "status": "received"}
        if all(self.statuses.get(member.h, {}).get("status", "dropped") != "dropped" for member in members):
            return answer
        anchors = {Field(record.own_anchor): record.id for record in self.records}
        commits = {record.id: record.commit_block for record in self.records}
        policy = Policy(DOMAIN, self.fees, {1, TOKEN}, 5, 300, 20, overdue_age=7_000, max_lanes=16)
        moment = Moment(self.l1_block, self.state, self.pool, Pool(), anchors, commits)
        for member in members:
            check_transaction(policy, moment, member)
        check_bundle(policy, moment, members)
        self.pool.add(Bundle(tuple(members)))
        self.attachments |= attached
        for member in members:
            self.statuses[member.h] = {"status": "received", "epoch": None, "reason": None}
        return answer


class RecordedL1:
    """What L1 says of a recorded node's chain, as Settlement answers it.

    Attributes:
        words_known: whether commits called the rollup directly.
        pending: epochs that are committed but not proven.
        final: last final block.
    """

    address = "0x" + "0a" * 20

    def __init__(self, node: RecordedNode) -> None:
        self._node = node
        self.words_known = True
        self.pending = 0
        self.final = 0

    async def connect(self, domain: int) -> None:
        """See Settlement."""
        assert domain == DOMAIN

    async def close(self) -> None:
        """See Settlement."""

    async def has_epoch(self, epoch: int, record_hash: bytes) -> bool:
        """See Settlement."""
        return epoch < len(self._node.records) and self._node.records[epoch].hash() == record_hash

    async def check_epoch(self, epoch: int, record_hash: bytes) -> None:
        """See Settlement."""
        if not await self.has_epoch(epoch, record_hash):
            raise StateMismatch(f"epoch {epoch}")

    async def clock(self, epoch: int) -> tuple[int, int]:
        """See Settlement."""
        others = self.pending or epoch != len(self._node.rows)
        return self._node.l1_block, 0 if others else self._node.l1_block + 1 - 64

    async def check_asset(self, asset: Asset) -> None:
        """See Settlement."""
        assert asset.asset in (1, TOKEN)

    async def final_block(self) -> int:
        """See Settlement."""
        return self.final

    async def words(self, record: EpochRecord) -> EpochWords | None:
        """See Settlement."""
        row = self._node.rows[record.id - 1]
        return decode_words(row.words, row.lanes) if self.words_known else None


def crypto_seed(number: int) -> bytes:
    """An ephemeral secret of a stranger."""
    return (number + 1).to_bytes(32)

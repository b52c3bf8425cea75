"""What L1 and the node's API say, gathered without a look into node or wallets."""

import ssl
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import httpx
from eth_typing import ChecksumAddress
from web3 import Web3
from web3.types import RPCEndpoint

from sotto.l1 import interface
from sotto.l1.calldata import read_commit
from sotto.l1.deployment import Deployment
from sotto.l1.records import record_from_abi
from sotto.protocol.data import read_blob
from sotto.protocol.forced import decode_forced
from sotto.protocol.l1 import EpochRecord, compute_domain
from sotto.protocol.words import DataMode, EpochWords, decode_words

ETH = 1
NODE_RANGE = 4096
EPOCH_RANGE = 256
TLS: Final = ssl.create_default_context()
"""Made once: reading the machine's certificates takes longer than most questions to a node."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QueuedDeposit:
    """A deposit as L1's queue has it."""

    index: int
    partial: int
    asset: int
    value: int


@dataclass(frozen=True, slots=True)
class QueuedForced:
    """A forced transaction as L1's queue has it; `fee` in wei is what it brought."""

    index: int
    h: int
    asset: int
    value: int
    recipient: int
    fee: int


@dataclass(frozen=True, slots=True)
class ProvenEpoch:
    """An epoch as L1 has it: its record, and the words of the transaction that committed it."""

    record: EpochRecord
    words: EpochWords


@dataclass(frozen=True, slots=True)
class Payment:
    """A withdrawal that the bridge has paid."""

    epoch: int
    lane: int
    asset: int
    value: int
    recipient: int


@dataclass(frozen=True, slots=True)
class PaidExit:
    """A note that has left a frozen rollup: `fee` of its value went to the executor."""

    nullifier: int
    asset: int
    value: int
    recipient: int
    executor: int
    fee: int


@dataclass(frozen=True, slots=True)
class PulledBack:
    """What the bridge has paid back for an item that no epoch took."""

    index: int
    sender: int
    asset: int
    value: int


class StepKind(StrEnum):
    """What the rollup says that has happened."""

    COMMIT = "EpochCommitted"
    PROOF = "EpochProven"
    PRUNING = "EpochsPruned"
    FREEZE = "Frozen"


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the rollup, for epochs `first` to `last`; a pruning names no record."""

    kind: StepKind
    first: int
    last: int
    record_hash: bytes = b""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the bridge holds of an asset, what it owes in all, and how much of that are fees."""

    balance: int
    liabilities: int
    fees: int


@dataclass(frozen=True, slots=True)
class L1Evidence:
    """L1 at one moment.

    Attributes:
        steps: events of the rollup in their order, that of genesis included.
        epochs: proven ones by id, without genesis.
        recipients: what each recipient of a payment or an exit holds, by (address, asset).
    """

    head: int
    proven: int
    frozen: bool
    genesis: EpochRecord
    steps: tuple[Step, ...]
    deposits: tuple[QueuedDeposit, ...]
    forced: tuple[QueuedForced, ...]
    queue_length: int
    epochs: dict[int, ProvenEpoch]
    payments: tuple[Payment, ...]
    exits: tuple[PaidExit, ...]
    pulled: tuple[PulledBack, ...]
    holdings: dict[int, Holdings]
    recipients: dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class ApiEvidence:
    """The node's answers.

    Attributes:
        epochs: of `/v1/epochs`, genesis included.
        entries: of `/v1/notes`, all of them in order.
        transactions: of `/v1/transactions/{h}` for each h that the node has ever accepted.
    """

    status: Json
    epochs: list[Json]
    entries: list[Json]
    transactions: dict[str, Json]


class L1Reader:
    """Reads L1 by its own JSON-RPC. Epochs that were read once and are still there are not read again.

    Args:
        fee_recipients: accounts whose fees count.
    """

    def __init__(self, web3: Web3, deployment: Deployment, fee_recipients: Iterable[ChecksumAddress]) -> None:
        self._web3 = web3
        self._deployment = deployment
        self._fee_recipients = tuple(fee_recipients)
        self._layouts = {address: layout for layout, address in deployment.verifiers().items()}
        self._rollup = self._contract("Rollup")
        self._bridge = self._contract("Bridge")
        self._queue = self._contract("L1Queue")
        self._exit = self._contract("Exit")
        self._domain = compute_domain(
            web3.eth.chain_id, bytes.fromhex(deployment.address("Rollup").removeprefix("0x"))
        )
        self._words: dict[bytes, EpochWords] = {}

    def read(self) -> L1Evidence:
        """Everything at this moment. Raises AssertionError when L1 contradicts itself."""
        head, proven = self.status()
        committed = self._committed()
        records = [self._record(epoch, committed) for epoch in range(proven + 1)]
        payments, exits = self._payments(), self._exits()
        paid = {(p.recipient, p.asset) for p in payments}
        paid |= {(exit_.recipient, exit_.asset) for exit_ in exits}
        paid |= {(exit_.executor, exit_.asset) for exit_ in exits if exit_.fee}
        return L1Evidence(
            head=head,
            proven=proven,
            frozen=self._rollup.functions.isFrozen().call(),
            genesis=records[0][0],
            steps=self._steps(),
            deposits=self._deposits(),
            forced=self._forced(),
            queue_length=self.queue_length(),
            epochs={
                record.id: ProvenEpoch(record, self._read_words(record, tx)) for record, tx in records[1:]
            },
            payments=payments,
            exits=exits,
            pulled=self._pulled(),
            holdings={asset.asset: self._holdings(asset.asset) for asset in self._deployment.assets},
            recipients={(holder, asset): self._balance(_address(holder), asset) for holder, asset in paid},
        )

    def status(self) -> tuple[int, int]:
        """Last committed and last proven epoch."""
        head, proven = self._rollup.functions.status().call()
        return head, proven

    def queue_length(self) -> int:
        """Number of items ever queued."""
        length: int = self._queue.functions.length().call()
        return length

    def _contract(self, name: str) -> Any:
        address = self._deployment.address(name)
        return self._web3.eth.contract(address=address, abi=interface.load(name))

    def _committed(self) -> dict[bytes, tuple[EpochRecord, bytes]]:
        """Record and transaction of each commit, by record hash."""
        logs = self._rollup.events.EpochCommitted().get_logs(from_block=self._deployment.block("Rollup"))
        return {
            bytes(log["args"]["recordHash"]): (
                record_from_abi(list(log["args"]["record"].values())),
                bytes(log["transactionHash"]),
            )
            for log in logs
        }

    def _record(
        self, epoch: int, committed: dict[bytes, tuple[EpochRecord, bytes]]
    ) -> tuple[EpochRecord, bytes]:
        stored = bytes(self._rollup.functions.epochs(epoch).call())
        assert stored in committed, f"epoch {epoch} is stored on L1, but no event shows its record"
        record, transaction = committed[stored]
        assert (record.id, record.hash()) == (epoch, stored), (
            f"the event of epoch {epoch} shows another record"
        )
        return record, transaction

    def _read_words(self, record: EpochRecord, transaction_hash: bytes) -> EpochWords:
        known = self._words.get(record.hash())
        if known is None:
            transaction: Any = self._web3.eth.get_transaction(transaction_hash)  # type: ignore[arg-type]
            call = read_commit(bytes(transaction["input"]))
            assert call is not None, f"the transaction of epoch {record.id} is no commit"
            lanes, mode = self._layouts[Web3.to_checksum_address(record.verifier)]
            words = call.words
            if mode == DataMode.BLOB:
                [name] = transaction["blobVersionedHashes"]
                words += read_blob(self._blob(name.to_0x_hex()), lanes)
            known = decode_words(words, lanes)
            self._words[record.hash()] = known
        return known

    def _blob(self, name: str) -> bytes:
        answer = self._web3.provider.make_request(RPCEndpoint("anvil_getBlobByHash"), [name])
        return bytes.fromhex(answer["result"][2:])

    def _deposits(self) -> tuple[QueuedDeposit, ...]:
        logs = self._queue.events.DepositQueued().get_logs(from_block=self._deployment.block("L1Queue"))
        return tuple(
            QueuedDeposit(a["index"], a["notePartial"], a["asset"], a["value"])
            for a in (log["args"] for log in logs)
        )

    def _payments(self) -> tuple[Payment, ...]:
        logs = self._bridge.events.Claimed().get_logs(from_block=self._deployment.block("Bridge"))
        return tuple(
            Payment(a["epoch"], a["lane"], a["asset"], a["value"], int(a["recipient"], 16))
            for a in (log["args"] for log in logs)
        )

    def _forced(self) -> tuple[QueuedForced, ...]:
        found = []
        for log in self._queue.events.ForcedQueued().get_logs(from_block=self._deployment.block("L1Queue")):
            a = log["args"]
            tx = decode_forced(bytes(a["transaction"]), self._domain)
            forced = QueuedForced(a["index"], tx.h, tx.public_asset, tx.public_value, tx.recipient, a["fee"])
            found.append(forced)
        return tuple(found)

    def _exits(self) -> tuple[PaidExit, ...]:
        logs = self._exit.events.Exited().get_logs(from_block=self._deployment.block("Exit"))
        return tuple(
            PaidExit(
                a["nullifier"],
                a["asset"],
                a["value"],
                int(a["recipient"], 16),
                int(a["executor"], 16),
                a["fee"],
            )
            for a in (log["args"] for log in logs)
        )

    def _pulled(self) -> tuple[PulledBack, ...]:
        logs = self._bridge.events.PulledBack().get_logs(from_block=self._deployment.block("Bridge"))
        return tuple(
            PulledBack(a["index"], int(a["sender"], 16), a["asset"], a["value"])
            for a in (log["args"] for log in logs)
        )

    def _steps(self) -> tuple[Step, ...]:
        first, events = self._deployment.block("Rollup"), self._rollup.events
        logs = [log for kind in StepKind for log in events[kind]().get_logs(from_block=first)]
        logs.sort(key=lambda log: (log["blockNumber"], log["logIndex"]))
        return tuple(_step(StepKind(log["event"]), log["args"]) for log in logs)

    def _holdings(self, asset: int) -> Holdings:
        functions = self._bridge.functions
        fees = sum(functions.feesOwed(account, asset).call() for account in self._fee_recipients)
        liabilities, _cap, _token = functions.assets(asset).call()
        return Holdings(self._balance(self._bridge.address, asset), liabilities, fees)

    def _balance(self, holder: ChecksumAddress, asset: int) -> int:
        if asset == ETH:
            return int(self._web3.eth.get_balance(holder))
        token = next(item.address for item in self._deployment.assets if item.asset == asset)
        assert token is not None
        contract = self._web3.eth.contract(address=token, abi=_TOKEN_ABI)
        return int(contract.functions.balanceOf(holder).call())


class ApiReader:
    """Reads everything that a node publishes."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, verify=TLS)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def status(self) -> Json:
        """`/v1/status`."""
        status: Json = self._get("/v1/status")
        return status

    def read(self, accepted: Iterable[str]) -> ApiEvidence:
        """All answers. `accepted`: ids that the node has accepted, as 0x hex."""
        status = self.status()
        epochs: list[Json] = []
        for start in range(0, status["proven"] + 1, EPOCH_RANGE):
            epochs += self._get("/v1/epochs", start=start, count=EPOCH_RANGE)
        entries: list[Json] = []
        for start in range(0, status["note_nodes"], NODE_RANGE):
            entries += self._get("/v1/notes", start=start, count=NODE_RANGE)["entries"]
        transactions = {h: self._get(f"/v1/transactions/{h}") for h in accepted}
        return ApiEvidence(status, epochs, entries, transactions)

    def _get(self, path: str, **parameters: int) -> Any:
        answer = self._client.get(path, params=parameters)
        # An id that was accepted and is unknown now is what the checker is looking for.
        if answer.status_code == 404:
            return {"status": "unknown", "reason": answer.text}
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()


def counted(values: Iterable[object]) -> list[object]:
    """Those that occur more than once."""
    return [value for value, times in Counter(values).items() if times > 1]


def _step(kind: StepKind, arguments: Json) -> Step:
    if kind == StepKind.PRUNING:
        return Step(kind, arguments["first"], arguments["last"])
    return Step(kind, arguments["id"], arguments["id"], bytes(arguments["recordHash"]))


def _address(number: int) -> ChecksumAddress:
    return Web3.to_checksum_address(number.to_bytes(20))


_TOKEN_ABI = [
    {
        "type": "function",
        "name": "balanceOf",
        "stateMutability": "view",
        "inputs": [{"name": "account", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    }
]

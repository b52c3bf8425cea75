"""The contracts on a local chain, and a scenario whose epochs they settle.

`Rig` deploys the real contracts. With `harness=True` only the pairing is taken out: the verifiers' code is
replaced by one that accepts a proof exactly when it is the hash of the public inputs, so that the contract
must arrive at the same public inputs as the circuit did.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.exceptions import Web3Exception
from web3.logs import DISCARD

from sotto import crypto
from sotto.l1 import interface
from sotto.l1.deployment import Deployment, read_deployment
from sotto.l1.records import record_from_abi, record_to_abi, summary_to_abi
from sotto.l1.rollup import CommitInput
from sotto.protocol.epoch import EpochResult, withdrawals_of
from sotto.protocol.field import MODULUS
from sotto.protocol.forced import encode_forced, queue_fee
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.l1 import (
    EpochRecord,
    compute_domain,
    deposit_item,
    fees_hash,
    forced_item,
    genesis_record,
    withdrawal_proof,
    withdrawal_root,
)
from sotto.protocol.notes import ETH
from sotto.protocol.transaction import Kind
from sotto.protocol.words import DataMode, EpochWords, Layout
from sotto.testing.contracts import NOBODY
from tests.support.blobs import send_with_blobs
from tests.support.chain import KEYS, ROOT, LocalChain, anvil, build_contracts, deploy
from tests.support.scenario import TOKEN, ClosedEpoch, Entry, Queued, Scenario, Signed

HARNESS_OUT = ROOT / ".build" / "harness"
FUNDS = ("--balance", "1000000000")
"""Of each account of the chain, in ETH."""
ANCHORS = 4
PROVING_WINDOW = 600
GAS = 16_000_000
_STUB = "tests/forge/support/VerifierStub.sol"
_SCENARIO_FUNDS = 10**40


class ChainScenario(Scenario):
    """A scenario whose clock is the chain's, and whose spends use any of the last four anchors."""

    def __init__(self, chain: LocalChain, seed: int, users: int, domain: int) -> None:
        self._chain = chain
        self._anchor: int | None = None
        super().__init__(seed, users, domain)

    @property
    def now(self) -> int:
        """L1 block of the next epoch."""
        return int(self._chain.web3.eth.block_number)

    def _random_entry(self, *arguments: Any) -> Entry:
        known = len(self.history)
        self._anchor = self.random.randrange(max(0, known - ANCHORS), known)
        try:
            return super()._random_entry(*arguments)
        finally:
            self._anchor = None

    def spendable(self, user: Any, asset: int | None = None) -> list[Any]:
        """Notes in the tree of the chosen anchor that nothing built here spends yet."""
        size = self.history[-1 if self._anchor is None else self._anchor].note.size
        return [
            owned
            for owned in super().spendable(user, asset)
            if owned.index is not None and owned.index < size
        ]

    def take(self, owned: Any, epoch: int | None = None) -> Any:
        """Spend a note under the chosen anchor."""
        return super().take(owned, self._anchor if epoch is None else epoch)

    def pay(self, *arguments: Any, epoch: int | None = None, **options: Any) -> Signed:
        """Sign a payment under the chosen anchor."""
        return super().pay(*arguments, epoch=self._anchor if epoch is None else epoch, **options)


@dataclass(frozen=True)
class Settled:
    """An epoch on L1: its record, and the gas and calldata of its transaction."""

    record: EpochRecord
    gas: int
    calldata: bytes


def harness_proof(public: Sequence[int]) -> bytes:
    """The one proof that the harness verifier accepts for a rollup's public inputs."""
    return keccak(encode(["uint256[6]"], [list(public)])) + bytes(224)


def harness_client_proof(h: int) -> bytes:
    """The one proof that the harness verifier accepts for a transaction."""
    return keccak(encode(["uint256"], [h])) + bytes(224)


def build_harness() -> str:
    """Compile the harness verifier and return its creation code."""
    environment = os.environ | {
        "FOUNDRY_OUT": str(HARNESS_OUT),
        "FOUNDRY_CACHE_PATH": str(HARNESS_OUT / "cache"),
    }
    subprocess.run(["forge", "build", "--quiet", _STUB], cwd=ROOT, check=True, env=environment)
    artefact = json.loads((HARNESS_OUT / "VerifierStub.sol" / "VerifierStub.json").read_text())
    code: str = artefact["bytecode"]["object"]
    return code


class Rig:
    """Contracts, the records of their epochs as the specification predicts them, and a scenario's users."""

    def __init__(
        self,
        chain: LocalChain,
        folder: Path,
        seed: int,
        *,
        users: int = 4,
        harness: bool = False,
        proposer_policy: str = NOBODY,
    ) -> None:
        self.chain, self.web3 = chain, chain.web3
        path = deploy(chain, folder, tokens=1, proposer_policy=proposer_policy)
        self.deployment: Deployment = read_deployment(path)
        self.accounts = self.web3.eth.accounts
        self.proposer, self.depositor = self.accounts[1], self.accounts[2]
        self.rollup, self.bridge, self.queue = (
            self._contract(name) for name in ("Rollup", "Bridge", "L1Queue")
        )
        self.token = self._token()
        if harness:
            self._replace_verifiers()
        domain = compute_domain(self.web3.eth.chain_id, bytes.fromhex(self.rollup.address[2:]))
        assert domain == self.rollup.functions.domain().call()
        self.records = [genesis_record(self.deployment.block("Rollup"))]
        assert self._stored(0) == self.records[0].hash()
        self.scenario = ChainScenario(chain, seed, users, domain)
        self._tails: list[bytes] = []
        self._fees: list[int] = []
        self.forced_gas: list[int] = []
        self._harness = harness

    def _contract(self, name: str) -> Any:
        return self.web3.eth.contract(address=self.deployment.address(name), abi=interface.load(name))

    def _token(self) -> Any:
        artefact = json.loads((ROOT / "out" / "TestToken.sol" / "TestToken.json").read_text())
        token = self.web3.eth.contract(address=self.deployment.address(f"Token{TOKEN}"), abi=artefact["abi"])
        self.transact(token.functions.mint(self.depositor, _SCENARIO_FUNDS), self.depositor)
        self.transact(token.functions.approve(self.bridge.address, _SCENARIO_FUNDS), self.depositor)
        return token

    def _replace_verifiers(self) -> None:
        code = bytes.fromhex(build_harness().removeprefix("0x"))
        for layout, address in self.deployment.verifiers().items():
            data = code + encode(["uint256", "uint8"], layout)
            sent = self.web3.eth.send_transaction({"from": self.accounts[0], "data": data})
            stub: Any = self.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
            runtime = bytes(self.web3.eth.get_code(stub))
            self.chain.request("anvil_setCode", [address, "0x" + runtime.hex()])

    def transact(self, function: Any, sender: str, value: int = 0) -> Any:
        """Send a call as a transaction that must succeed, and return its receipt."""
        sent = function.transact({"from": sender, "value": value, "gas": GAS})
        receipt = self.web3.eth.wait_for_transaction_receipt(sent)
        assert receipt["status"] == 1, function
        return receipt

    def transact_with_blobs(self, function: Any, *blobs: CommittedBlob) -> Any:
        """Send a call of the proposer's as a transaction with blobs, and return its receipt."""
        data = function._encode_transaction_data()
        return send_with_blobs(self.web3, {"to": function.address, "data": data, "gas": GAS}, KEYS[1], *blobs)

    def _stored(self, epoch: int) -> bytes:
        return bytes(self.rollup.functions.epochs(epoch).call())

    # The queue

    def enqueue(self, entries: Sequence[Entry]) -> list[int]:
        """Queue deposits and forced transactions in their order; returns the gas of each deposit."""
        gas: list[int] = []
        for entry in entries:
            if isinstance(entry, Queued):
                gas.append(self._deposit(entry))
            elif entry is not None and entry.plan.kind == Kind.FORCED:
                self._force(entry)
        return gas

    def _deposit(self, queued: Queued) -> int:
        deposit, functions = queued.deposit, self.bridge.functions
        if deposit.asset == ETH:
            call, value = functions.depositETH(deposit.partial, queued.ciphertext), deposit.value
        else:
            call = functions.deposit(deposit.asset, deposit.value, deposit.partial, queued.ciphertext)
            value = 0
        gas = int(self.transact(call, self.depositor, value)["gasUsed"])
        item = deposit_item(deposit, bytes.fromhex(self.depositor[2:]), queued.ciphertext)
        assert self.queue.functions.item(len(self._tails)).call() == item.slot(self.web3.eth.block_number)
        self._tails.append(item.tail)
        self._fees.append(0)
        return gas

    def _force(self, signed: Signed) -> None:
        """Force a transaction with its proof, paying more than the fee."""
        transaction, index = signed.transaction, len(self._tails)
        proof = (
            harness_client_proof(transaction.h)
            if self._harness
            else crypto.prove("transfer", json.dumps(signed.witness()).encode()).proof
        )
        anchored = next(i for i, r in enumerate(self.records) if r.own_anchor == transaction.anchor)
        successor = [record_to_abi(record) for record in self.records[anchored + 1 : anchored + 2]]
        data, anchor_record = encode_forced(transaction), record_to_abi(self.records[anchored])
        call = self.queue.functions.force(data, proof, anchor_record, successor)
        fee = self.queue.functions.forceFee().call()
        receipt = self.transact(call, self.depositor, 2 * fee)
        item = forced_item(transaction, bytes.fromhex(self.depositor[2:]), data)
        assert self.queue.functions.item(index).call() == item.slot(receipt["blockNumber"])
        waiting = index - self.rollup.functions.cursor().call()
        block = self.web3.eth.get_block(receipt["blockNumber"])
        (event,) = self.queue.events.ForcedQueued().process_receipt(receipt, errors=DISCARD)
        assert event["args"]["fee"] == queue_fee(block["baseFeePerGas"], waiting)
        self._tails.append(item.tail)
        self._fees.append(event["args"]["fee"])
        self.forced_gas.append(int(receipt["gasUsed"]))

    # Epochs

    def verifier(self, lanes: int, data_mode: DataMode = DataMode.CALLDATA) -> str:
        """Address of the verifier for epochs of so many lanes and this data mode."""
        return str(self.deployment.verifiers()[Layout(lanes, data_mode)])

    def commit_input(self, words: EpochWords, client_proofs: bytes, c: int | None = None) -> CommitInput:
        """What a proposer supplies for an epoch on top of the last one; `c` is that of the words by default.

        Items that L1 did not queue get an invented tail.
        """
        header, head = words.header, len(self.records) - 1
        successor = self.records[header.oldest + 1] if header.oldest < head else None
        tails = self._tails[header.queue_start : header.queue_end]
        return CommitInput(
            parent=self.records[-1],
            verifier=to_checksum_address(self.verifier(len(words.lanes))),
            fee_recipient=to_checksum_address(self.proposer),
            c=words.c() if c is None else c,
            words=words.encode(),
            queue_tails=tails + [bytes(32)] * (header.queue_end - header.queue_start - len(tails)),
            client_proofs=client_proofs,
            oldest_successor=successor,
        )

    def blob_input(self, result: EpochResult, client_proofs: bytes) -> CommitInput:
        """As `commit_input` for an epoch of data mode 1."""
        blob = result.blob
        assert blob is not None, "the epoch is in data mode 1"
        opening = blob.open(result.z)
        return replace(
            self.commit_input(result.words, client_proofs),
            verifier=to_checksum_address(self.verifier(len(result.words.lanes), DataMode.BLOB)),
            words=result.words.encode_l1(),
            blob=opening.y.to_bytes(32) + blob.commitment + opening.proof,
        )

    def judge(self, commit: CommitInput, proof: bytes) -> str | None:
        """Name of the contracts' reason to refuse an epoch now, None when they take it. Changes nothing."""
        call = self.rollup.functions.commitAndProve(commit.to_abi(), self.proposer, proof)
        try:
            call.call({"from": self.proposer, "gas": GAS})
        except Web3Exception as error:
            rejection = interface.rejection(error)
            if rejection is None:
                raise
            return rejection.name
        return None

    def expected_record(self, words: EpochWords, c: int, z: int, y: int, block: int) -> EpochRecord:
        """The record that the specification predicts for an epoch committed in an L1 block."""
        header, proposer = words.header, bytes.fromhex(self.proposer[2:])
        return EpochRecord(
            id=header.epoch_id,
            parent=self.records[-1].hash(),
            proposer=proposer,
            fee_recipient=proposer,
            verifier=bytes.fromhex(self.verifier(len(words.lanes))[2:]),
            data_mode=0,
            commit_block=block,
            deadline=block + PROVING_WINDOW,
            bond=0,
            timestamp_block=header.now,
            queue_end=header.queue_end,
            c=c,  # type: ignore[arg-type]
            z=z,
            y=y,  # type: ignore[arg-type]
            y_data=0,
            new_state=header.new_state,
            own_anchor=header.own_anchor,
            withdrawal_root=withdrawal_root(withdrawals_of(words)),
            fees_hash=fees_hash(header.fee_assets, header.fee_totals, self.queue_fees(words)),
        )

    def queue_fees(self, words: EpochWords) -> int:
        """Wei that the items which an epoch takes brought."""
        return sum(self._fees[words.header.queue_start : words.header.queue_end])

    def settle(self, closed: ClosedEpoch, client_proofs: bytes, proof: bytes) -> Settled:
        """Commit and prove an epoch; its record on L1 must be the predicted one."""
        result, blob = closed.result, closed.result.blob
        make = self.rollup.functions.commitAndProve
        if blob is None:
            commit = self.commit_input(result.words, client_proofs)
            receipt = self.transact(make(commit.to_abi(), self.proposer, proof), self.proposer)
        else:
            commit = self.blob_input(result, client_proofs)
            receipt = self.transact_with_blobs(make(commit.to_abi(), self.proposer, proof), blob)
            assert receipt["status"] == 1, self.judge(commit, proof)
        expected = self.expected_record(result.words, result.c, result.z, result.y, receipt["blockNumber"])
        if blob is not None:
            verifier = bytes.fromhex(commit.verifier[2:])
            expected = replace(expected, verifier=verifier, data_mode=1, y_data=result.y_data)
        (event,) = self.rollup.events.EpochCommitted().process_receipt(receipt, errors=DISCARD)
        on_l1 = record_from_abi(list(event["args"]["record"].values()))
        assert on_l1 == expected
        assert self._stored(expected.id) == expected.hash() == bytes(event["args"]["recordHash"])
        assert on_l1.new_state == result.state.hash() == self.scenario.state.hash()
        assert tuple(self.rollup.functions.status().call()) == (expected.id, expected.id)
        self.records.append(expected)
        sent = self.web3.eth.get_transaction(receipt["transactionHash"])
        return Settled(expected, int(receipt["gasUsed"]), bytes(sent["input"]))

    def claims(self, closed: ClosedEpoch) -> list[Any]:
        """The calls that pay an epoch's withdrawals, in lane order."""
        withdrawals = closed.result.withdrawals
        summary = summary_to_abi(self.records[closed.result.words.header.epoch_id])
        return [
            self.bridge.functions.claim(
                summary, w.lane, w.asset, w.value, w.recipient, withdrawal_proof(withdrawals, i)
            )
            for i, w in enumerate(withdrawals)
        ]

    def balance(self, asset: int, address: str) -> int:
        """What an L1 address has of an asset."""
        if asset == ETH:
            return int(self.web3.eth.get_balance(to_checksum_address(address)))
        return int(self.token.functions.balanceOf(to_checksum_address(address)).call())

    def liabilities(self, asset: int) -> int:
        """What the bridge counts that it owes of an asset."""
        return int(self.bridge.functions.assets(asset).call()[0])

    def owed(self, asset: int) -> int:
        """What the bridge owes once all withdrawals are claimed: unspent notes, and the proposer's fees."""
        spent = self.scenario.state.nullifier
        notes = 0
        for user in self.scenario.users:
            key = user.keys.viewing.nullifier_key
            for owned in user.notes:
                if owned.note.asset == asset and owned.note.value and owned.note.nullifier(key) not in spent:
                    notes += owned.note.value
        return notes + int(self.bridge.functions.feesOwed(self.proposer, asset).call())


def split_field_word(words: bytes, index: int, add: int = MODULUS) -> bytes:
    """The bytes of words with `add` added to field word `index`."""
    start = 32 * index
    value = int.from_bytes(words[start : start + 32]) + add
    return words[:start] + value.to_bytes(32) + words[start + 32 :]


@contextmanager
def open_rig(
    seed: int,
    *,
    harness: bool = False,
    users: int = 4,
    arguments: Sequence[str] = (),
    proposer_policy: str = NOBODY,
) -> Iterator[Rig]:
    """A rig on a chain of its own."""
    build_contracts()
    with anvil(*FUNDS, *arguments) as chain, TemporaryDirectory() as folder:
        yield Rig(chain, Path(folder), seed, users=users, harness=harness, proposer_policy=proposer_policy)


def generator(seed: int, purpose: str) -> Random:
    """Random numbers that belong to one purpose, so that one test's draws do not shift another's."""
    return Random(f"{seed} {purpose}")

"""Epochs sent to the real rollup without a node: real proofs, and any damage that a test wants."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_typing import ChecksumAddress
from web3.exceptions import Web3Exception

from sotto import crypto
from sotto.l1 import interface
from sotto.l1.deployment import Deployment, read_deployment
from sotto.l1.records import record_from_abi
from sotto.l1.rollup import CommitInput
from sotto.protocol.l1 import EpochRecord, compute_domain, deposit_item
from sotto.protocol.words import Layout
from tests.support.chain import LocalChain
from tests.support.scenario import ClosedEpoch, Entry, Queued, Scenario, Signed

GAS = 15_000_000
PROOF_BYTES = 256


def client_proof(signed: Signed) -> bytes:
    """The client proof of a transaction, 256 bytes."""
    return crypto.prove("transfer", json.dumps(signed.witness()).encode()).proof


@dataclass(frozen=True)
class RawEpoch:
    """Arguments of `commitAndProve`; `replace` one to damage it."""

    closed: ClosedEpoch
    commit: CommitInput
    beneficiary: ChecksumAddress
    proof: bytes

    def with_words(self, words: bytes) -> "RawEpoch":
        """Other words."""
        return replace(self, commit=replace(self.commit, words=words))

    def with_client_proofs(self, *proofs: bytes) -> "RawEpoch":
        """Other client proofs."""
        return replace(self, commit=replace(self.commit, client_proofs=b"".join(proofs)))

    @property
    def client_proofs(self) -> list[bytes]:
        """The client proofs one by one."""
        data = self.commit.client_proofs
        return [data[i : i + PROOF_BYTES] for i in range(0, len(data), PROOF_BYTES)]


class RawL1:
    """The contracts of one deployment, and the scenario whose epochs they get."""

    def __init__(self, chain: LocalChain, deployment_file: Path) -> None:
        self.chain = chain
        self.deployment: Deployment = read_deployment(deployment_file)
        self.proposer: ChecksumAddress = chain.web3.eth.accounts[1]
        self.rollup = self.contract("Rollup")
        self.bridge = self.contract("Bridge")
        self.records: dict[int, EpochRecord] = {0: self._record(self.deployment.block("Rollup"))}
        rollup = bytes.fromhex(self.deployment.address("Rollup")[2:])
        self.scenario = Scenario(domain=compute_domain(chain.web3.eth.chain_id, rollup))

    def contract(self, name: str, abi: str | None = None) -> Any:
        """A contract of the deployment."""
        return self.chain.web3.eth.contract(
            address=self.deployment.address(name), abi=interface.load(abi or name)
        )

    def queue(self, queued: Queued, sender: ChecksumAddress) -> None:
        """Deposit on L1; the test's tokens are minted."""
        deposit = queued.deposit
        functions = self.bridge.functions
        if deposit.asset == 1:
            call = functions.depositETH(deposit.partial, queued.ciphertext)
            self.transact(call, {"from": sender, "value": deposit.value})
            return
        address = next(a.address for a in self.deployment.assets if a.asset == deposit.asset)
        token = self.chain.web3.eth.contract(address=address, abi=TOKEN_ABI)
        self.transact(token.functions.mint(sender, deposit.value), {"from": sender})
        self.transact(token.functions.approve(self.bridge.address, deposit.value), {"from": sender})
        call = functions.deposit(deposit.asset, deposit.value, deposit.partial, queued.ciphertext)
        self.transact(call, {"from": sender})

    def transact(self, call: Any, options: dict[str, Any]) -> Any:
        """Send and wait. Raises AssertionError when it reverts."""
        return self._confirmed(call.transact(options))

    def _confirmed(self, transaction_hash: Any) -> Any:
        receipt = self.chain.web3.eth.wait_for_transaction_receipt(transaction_hash)
        assert receipt["status"] == 1
        return receipt

    def build(
        self,
        entries: Sequence[Entry],
        proofs: Sequence[bytes],
        depositors: Sequence[ChecksumAddress] = (),
        lanes: int = 4,
    ) -> RawEpoch:
        """Close the scenario's next epoch with these entries and prove it.

        Args:
            proofs: client proof of each signed entry.
            depositors: sender of each queued entry.
        """
        scenario = self.scenario
        self.mine_to(scenario.now)
        head = scenario.state.epoch_id
        closed = scenario.close(entries, lanes, oldest=head)
        beneficiary = bytes.fromhex(self.proposer[2:])
        witness = json.dumps(closed.result.witness(beneficiary)).encode()
        proof = crypto.prove(f"rollup{lanes}", witness).proof
        queued = [entry for entry in entries if isinstance(entry, Queued)]
        tails = [
            deposit_item(item.deposit, bytes.fromhex(sender[2:]), item.ciphertext).tail
            for item, sender in zip(queued, depositors, strict=True)
        ]
        commit = CommitInput(
            parent=self.records[head],
            verifier=self.deployment.verifiers()[Layout(lanes)],
            fee_recipient=self.proposer,
            c=closed.result.c,
            words=closed.result.encoded_words(),
            queue_tails=tails,
            client_proofs=b"".join(proofs),
            oldest_successor=None,
        )
        return RawEpoch(closed, commit, self.proposer, proof)

    def mine_to(self, block: int) -> None:
        """Add empty blocks, so that the scenario's clock is L1's."""
        missing = block - self.chain.web3.eth.block_number
        if missing > 0:
            self.chain.mine(missing)

    def accept(self, epoch: RawEpoch, encoding: Callable[[bytes], bytes] = bytes) -> EpochRecord:
        """Commit and prove. Raises AssertionError when the rollup refuses.

        Args:
            encoding: changes the calldata.
        """
        return self._send(self._call(epoch), encoding)

    def commit(self, epoch: RawEpoch, encoding: Callable[[bytes], bytes] = bytes) -> EpochRecord:
        """Commit without the proof; see `accept`."""
        return self._send(self.rollup.functions.commit(epoch.commit.to_abi()), encoding)

    def _send(self, call: Any, encoding: Callable[[bytes], bytes]) -> EpochRecord:
        sender = {"from": self.proposer, "gas": GAS}
        data = bytes.fromhex(call.build_transaction(sender)["data"][2:])
        transaction = {**sender, "to": self.rollup.address, "data": encoding(data)}
        receipt = self._confirmed(self.chain.web3.eth.send_transaction(transaction))
        record = self._record(receipt["blockNumber"])
        self.records[record.id] = record
        return record

    def refusal(self, epoch: RawEpoch) -> str:
        """Name of the error by which the rollup refuses, after a real transaction that changed nothing."""
        before = self.state()
        name = self.refuses(epoch)
        web3 = self.chain.web3
        # The clock must not run on: an honest epoch may wait for its turn.
        snapshot = self.chain.request("evm_snapshot", [])
        receipt = web3.eth.wait_for_transaction_receipt(
            self._call(epoch).transact({"from": self.proposer, "gas": GAS})
        )
        assert receipt["status"] == 0
        assert self.state() == before
        self.chain.request("evm_revert", [snapshot])
        return name

    def call_refusal(self, call: Any) -> str:
        """Name of the error by which a call is refused."""
        with pytest.raises(Web3Exception) as refused:
            call.call({"from": self.proposer, "gas": GAS})
        cause = interface.rejection(refused.value)
        assert cause is not None, refused.value
        return cause.name

    def refuses(self, epoch: RawEpoch) -> str:
        """As `refusal`, by a call alone: for long lists of damages."""
        return self.call_refusal(self._call(epoch))

    def state(self) -> tuple[object, ...]:
        """What a refused epoch must leave alone."""
        head, proven = self.rollup.functions.status().call()
        return head, proven, self.rollup.functions.epochs(head + 1).call()

    def _call(self, epoch: RawEpoch) -> Any:
        return self.rollup.functions.commitAndProve(epoch.commit.to_abi(), epoch.beneficiary, epoch.proof)

    def _record(self, block: int) -> EpochRecord:
        logs = self.rollup.events.EpochCommitted().get_logs(from_block=block, to_block=block)
        return record_from_abi(list(logs[-1]["args"]["record"].values()))


def _function(name: str, *inputs: tuple[str, str]) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": "nonpayable",
        "inputs": [{"name": label, "type": kind} for label, kind in inputs],
        "outputs": [],
    }


TOKEN_ABI = [
    _function("mint", ("account", "address"), ("value", "uint256")),
    _function("approve", ("spender", "address"), ("value", "uint256")),
]

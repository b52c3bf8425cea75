# ruff: noqa: N818 - an error is named by its cause, as in the rest of the project
"""Epochs as L1 alone shows them: events of the rollup, and the calldata of the commits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from scripts._deployment import ScriptError

from sotto.l1 import interface
from sotto.l1.calldata import read_commit
from sotto.l1.records import record_from_abi
from sotto.protocol.epoch import Withdrawal
from sotto.protocol.field import BYTE_WORD_BYTES
from sotto.protocol.l1 import EpochRecord, withdrawal_proof, withdrawal_root
from sotto.protocol.transaction import Kind
from sotto.protocol.words import LANE_L1_BYTE_WORDS, l1_words_length

_LOG_RANGE = 2_000
_PAYING = (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)


class EpochUnreadable(ScriptError):
    """The words of an epoch cannot be had from the transaction that committed it."""


class EpochUnknown(ScriptError):
    """No such epoch is on L1."""


@dataclass(frozen=True)
class CommittedEpoch:
    """An epoch of the present chain. `transaction` is the 0x hash of its commit."""

    record: EpochRecord
    block: int
    transaction: str


@dataclass(frozen=True)
class ProvenWithdrawal:
    """A withdrawal with what the bridge asks for: record and Merkle proof, 32 bytes a level."""

    record: EpochRecord
    withdrawal: Withdrawal
    proof: tuple[bytes, ...]


class L1Epochs:
    """Reads one rollup.

    Args:
        web3: connected to the chain, synchronous.
        deployment: the deployment file's content.
    """

    def __init__(self, web3: Any, deployment: dict[str, Any]) -> None:
        self._web3 = web3
        self._start = deployment["contracts"]["Rollup"]["block"]
        address = deployment["contracts"]["Rollup"]["address"]
        self._rollup = web3.eth.contract(address=address, abi=interface.load("Rollup"))

    def status(self) -> tuple[int, int]:
        """Id of the last committed and of the last proven epoch."""
        head, proven = self._rollup.functions.status().call()
        return head, proven

    def committed(self, ids: Sequence[int] = ()) -> Iterator[CommittedEpoch]:
        """Epochs from genesis on, or those of some ids; without commits whose record L1 has replaced."""
        latest = self._web3.eth.block_number
        filters = {"id": list(ids)} if ids else None
        for first in range(self._start, latest + 1, _LOG_RANGE):
            logs = self._rollup.events.EpochCommitted().get_logs(
                from_block=first, to_block=min(first + _LOG_RANGE - 1, latest), argument_filters=filters
            )
            for log in logs:
                record = record_from_abi(list(log["args"]["record"].values()))
                if bytes(self._rollup.functions.epochs(record.id).call()) == record.hash():
                    yield CommittedEpoch(record, log["blockNumber"], log["transactionHash"].to_0x_hex())

    def withdrawals(self, epoch: CommittedEpoch) -> list[ProvenWithdrawal]:
        """Withdrawals of an epoch with their proofs. Raises EpochUnreadable."""
        record = epoch.record
        if record.withdrawal_root == bytes(32):
            return []
        found = withdrawals_in(*self._words(epoch))
        if withdrawal_root(found) != record.withdrawal_root:
            raise EpochUnreadable(
                f"the words of epoch {record.id} do not give the withdrawal root of its record"
            )
        return [
            ProvenWithdrawal(record, withdrawal, tuple(withdrawal_proof(found, position)))
            for position, withdrawal in enumerate(found)
        ]

    def _words(self, epoch: CommittedEpoch) -> tuple[bytes, int]:
        """Words of an epoch in calldata, and its lanes. Raises EpochUnreadable."""
        number = epoch.record.id
        transaction = self._web3.eth.get_transaction(epoch.transaction)
        if transaction["to"] != self._rollup.address:
            raise EpochUnreadable(
                f"epoch {number} was committed through another contract: {epoch.transaction}"
            )
        call = read_commit(bytes(transaction["input"]))
        if call is None:
            raise EpochUnreadable(f"epoch {number} was not committed by a commit: {epoch.transaction}")
        verifier = to_checksum_address(call.verifier)
        return call.words, self._rollup.functions.laneCount(verifier).call()


def withdrawals_in(words: bytes, lanes: int) -> list[Withdrawal]:
    """What an epoch pays, in lane order. The L1 words tell, which are in calldata in every data mode."""
    end = l1_words_length(lanes)
    size = LANE_L1_BYTE_WORDS * BYTE_WORD_BYTES
    found = []
    for lane in range(lanes):
        at = end - (lanes - lane) * size
        kind, value, asset, recipient = (
            int.from_bytes(words[i : i + BYTE_WORD_BYTES]) for i in range(at, at + size, BYTE_WORD_BYTES)
        )
        if kind in _PAYING and value:
            found.append(Withdrawal(lane, asset, value, recipient))
    return found

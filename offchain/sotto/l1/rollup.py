"""The contract `Rollup` (docs/spec/06-l1.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import BlockIdentifier, LogReceipt, TxParams

from sotto.l1.calldata import read_commit
from sotto.l1.contract import TRANSPORT_ERRORS, Contract, translate
from sotto.l1.events import (
    Event,
    ReceivedCommit,
    ReceivedFreeze,
    ReceivedProof,
    ReceivedPruning,
    position_of,
)
from sotto.l1.records import record_from_abi, record_to_abi
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.words import DataMode, Layout


@dataclass(frozen=True, slots=True)
class RollupParameters:
    """Lengths of time in L1 blocks."""

    anchor_life: int
    clock_window: int
    proving_window: int
    forced_deadline: int
    freeze_time: int


@dataclass(frozen=True, slots=True)
class VerifierStatus:
    """Whether a verifier is open to new epochs, and will be from `from_block` on (0: no switch)."""

    open: bool
    scheduled: bool
    from_block: int


@dataclass(frozen=True, slots=True)
class CommitInput:
    """What a proposer supplies for one epoch.

    Attributes:
        parent: record of the last committed epoch.
        verifier: the one that the epoch is built for.
        words: as of docs/spec/05-epoch.md; the L1 words only if the others are in a blob.
        queue_tails: 32 bytes for each queue item that the epoch takes.
        client_proofs: 256 bytes for each lane of kind 1 or 5, in lane order.
        oldest_successor: record of epoch oldest + 1, None when oldest is the last committed epoch.
        blob: y_data, KZG commitment and KZG proof of the transaction's blob (docs/spec/14-blobs.md), 128
            bytes; empty without one.
    """

    parent: EpochRecord
    verifier: ChecksumAddress
    fee_recipient: ChecksumAddress
    c: int
    words: bytes
    queue_tails: Sequence[bytes]
    client_proofs: bytes
    oldest_successor: EpochRecord | None
    blob: bytes = b""

    def to_abi(self) -> tuple[Any, ...]:
        """The struct as web3 encodes it."""
        successors = [] if self.oldest_successor is None else [record_to_abi(self.oldest_successor)]
        return (
            record_to_abi(self.parent),
            self.verifier,
            self.fee_recipient,
            self.c,
            self.words,
            self.blob,
            list(self.queue_tails),
            self.client_proofs,
            successors,
        )


@dataclass(frozen=True, slots=True)
class PublishedEpoch:
    """What a commit's transaction publishes; the rest of it is in the record.

    Attributes:
        words: those in the calldata: the L1 words only if the others are in a blob.
        blob: versioned hash of the transaction's first blob, 32 bytes; empty without one.
    """

    verifier: ChecksumAddress
    words: bytes
    client_proofs: tuple[bytes, ...]
    blob: bytes = b""


class RollupContract(Contract):
    """The chain of committed and proven epochs."""

    abi_name = "Rollup"
    _members: dict[ChecksumAddress, Layout] | None = None

    async def domain(self) -> int:
        """The domain that the contract computes, a byte word."""
        return cast(int, await self._call("domain"))

    async def status(self, block: BlockIdentifier = "latest") -> tuple[int, int]:
        """Id of the last committed and of the last proven epoch."""
        head, proven = await self._call("status", block=block)
        return head, proven

    async def record_hash(self, epoch: int, block: BlockIdentifier = "latest") -> bytes:
        """Hash of an epoch's record, 32 bytes; zeros if there is none."""
        return bytes(await self._call("epochs", epoch, block=block))

    async def cursor(self, block: BlockIdentifier = "latest") -> int:
        """Index of the first queue item that no proven epoch has taken."""
        return cast(int, await self._call("cursor", block=block))

    async def is_frozen(self, block: BlockIdentifier = "latest") -> bool:
        """Whether the rollup has ended, and notes leave by exits."""
        return cast(bool, await self._call("isFrozen", block=block))

    async def is_final(self, epoch: int, record_hash: bytes) -> bool:
        """Whether the rollup is frozen in the state of this record."""
        return cast(bool, await self._call("isFinal", epoch, record_hash))

    async def last_pause(self) -> tuple[int, int]:
        """First and last block of the last pause of epochs, 0 when there was none."""
        first, last = await self._call("lastPause")
        return first, last

    async def verifier_status(self, member: ChecksumAddress) -> VerifierStatus:
        """Whether a member of the fixed set is open to new epochs."""
        return VerifierStatus(*await self._call("verifierStatus", member))

    async def open_verifiers(self) -> dict[Layout, ChecksumAddress]:
        """The verifiers that take an epoch in the next L1 block, smallest first."""
        try:
            following = await self.web3.eth.block_number + 1
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        found = {}
        for member, layout in (await self.verifiers()).items():
            status = await self.verifier_status(member)
            if status.open if following < status.from_block else status.scheduled:
                found[layout] = member
        return dict(sorted(found.items()))

    async def switch_delay(self) -> int:
        """L1 blocks between the scheduling of a switch and its effect."""
        return cast(int, await self._call("switchDelay"))

    async def is_proven(self, epoch: int, record_hash: bytes) -> bool:
        """Whether the epoch is proven and has this record."""
        return cast(bool, await self._call("isProven", epoch, record_hash))

    async def parameters(self) -> RollupParameters:
        """The rollup's lengths of time."""
        return RollupParameters(*await self._call("parameters"))

    async def bridge(self) -> ChecksumAddress:
        """Address of the vault that pays for this rollup."""
        return to_checksum_address(await self._call("bridge"))

    async def queue(self) -> ChecksumAddress:
        """Address of the queue that this rollup takes items from."""
        return to_checksum_address(await self._call("queue"))

    async def proposer_policy(self) -> ChecksumAddress | None:
        """Address of the contract that says who may commit; None: commits need their proof."""
        address = to_checksum_address(await self._call("proposerPolicy"))
        return None if int(address, 16) == 0 else address

    async def verifiers(self) -> dict[ChecksumAddress, Layout]:
        """The fixed set of verifiers, which is read once."""
        if self._members is None:
            self._members = {
                to_checksum_address(member): Layout(
                    await self._call("laneCount", member), DataMode(await self._call("dataMode", member))
                )
                for member in await self._call("verifiers")
            }
        return self._members

    def commit(self, commit: CommitInput) -> TxParams:
        """Transaction that commits an epoch, to be proven later."""
        return self._transaction("commit", commit.to_abi())

    def prove(
        self,
        record: EpochRecord,
        fee_assets: Sequence[int],
        fee_totals: Sequence[int],
        beneficiary: ChecksumAddress,
        proof: bytes,
        queue_fees: int = 0,
    ) -> TxParams:
        """Transaction that proves the oldest pending epoch.

        Args:
            queue_fees: wei that the forced items of the epoch brought.
        """
        fees = (list(fee_assets), list(fee_totals), queue_fees)
        return self._transaction("prove", record_to_abi(record), fees, beneficiary, proof)

    def commit_and_prove(self, commit: CommitInput, beneficiary: ChecksumAddress, proof: bytes) -> TxParams:
        """Transaction that commits and proves an epoch when none is pending."""
        return self._transaction("commitAndProve", commit.to_abi(), beneficiary, proof)

    def prune(self, record: EpochRecord) -> TxParams:
        """Transaction that removes all pending epochs, as the oldest one's deadline is over."""
        return self._transaction("prune", record_to_abi(record))

    def freeze(self, pending: EpochRecord | None = None) -> TxParams:
        """Transaction that ends the rollup for good.

        Args:
            pending: record of the oldest pending epoch if its age is the reason, None if it is the age of the
                queue's first item.
        """
        return self._transaction("freeze", [] if pending is None else [record_to_abi(pending)])

    def pause_epochs(self, blocks: int) -> TxParams:
        """Transaction of the owner that refuses new epochs for so many L1 blocks."""
        return self._transaction("pauseEpochs", blocks)

    def resume_epochs(self) -> TxParams:
        """Transaction of the owner that ends a pause early."""
        return self._transaction("resumeEpochs")

    def schedule_verifier(self, member: ChecksumAddress, open_: bool) -> TxParams:
        """Transaction of the owner that opens or closes a member of the fixed set, `switch_delay` later."""
        return self._transaction("scheduleVerifier", member, open_)

    def decode(self, log: LogReceipt) -> Event | None:
        """Typed event of a log of this contract; None for those that nobody follows."""
        found = self._read_log(log)
        if found is None:
            return None
        (name, arguments), position = found, position_of(log)
        match name:
            case "EpochCommitted":
                record = record_from_abi(list(arguments["record"].values()))
                return ReceivedCommit(position, arguments["id"], bytes(arguments["recordHash"]), record)
            case "EpochProven":
                beneficiary = bytes.fromhex(arguments["beneficiary"][2:])
                return ReceivedProof(position, arguments["id"], bytes(arguments["recordHash"]), beneficiary)
            case "EpochsPruned":
                return ReceivedPruning(position, arguments["first"], arguments["last"])
            case "Frozen":
                return ReceivedFreeze(position, arguments["id"], bytes(arguments["recordHash"]))
            case _:
                return None

    async def published(self, transaction_hash: bytes) -> PublishedEpoch | None:
        """What a commit's transaction holds; None if it did not call this contract directly."""
        try:
            transaction = await self.web3.eth.get_transaction(HexBytes(transaction_hash))
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        if transaction.get("to") != self.address:
            return None
        call = read_commit(bytes(HexBytes(transaction["input"])))
        if call is None:
            return None
        blobs = transaction.get("blobVersionedHashes") or [HexBytes(b"")]
        return PublishedEpoch(
            to_checksum_address(call.verifier), call.words, call.client_proofs, bytes(blobs[0])
        )

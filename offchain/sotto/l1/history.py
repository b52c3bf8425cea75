"""What L1 holds of a rollup, read back and checked: records of epochs, their words, the items of the queue.

Logs and old transactions come from a source that need not be trusted: every record is compared with the hash
in the rollup's storage, the words of an epoch with its record (z is a hash of all of them, or of the name of
the blob that has them), and each item with its slot in the queue. Such a source can withhold, and then the
error says what is missing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from eth_abi.exceptions import DecodingError
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3 import AsyncWeb3
from web3.exceptions import TransactionNotFound, Web3Exception
from web3.types import LogReceipt

from sotto.l1.blobs import BlobReader, BlobReference, RpcBlobs
from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.discovery import creation_block
from sotto.l1.errors import BlobsMissing, HistoryIncomplete, HistoryMismatch, L1Unavailable
from sotto.l1.events import QueueEvent, ReceivedCommit, ReceivedDeposit
from sotto.l1.logs import LogReader
from sotto.l1.queue import L1QueueContract
from sotto.l1.rollup import PublishedEpoch, RollupContract
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import Field
from sotto.protocol.forced import decode_forced
from sotto.protocol.l1 import EpochRecord, QueueItem, compute_domain, deposit_item, forced_item
from sotto.protocol.notes import Deposit
from sotto.protocol.words import DataMode, Layout, compute_z, l1_words_length

QUESTIONS: Final = 8
"""Old transactions that are asked for at the same time."""

_SLOTS: Final = 256
_HASH_BYTES: Final = 32

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class HistoricEpoch:
    """An epoch as its commit published it, checked against its record.

    Attributes:
        words: all of them, encoded, for `lanes` lanes (docs/spec/05-epoch.md).
        transaction: hash of the commit's transaction, 32 bytes.
        blob: versioned hash of the blob with the data words; empty if they are in the calldata.
    """

    record: EpochRecord
    words: bytes
    lanes: int
    client_proofs: tuple[bytes, ...]
    transaction: bytes
    blob: bytes = b""


@dataclass(frozen=True, slots=True)
class CommittedRecord:
    """A record whose hash is in the rollup's storage, and the transaction that committed it."""

    record: EpochRecord
    transaction: bytes


class History:
    """Reads one rollup as of one block. Make it with `open`.

    Every method raises L1Unavailable, HistoryIncomplete, HistoryMismatch; where words are read, also
    BlobsMissing and BlobUnreadable.

    Attributes:
        block: the L1 block as of which everything is read.
        head, proven: last committed and last proven epoch in that block.
    """

    def __init__(
        self,
        rollup: RollupContract,
        queue: L1QueueContract,
        source: AsyncWeb3[Any],
        block: int,
        domain: int,
        status: tuple[int, int],
        progress: Progress,
    ) -> None:
        self.rollup, self.queue, self.block, self.domain = rollup, queue, block, domain
        self.head, self.proven = status
        self._reader = LogReader(source)
        self._archive = RollupContract(source, rollup.address)
        self._archive_queue = L1QueueContract(source, queue.address)
        self._progress = progress
        self._blobs = BlobReader([RpcBlobs(source)])
        self._deployed: int | None = None
        self._records: list[CommittedRecord] = []

    @classmethod
    async def open(
        cls,
        web3: AsyncWeb3[Any],
        rollup: bytes,
        source: AsyncWeb3[Any] | None = None,
        progress: Progress = lambda _phase, _share: None,
    ) -> Self:
        """The history of the rollup at an address of 20 bytes, as of the newest block.

        `web3` is believed about the storage of contracts, `source` about nothing; that one alone is asked for
        blobs before `read_blobs_from`. Raises DeploymentInvalid when there is no contract, or one of another
        domain.
        """
        contract = RollupContract(web3, to_checksum_address(rollup))
        await contract.check_code()
        try:
            chain_id, block = await web3.eth.chain_id, await web3.eth.block_number
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        queue = L1QueueContract(web3, await contract.queue())
        status = await contract.status(block)
        domain = compute_domain(chain_id, rollup)
        return cls(contract, queue, source or web3, block, domain, status, progress)

    def read_blobs_from(self, blobs: BlobReader) -> None:
        """Ask other sources from now on: of some, L1 must be read before they can be opened."""
        self._blobs = blobs

    async def records(self, first_block: int | None = None) -> list[CommittedRecord]:
        """All records from genesis to the last committed epoch, in order of their ids.

        Args:
            first_block: no later than the block of the deployment; None: it is searched for.
        """
        if self._records:
            return list(self._records)
        if first_block is None:
            first_block = await self._deployment_block()
        logs = await self._logs(self.rollup.address, first_block, "reading records")
        found: dict[bytes, CommittedRecord] = {}
        for log in logs:
            event = self._decode(self._archive.decode, log)
            if isinstance(event, ReceivedCommit):
                found[event.record.hash()] = CommittedRecord(event.record, event.position.transaction_hash)
        wanted = await self.rollup.record_hash(self.head, self.block)
        records: list[CommittedRecord] = []
        for epoch in range(self.head, -1, -1):
            committed = found.get(wanted)
            if committed is None:
                raise HistoryIncomplete(f"the commit of epoch {epoch} with record 0x{wanted.hex()}")
            if committed.record.id != epoch:
                raise HistoryMismatch(f"the record of epoch {epoch} names epoch {committed.record.id}")
            records.append(committed)
            wanted = committed.record.parent
        # They are as of one block, and archives need them again.
        self._records = records[::-1]
        return list(self._records)

    async def epochs(self, records: Sequence[CommittedRecord]) -> AsyncIterator[HistoricEpoch]:
        """What the commits of these records have published, in their order; genesis has nothing."""
        wanted = [committed for committed in records if committed.record.id]
        for start in range(0, len(wanted), QUESTIONS):
            several = wanted[start : start + QUESTIONS]
            found = await asyncio.gather(
                *(self._epoch(committed) for committed in several), return_exceptions=True
            )
            for epoch in _complete(found):
                yield epoch
            self._progress("reading epochs", (start + len(several)) / len(wanted))

    async def items(self, start: int, first_block: int | None = None) -> list[QueueEvent]:
        """The items of the queue from an index on, in order; see `records` for `first_block`."""
        if first_block is None:
            first_block = await self._deployment_block()
        length = await self.queue.length(self.block)
        if start >= length:
            return []
        logs = await self._logs(self.queue.address, first_block, "reading the queue")
        events = {}
        for log in logs:
            event = self._decode(self._archive_queue.decode, log)
            if event is not None and event.index >= start:
                events[event.index] = event
        checked: list[QueueEvent] = []
        for first in range(start, length, _SLOTS):
            slots = await self.queue.slots(first, min(_SLOTS, length - first), self.block)
            for index, slot in enumerate(slots, first):
                if index not in events:
                    raise HistoryIncomplete(f"the event of queue item {index}")
                event = events[index]
                if self._item(event).slot(event.position.block_number) != slot:
                    raise HistoryMismatch(f"the event of queue item {index} is not what the queue holds")
                checked.append(event)
        return checked

    async def _deployment_block(self) -> int:
        """The block of the queue, which is there before the rollup; 0 when L1 lacks the states to tell."""
        if self._deployed is None:
            try:
                web3 = self.rollup.web3
                self._deployed = await creation_block(web3, self.queue.address, self.block)
            except TRANSPORT_ERRORS:
                self._deployed = 0
        return self._deployed

    def _item(self, event: QueueEvent) -> QueueItem:
        try:
            return queue_item(event, self.domain)
        except ProtocolError as error:
            raise HistoryMismatch(f"the event of queue item {event.index}: {error}") from error

    async def _epoch(self, committed: CommittedRecord) -> HistoricEpoch:
        record = committed.record
        try:
            published = await self._archive.published(committed.transaction)
        except L1Unavailable as error:
            if isinstance(error.__cause__, TransactionNotFound):
                raise HistoryIncomplete(f"the transaction that committed epoch {record.id}") from error
            raise
        except (Web3Exception, ValueError, KeyError, TypeError, AttributeError) as error:
            raise HistoryMismatch(f"the transaction that committed epoch {record.id}: {error}") from error
        if published is None:
            raise HistoryMismatch(f"the transaction that committed epoch {record.id} is no commit")
        check_words(record, published, self.domain)
        layout = await self.layout(record)
        words = await read_words(record.id, published, layout, record.commit_block, self._blobs)
        return HistoricEpoch(
            record, words, layout.lanes, published.client_proofs, committed.transaction, published.blob
        )

    async def layout(self, record: EpochRecord) -> Layout:
        """That of an epoch, from its verifier."""
        return (await self.rollup.verifiers())[to_checksum_address(record.verifier)]

    async def _logs(self, address: ChecksumAddress, first_block: int, phase: str) -> list[LogReceipt]:
        logs: list[LogReceipt] = []
        async for last, part in self._reader.read(address, first_block, self.block):
            logs += part
            self._progress(phase, (last + 1 - first_block) / (self.block + 1 - first_block))
        return logs

    def _decode(self, decoder: Callable[[LogReceipt], Any], log: LogReceipt) -> Any:
        try:
            return decoder(log)
        except (*TRANSPORT_ERRORS, DecodingError, ValueError, KeyError, TypeError) as error:
            raise HistoryMismatch(f"a log cannot be read: {type(error).__name__}: {error}") from error


def _complete(found: Sequence[HistoricEpoch | BaseException]) -> list[HistoricEpoch]:
    """Raise BlobsMissing with all blobs that are missing, unless something else went wrong, too."""
    failures = [each for each in found if isinstance(each, BaseException)]
    missing = [failure for failure in failures if isinstance(failure, BlobsMissing)]
    if len(missing) < len(failures):
        raise next(failure for failure in failures if failure not in missing)
    if missing:
        hashes = {epoch: name for failure in missing for epoch, name in failure.hashes.items()}
        causes = {str(cause): cause for failure in missing for cause in failure.causes}
        raise BlobsMissing(hashes, list(causes.values()))
    return [each for each in found if not isinstance(each, BaseException)]


async def read_words(
    epoch: int, published: PublishedEpoch, layout: Layout, block: int, blobs: BlobReader
) -> bytes:
    """All words of an epoch as bytes, those of its blob, too, which an L1 block has.

    Raises HistoryMismatch if what is published has another layout, L1Unavailable, BlobsMissing,
    BlobUnreadable.
    """
    if layout.data_mode == DataMode.CALLDATA:
        return published.words
    # z does not tell where the L1 words end and the hash begins.
    if (len(published.words), len(published.blob)) != (l1_words_length(layout.lanes), _HASH_BYTES):
        raise HistoryMismatch(f"the transaction that committed epoch {epoch} names no blob")
    wanted = BlobReference(epoch, layout.lanes, published.blob, block)
    return published.words + await blobs.data_words(wanted)


def check_words(record: EpochRecord, published: PublishedEpoch, domain: int) -> None:
    """Refuse words that are not those of an epoch's record. Raises HistoryMismatch.

    z is a hash of domain, c and all words, or the L1 words and the blob's versioned hash: nobody finds others
    for the c and z of a record.
    """
    if compute_z(domain, record.c, published.words + published.blob) != record.z:
        raise HistoryMismatch(f"the words of epoch {record.id} are not those of its record")
    if bytes.fromhex(published.verifier[2:]) != record.verifier:
        raise HistoryMismatch(f"epoch {record.id} was not committed for verifier {published.verifier}")


def queue_item(event: QueueEvent, domain: int) -> QueueItem:
    """The item that the queue made with an event. Raises ProtocolError for what it would not take."""
    if isinstance(event, ReceivedDeposit):
        deposit = Deposit(Field(event.partial), event.asset, event.value)
        return deposit_item(deposit, event.depositor, event.ciphertext)
    return forced_item(decode_forced(event.transaction, domain), event.sender, event.transaction)

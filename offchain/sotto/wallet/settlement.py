"""What a wallet does on L1: compare epochs with the rollup's records, deposit, claim."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import BlockNumber, ChecksumAddress
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.types import LogReceipt, TxParams, TxReceipt

from sotto.l1.blobs import ANSWER_SECONDS, BlobReader, BlobReference, BlobSource, RpcBlobs
from sotto.l1.bridge import ETH, BridgeContract, Claim
from sotto.l1.connection import connect
from sotto.l1.contract import TRANSPORT_ERRORS
from sotto.l1.contract import translate as translate_transport
from sotto.l1.errors import (
    BlobsMissing,
    BlobSourceFailed,
    ContractRejected,
    L1Error,
    L1Unavailable,
    TransactionReverted,
    TransactionTimeout,
)
from sotto.l1.events import QueueEvent, ReceivedCommit, ReceivedDeposit, ReceivedForced
from sotto.l1.history import read_words
from sotto.l1.queue import ForceInput, L1QueueContract
from sotto.l1.rollup import PublishedEpoch, RollupContract
from sotto.l1.sender import Sender, SignedTransaction
from sotto.l1.token import TokenContract
from sotto.l1.watcher import LOG_RANGE
from sotto.protocol.l1 import EpochRecord, compute_domain
from sotto.protocol.words import EpochWords, decode_words
from sotto.wallet.amounts import Asset
from sotto.wallet.client import NodeClient
from sotto.wallet.errors import (
    AnchorTooOld,
    L1NotConfigured,
    L1Rejected,
    L1Unconfirmed,
    L1Unreachable,
    QueueFeeRisen,
    RollupFrozen,
    StaleSuccessor,
    StateMismatch,
    WalletError,
    WrongDeployment,
)
from sotto.wallet.receipts import L1Receipt, QueuedItem

QUEUE_FEE_MARGIN: Final = 2
"""Times the queue's fee of now are sent along, as it rises with L1's gas price; the rest comes back."""

_ATTEMPTS: Final = 5
_PAUSE_SECONDS: Final = 0.5


class Settlement:
    """The contracts of one deployment, reached from the rollup's address.

    Args:
        url: JSON-RPC endpoint.
        rollup: address, 20 bytes.
        account: pays gas, and is the depositor; None to read only.
        node: it is asked for blobs before L1's client, and not believed; None: only that one is asked.
        patience_seconds: how long a transaction is waited for.

    Every method raises L1Unreachable; transactions raise L1Rejected, L1Unconfirmed and L1NotConfigured.
    """

    def __init__(
        self,
        url: str,
        rollup: bytes,
        account: LocalAccount | None = None,
        *,
        node: NodeClient | None = None,
        patience_seconds: float = 120,
    ) -> None:
        self._patience_seconds = patience_seconds
        self._web3 = connect(url)
        sources: list[BlobSource] = [] if node is None else [_NodeWords(node)]
        self._blobs = BlobReader([*sources, RpcBlobs(self._web3)])
        self._address = rollup
        self._rollup = RollupContract(self._web3, to_checksum_address(rollup))
        self._account = account
        self._sender = None if account is None else Sender(self._web3, account)
        self._bridge: BridgeContract | None = None
        self._queue: L1QueueContract | None = None

    async def connect(self, domain: int) -> None:
        """Check that chain and rollup are those of a domain. Raises WrongDeployment."""
        try:
            chain_id = await self._web3.eth.chain_id
        except Exception as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
        if compute_domain(chain_id, self._address) != domain:
            raise WrongDeployment(
                f"chain {chain_id} and rollup {self._rollup.address} are another deployment"
            )
        try:
            await self._rollup.check_code()
            bridge = await self._rollup.bridge()
            queue = await self._rollup.queue()
        except L1Error as error:
            raise translate(error) from error
        self._bridge = BridgeContract(self._web3, bridge)
        self._queue = L1QueueContract(self._web3, queue)

    async def close(self) -> None:
        """Close the connection."""
        await self._web3.provider.disconnect()

    @property
    def address(self) -> ChecksumAddress:
        """The account's L1 address. Raises L1NotConfigured."""
        if self._account is None:
            raise L1NotConfigured("there is no L1 key")
        return self._account.address

    async def has_epoch(self, epoch: int, record_hash: bytes) -> bool:
        """Whether an epoch is proven on L1 with this record."""
        try:
            return await self._rollup.is_proven(epoch, record_hash)
        except L1Error as error:
            raise translate(error) from error

    async def check_epoch(self, epoch: int, record_hash: bytes) -> None:
        """Compare with the rollup's record. Raises StateMismatch."""
        for _ in range(_ATTEMPTS):
            if await self.has_epoch(epoch, record_hash):
                return
            if await self._proven() >= epoch:
                break
            # The endpoint may be a moment behind the node.
            await asyncio.sleep(_PAUSE_SECONDS)
        raise StateMismatch(f"L1 has not proven the epoch {epoch} that the node shows")

    async def _proven(self) -> int:
        try:
            return (await self._rollup.status())[1]
        except L1Error as error:
            raise translate(error) from error

    async def clock(self, epoch: int) -> tuple[int, int]:
        """The last L1 block, and the lowest `now` that an epoch after the proven one `epoch` can have.

        The second is 0 as long as L1 has other epochs, whose clocks are not known here.
        """
        try:
            block = await self._web3.eth.block_number
            head, _ = await self._rollup.status(block)
            window = (await self._rollup.parameters()).clock_window
        except L1Error as error:
            raise translate(error) from error
        except TRANSPORT_ERRORS as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
        return block, block + 1 - window if head == epoch else 0

    async def final_block(self) -> int:
        """Number of the last L1 block that cannot be lost; 0 before there is one. Raises L1Unreachable."""
        try:
            return (await self._web3.eth.get_block("finalized"))["number"]
        except BlockNotFound:
            return 0
        except TRANSPORT_ERRORS as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error

    async def words(self, record: EpochRecord) -> EpochWords | None:
        """What the commit of a proven epoch has published.

        None when it did not call the rollup directly, or when nobody who is asked has its blob.
        """
        block = BlockNumber(record.commit_block)
        try:
            logs = await self._web3.eth.get_logs(
                {"address": self._rollup.address, "fromBlock": block, "toBlock": block}
            )
            events = [self._rollup.decode(log) for log in logs]
            for event in events:
                if isinstance(event, ReceivedCommit) and event.record_hash == record.hash():
                    published = await self._rollup.published(event.position.transaction_hash)
                    return None if published is None else await self._words(record, published)
        except BlobsMissing:
            return None
        except L1Error as error:
            raise translate(error) from error
        except TRANSPORT_ERRORS as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
        return None

    async def _words(self, record: EpochRecord, published: PublishedEpoch) -> EpochWords:
        """Raises L1Error, BlobsMissing."""
        layout = (await self._rollup.verifiers())[published.verifier]
        encoded = await read_words(record.id, published, layout, record.commit_block, self._blobs)
        return decode_words(encoded, layout.lanes)

    async def check_asset(self, asset: Asset) -> None:
        """Compare a token with what bridge and token say of it. Raises StateMismatch."""
        bridge, _ = self._contracts()
        if asset.asset == ETH:
            return
        try:
            token = (await bridge.asset(asset.asset)).token
            contract = TokenContract(self._web3, token)
            decimals, symbol = await contract.decimals(), await contract.symbol()
        except L1Error as error:
            raise translate(error) from error
        if (token.lower(), decimals, symbol) != (asset.address, asset.decimals, asset.symbol):
            raise StateMismatch(
                f"asset {asset.asset} is token {token}, {symbol[:40]!r} with {decimals} decimals, on L1"
            )

    async def deposits(self, start: int) -> tuple[list[ReceivedDeposit], int]:
        """Deposits in the queue from item `start` on, in order, and the number of items looked at in all."""
        _, queue = self._contracts()
        found: list[ReceivedDeposit] = []
        try:
            end, head = await queue.length(), await self._web3.eth.block_number
            while start < end:
                first = (await queue.item(start))[1]
                last = min(first + LOG_RANGE - 1, head)
                logs = await self._web3.eth.get_logs(
                    {"address": queue.address, "fromBlock": BlockNumber(first), "toBlock": BlockNumber(last)}
                )
                events = [event for log in logs if isinstance(event := queue.decode(log), ReceivedDeposit)]
                found += events
                start = max([start, *(event.index + 1 for event in events)])
                # What is left of this range are forced transactions.
                while start < end and (await queue.item(start))[1] <= last:
                    start += 1
        except L1Error as error:
            raise translate(error) from error
        except TRANSPORT_ERRORS as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
        return found, start

    async def approve(self, asset: int, value: int) -> L1Receipt | None:
        """Let the bridge take exactly `value` of a token; None when that needs no transaction."""
        bridge, _ = self._contracts()
        if asset == ETH:
            return None
        try:
            token = TokenContract(self._web3, (await bridge.asset(asset)).token)
            if await token.allowance(self.address, bridge.address) >= value:
                return None
        except L1Error as error:
            raise translate(error) from error
        return _receipt(await self._send(token.approve(bridge.address, value)))

    async def sign_deposit(
        self, asset: int, value: int, partial: int, ciphertext: bytes
    ) -> SignedTransaction:
        """A deposit's transaction, to be stored before it is sent."""
        bridge, _ = self._contracts()
        if asset == ETH:
            transaction = bridge.deposit_eth(value, partial, ciphertext)
        else:
            transaction = bridge.deposit(asset, value, partial, ciphertext)
        return await self._sign(transaction)

    async def send_deposit(self, signed: SignedTransaction, partial: int) -> QueuedItem:
        """Send a signed deposit. Raises L1Rejected when it reverts, else L1Unconfirmed when it fails."""
        return self._queued(await self._deliver(signed), _is_deposit(partial))

    async def find_deposit(self, signed: SignedTransaction, sender: str, partial: int) -> QueuedItem | None:
        """What became of a deposit; None while that is open, and then it is sent again if there is a key.

        Raises L1Rejected when it has failed, or its nonce belongs to another transaction for good.
        """
        return await self._find(signed, sender, _is_deposit(partial))

    async def queue_fee(self) -> int:
        """Wei that one more forced transaction pays the queue."""
        _, queue = self._contracts()
        try:
            return await queue.force_fee()
        except L1Error as error:
            raise translate(error) from error

    async def sign_forced(
        self, transaction: bytes, proof: bytes, anchor_record: EpochRecord, value: int
    ) -> SignedTransaction:
        """The L1 transaction that queues a forced one, to be stored before it is sent.

        Raises StaleSuccessor when an epoch was committed meanwhile, AnchorTooOld, QueueFeeTooHigh,
        RollupFrozen.

        Args:
            value: wei for the queue; what is above its fee comes back.
        """
        _, queue = self._contracts()
        try:
            successor = await self._successor(anchor_record)
            forced = ForceInput(transaction, proof, anchor_record, successor)
        except L1Error as error:
            raise translate(error) from error
        return await self._sign(queue.force(forced, value))

    async def send_forced(self, signed: SignedTransaction, transaction: bytes) -> QueuedItem:
        """Send it. Raises L1Rejected when it reverts, as `sign_forced`; else L1Unconfirmed when it fails."""
        return self._queued(await self._deliver(signed), _is_forced(transaction))

    async def find_forced(
        self, signed: SignedTransaction, sender: str, transaction: bytes, outbid: Sequence[bytes] = ()
    ) -> QueuedItem | None:
        """What became of it, as `find_deposit`.

        Args:
            outbid: hashes of those of the same nonce that `signed` was to replace; L1 may have taken one.
        """
        return await self._find(signed, sender, _is_forced(transaction), outbid)

    async def outbid_forced(
        self, signed: SignedTransaction, sender: str, limit: int
    ) -> SignedTransaction | None:
        """One of the same nonce that pays more, to be stored before it is sent.

        None when L1 asks no more than `signed` offers, or would refuse it now, or the account is not that of
        `sender`: then it is left to what was sent.

        Args:
            limit: wei that the queue may ask at most.
        """
        if self._sender is None or self.address != sender:
            return None
        _, queue = self._contracts()
        try:
            if not await self._sender.is_outpriced(signed.raw):
                return None
            sent = TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()
            old = queue.read_force(bytes(cast(bytes, sent["data"])))
            # The queue's fee rises with L1's gas price, too, and epochs were committed meanwhile.
            successor = await self._successor(old.anchor_record)
            value = max(int(cast(int, sent["value"])), min(limit, await queue.force_fee() * QUEUE_FEE_MARGIN))
            call = queue.force(replace(old, successor=successor), value)
            return await self._sender.sign(call, signed.nonce, signed.raw)
        except ContractRejected:
            return None
        except L1Error as error:
            raise translate(error) from error

    async def resend(self, signed: SignedTransaction) -> None:
        """Send it again if there is a key; what comes of it is seen when it is looked for the next time."""
        if self._sender is not None:
            # L1 takes one nonce once, so that nothing happens twice.
            with contextlib.suppress(L1Error):
                await self._sender.broadcast(signed)

    async def _successor(self, record: EpochRecord) -> EpochRecord | None:
        head, _ = await self._rollup.status()
        if head == record.id:
            return None
        wanted = await self._rollup.record_hash(record.id + 1)
        start, last = record.commit_block, await self._block_number()
        while start <= last:
            end = min(start + LOG_RANGE - 1, last)
            for log in await self._logs(self._rollup.address, start, end):
                event = self._rollup.decode(log)
                if isinstance(event, ReceivedCommit) and event.record.hash() == wanted:
                    return event.record
            start = end + 1
        raise L1Unavailable(f"the L1 node does not show the commit of epoch {record.id + 1}")

    async def _block_number(self) -> int:
        try:
            return await self._web3.eth.block_number
        except TRANSPORT_ERRORS as error:
            raise translate_transport(error) from error

    async def _logs(self, address: ChecksumAddress, first: int, last: int) -> list[LogReceipt]:
        try:
            return await self._web3.eth.get_logs(
                {"address": address, "fromBlock": BlockNumber(first), "toBlock": BlockNumber(last)}
            )
        except TRANSPORT_ERRORS as error:
            raise translate_transport(error) from error

    async def _sign(self, transaction: TxParams) -> SignedTransaction:
        if self._sender is None:
            raise L1NotConfigured("there is no L1 key")
        try:
            nonce = await self._web3.eth.get_transaction_count(self.address, "pending")
            return await self._sender.sign(transaction, nonce)
        except L1Error as error:
            raise translate(error) from error
        except TRANSPORT_ERRORS as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error

    async def _deliver(self, signed: SignedTransaction) -> TxReceipt:
        if self._sender is None:
            raise L1NotConfigured("there is no L1 key")
        try:
            await self._sender.broadcast(signed)
            return await self._sender.confirm(signed, self._patience_seconds)
        except TransactionReverted as error:
            raise translate(error) from error
        except L1Error as error:
            raise L1Unconfirmed(f"0x{signed.hash.hex()}: {str(error)[:300]}") from error

    async def _find(
        self,
        signed: SignedTransaction,
        sender: str,
        wanted: Callable[[QueueEvent], bool],
        outbid: Sequence[bytes] = (),
    ) -> QueuedItem | None:
        try:
            used = await self._web3.eth.get_transaction_count(to_checksum_address(sender), "finalized")
            receipts = [await self._receipt(digest) for digest in (signed.hash, *outbid)]
        except TRANSPORT_ERRORS as error:
            raise L1Unreachable(f"{type(error).__name__}: {str(error)[:200]}") from error
        # They have one nonce, so that a block has one of them at most.
        receipt = next((found for found in receipts if found is not None), None)
        if receipt is None:
            if used > signed.nonce:
                raise L1Rejected("another transaction of the L1 account has taken its place")
            await self.resend(signed)
            return None
        if receipt["status"] != 1:
            raise L1Rejected("the L1 transaction was reverted")
        return replace(self._queued(receipt, wanted), final=used > signed.nonce)

    async def _receipt(self, digest: bytes) -> TxReceipt | None:
        try:
            return await self._web3.eth.get_transaction_receipt(HexBytes(digest))
        except TransactionNotFound:
            return None

    def _queued(self, receipt: TxReceipt, wanted: Callable[[QueueEvent], bool]) -> QueuedItem:
        _, queue = self._contracts()
        for log in receipt["logs"]:
            event = queue.decode(log) if log["address"] == queue.address else None
            if event is not None and wanted(event):
                return QueuedItem(event.index, _receipt(receipt))
        raise L1Rejected("the L1 transaction succeeded without queueing the item")

    async def claim(self, claim: Claim) -> L1Receipt:
        """Pay a withdrawal to its recipient; anyone may."""
        bridge, _ = self._contracts()
        return _receipt(await self._send(bridge.claim(claim)))

    async def is_claimed(self, epoch: int, lane: int) -> bool:
        """Whether a withdrawal was paid."""
        bridge, _ = self._contracts()
        try:
            return await bridge.is_claimed(epoch, lane)
        except L1Error as error:
            raise translate(error) from error

    async def _send(self, transaction: TxParams) -> TxReceipt:
        if self._sender is None:
            raise L1NotConfigured("there is no L1 key")
        try:
            return await self._sender.send(transaction, self._patience_seconds)
        except L1Error as error:
            raise translate(error) from error

    def _contracts(self) -> tuple[BridgeContract, L1QueueContract]:
        if self._bridge is None or self._queue is None:
            raise L1NotConfigured("the contracts are not connected yet")
        return self._bridge, self._queue


_CAUSES: Final[Mapping[str, type[L1Rejected]]] = {
    "RollupFrozen": RollupFrozen,
    "AnchorExpired": AnchorTooOld,
    "ExpiryInvalid": AnchorTooOld,
    "FeeTooLow": QueueFeeRisen,
    "WrongSuccessorCount": StaleSuccessor,
    "SuccessorMismatch": StaleSuccessor,
    "EpochNotProven": StaleSuccessor,
}
"""What the queue refuses, by the contract's error."""


class _NodeWords:
    """Data words from the wallet's node, by the way on which it is reached."""

    name = "the wallet's node"

    def __init__(self, client: NodeClient) -> None:
        self._client = client

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        try:
            # The client bounds each part of an answer, but not how long all of them take.
            async with asyncio.timeout(ANSWER_SECONDS):
                words = await self._client.blob_words(wanted.hash)
        except (WalletError, TimeoutError) as error:
            raise BlobSourceFailed(f"{self.name}: {str(error) or type(error).__name__}") from error
        return [] if words is None else [words]


def translate(error: L1Error) -> L1Rejected | L1Unreachable | L1Unconfirmed:
    """The wallet's error for one of L1."""
    if isinstance(error, TransactionTimeout):
        return L1Unconfirmed(str(error)[:500])
    if isinstance(error, ContractRejected | TransactionReverted):
        return _CAUSES.get(error.cause_name, L1Rejected)(str(error)[:500])
    if isinstance(error, L1Unavailable):
        return L1Unreachable(str(error)[:500])
    return L1Rejected(f"{type(error).__name__}: {str(error)[:500]}")


def _is_deposit(partial: int) -> Callable[[QueueEvent], bool]:
    return lambda event: isinstance(event, ReceivedDeposit) and event.partial == partial


def _is_forced(transaction: bytes) -> Callable[[QueueEvent], bool]:
    return lambda event: isinstance(event, ReceivedForced) and event.transaction == transaction


def _receipt(receipt: TxReceipt) -> L1Receipt:
    return L1Receipt(
        "0x" + bytes(receipt["transactionHash"]).hex(), receipt["gasUsed"], receipt["blockNumber"]
    )

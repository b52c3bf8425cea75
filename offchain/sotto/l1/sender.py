"""Signed transactions of one account: nonces without gaps, gas with a margin, failures with names.

A transaction is first signed and only then sent, so that the caller can store it in between: whoever finds it
in the database after a crash sends the same bytes again, and L1 takes one nonce once.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import AsyncWeb3
from web3.exceptions import TransactionNotFound, Web3RPCError
from web3.types import BlockIdentifier, RPCEndpoint, TxParams, TxReceipt

from sotto.l1.blob_transaction import BLOB_TYPE, Wrapper, is_blob_transaction, unwrap, wrap, wrapper_of
from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import FeeCapReached, L1Error, L1Unavailable, TransactionReverted, TransactionTimeout
from sotto.l1.interface import rejection
from sotto.protocol.kzg import CommittedBlob

GAS_CAP = 2**24
"""Gas of one transaction at most (EIP-7825)."""

RAISE_PERCENT = 125
"""Fees of a replacement against those of what it replaces; clients refuse less than 110."""

BLOB_RAISE_PERCENT = 200
"""All three fees of a replacement with blobs; clients refuse less."""

BLOB_FEE_ROOM = 4
"""The blob fee that is offered against the next block's: it rises by at most an eighth a block, and to raise
an offer doubles the other fees too."""

FEE_REFUSALS = ("underpriced", "replacement", "base fee", "blob gas fee", "gas price", "feetoolow")
"""What clients say of a transaction that offers too little, in small letters; they have no code for it."""

_CONFIGURATION: Final = RPCEndpoint("eth_config")


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A signed transaction as it is sent, with its blob if it has one; its hash is known before."""

    raw: bytes
    hash: bytes
    nonce: int


@dataclass(slots=True)
class _Attempt:
    """The transactions that `send` signed for a call, oldest first; as of one nonce, L1 takes one at most."""

    call: tuple[object, ...]
    signed: list[SignedTransaction] = field(default_factory=list)


class Sender:
    """Sends transactions of one account, which nothing else may use at the same time.

    Args:
        gas_margin: factor on the estimated gas; what is not used is not paid.
        max_fee: wei that a unit of gas may cost at most, tip included; None: whatever L1 asks.
        max_blob_fee: the same for a unit of blob gas, of which a blob takes 131,072.
        poll_seconds: pause between two questions for a receipt.
        resend_seconds: pause after which `confirm` sends the same bytes again.
    """

    def __init__(
        self,
        web3: AsyncWeb3[Any],
        account: LocalAccount,
        *,
        gas_margin: float = 1.25,
        max_fee: int | None = None,
        max_blob_fee: int | None = None,
        poll_seconds: float = 0.2,
        resend_seconds: float = 15,
    ) -> None:
        self._web3 = web3
        self._account = account
        self._gas_margin = gas_margin
        self._max_fee = max_fee
        self._max_blob_fee = max_blob_fee
        self._poll_seconds = poll_seconds
        self._resend_seconds = resend_seconds
        self._lock = asyncio.Lock()
        self._unconfirmed: _Attempt | None = None

    @property
    def address(self) -> ChecksumAddress:
        """Address of the account."""
        return self._account.address

    async def next_nonce(self, block: BlockIdentifier = "latest") -> int:
        """The nonce after all transactions in blocks, up to one of them. Raises L1Unavailable."""
        try:
            return await self._web3.eth.get_transaction_count(self.address, block)
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    async def sign(
        self,
        transaction: TxParams,
        nonce: int,
        replaces: bytes | None = None,
        blob: CommittedBlob | None = None,
    ) -> SignedTransaction:
        """Estimate gas and fees, and sign.

        Raises ContractRejected if the transaction would revert, FeeCapReached, L1Unavailable.

        Args:
            transaction: its `gas`, if it names any, is the least that is offered. An estimate is the least
                with which a call does not revert, and one that tries many payments never does.
            replaces: a signed transaction of the same nonce that is stuck, to be outbid.
            blob: the one blob that it brings. What replaces a transaction with a blob brings that one if none
                is named, as clients take nothing else in its place.
        """
        if blob is None and replaces is not None and is_blob_transaction(replaces):
            _, blob, _ = unwrap(replaces)
        bid = None if replaces is None else _Bid.of(replaces)
        filled: dict[str, Any] = {**transaction, "from": self.address, "nonce": nonce}
        least_gas = filled.pop("gas", 0)
        if blob is not None:
            filled["blobVersionedHashes"] = [HexBytes(blob.versioned_hash)]
        try:
            estimate = await self._web3.eth.estimate_gas(cast(TxParams, filled))
            head = await self._web3.eth.get_block("latest")
            tip = await self._web3.eth.max_priority_fee
            chain_id = await self._web3.eth.chain_id
            blob_fee = 0 if blob is None else await self._web3.eth.blob_base_fee
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        base_fee = head.get("baseFeePerGas")
        if base_fee is None:
            raise L1Unavailable("the L1 node reports no base fee, so it does not serve a chain since London")
        least_tip, least_fee, least_blob_fee = (0, 0, 0) if bid is None else bid.outbid()
        priority_fee = max(tip, least_tip)
        filled |= {
            "gas": min(max(int(estimate * self._gas_margin), least_gas), GAS_CAP),
            "maxPriorityFeePerGas": priority_fee,
            "maxFeePerGas": _offer(
                "gas", base_fee + priority_fee, base_fee, least_fee, self._max_fee, "max_fee"
            ),
            "chainId": chain_id,
            "type": 2,
        }
        if blob is not None:
            room = (BLOB_FEE_ROOM - 1) * blob_fee
            filled["maxFeePerBlobGas"] = _offer(
                "blob gas", blob_fee, room, least_blob_fee, self._max_blob_fee, "max_blob_fee"
            )
            filled["type"] = BLOB_TYPE
        signed = self._account.sign_transaction(filled)
        raw = bytes(signed.raw_transaction)
        if blob is not None:
            # Cell proofs take long enough to keep others from their turn.
            raw = await asyncio.to_thread(wrap, raw, blob, await self._wrapper())
        return SignedTransaction(raw, bytes(signed.hash), nonce)

    async def is_outpriced(self, raw: bytes) -> bool:
        """Whether L1 may let a signed transaction wait for ever. Raises L1Unavailable.

        So it is when it offers less than half of the tip that L1 asks now, or cannot pay the base fee.
        """
        try:
            head = await self._web3.eth.get_block("latest")
            asked = await self._web3.eth.max_priority_fee
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        bid = _Bid.of(raw)
        offered = min(bid.tip, bid.fee - head.get("baseFeePerGas", 0))
        return 2 * offered < asked

    async def is_too_cheap(self, raw: bytes, refusal: L1Error) -> bool:
        """Whether a client that refused a signed transaction would take it with higher fees.

        Where it has another reason, as that the account has too little money, an offer that rises with each
        refusal would only make things worse. Raises L1Unavailable.
        """
        said = str(refusal).lower()
        return any(words in said for words in FEE_REFUSALS) or await self.is_outpriced(raw)

    async def broadcast(self, signed: SignedTransaction) -> None:
        """Send the bytes; that they are known already, or that their nonce is used, is no failure.

        Whether the transaction had its effect is what the receipt says. A blob goes with the proofs that were
        stored, and if the client refuses, with the other ones: a fork may have come in between. Raises
        L1Unavailable.
        """
        try:
            await self._broadcast(signed.raw)
        except Web3RPCError as error:
            if not is_blob_transaction(signed.raw):
                raise translate(error) from error
            try:
                await self._broadcast(await asyncio.to_thread(_with_other_proofs, signed.raw))
            except TRANSPORT_ERRORS as second:
                refusal = f"with the stored proofs: {error}; with the other ones: {second}"
                raise L1Unavailable(f"the L1 node refuses a blob {refusal}") from error
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    async def _broadcast(self, raw: bytes) -> None:
        try:
            await self._web3.eth.send_raw_transaction(HexBytes(raw))
        except Web3RPCError as error:
            if not _is_repetition(error):
                raise

    async def _wrapper(self) -> Wrapper:
        """The proofs that the chain asks for; the newer ones if the client does not tell."""
        try:
            found = wrapper_of(await self._web3.manager.coro_request(_CONFIGURATION, []))
        except Web3RPCError:
            found = None
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        return Wrapper.CELL_PROOFS if found is None else found

    async def receipt(self, transaction_hash: bytes) -> TxReceipt | None:
        """The receipt, or None while the transaction is in no block."""
        try:
            return await self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
        except TransactionNotFound:
            return None
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    async def confirm(self, signed: SignedTransaction, timeout_seconds: float = 120) -> TxReceipt:
        """Wait for a successful receipt of what was broadcast.

        It is sent again from time to time, as clients lose some. Raises TransactionReverted,
        TransactionTimeout, L1Unavailable.
        """
        return await self._wait([signed], timeout_seconds)

    async def _wait(self, bids: Sequence[SignedTransaction], timeout_seconds: float) -> TxReceipt:
        """Wait for one of the transactions of a nonce, oldest first. See `confirm`."""
        clock = asyncio.get_running_loop()
        sent = clock.time()
        try:
            async with asyncio.timeout(timeout_seconds):
                while (receipt := await self._first_receipt(bids)) is None:
                    await asyncio.sleep(self._poll_seconds)
                    if clock.time() >= sent + self._resend_seconds:
                        # What a client says against it does not matter: it may have had it for long.
                        with contextlib.suppress(L1Error):
                            await self.broadcast(bids[-1])
                        sent = clock.time()
        except TimeoutError as error:
            raise TransactionTimeout(f"0x{bids[-1].hash.hex()} is in no block yet") from error
        if receipt["status"] != 1:
            raise await self.reverted(bytes(receipt["transactionHash"]), receipt)
        return receipt

    async def _first_receipt(self, bids: Sequence[SignedTransaction]) -> TxReceipt | None:
        for signed in bids:
            receipt = await self.receipt(signed.hash)
            if receipt is not None:
                return receipt
        return None

    async def reverted(self, transaction_hash: bytes, receipt: TxReceipt) -> TransactionReverted:
        """The error for a receipt of status 0, with the cause that a replay shows."""
        try:
            sent = await self._web3.eth.get_transaction(HexBytes(transaction_hash))
            replay: TxParams = {
                "from": sent["from"],
                "to": sent["to"],
                "value": sent["value"],
                "gas": sent["gas"],
                "data": sent["input"],
            }
            if "blobVersionedHashes" in sent:
                replay["blobVersionedHashes"] = sent["blobVersionedHashes"]
            await self._web3.eth.call(replay, receipt["blockNumber"] - 1)
        except TRANSPORT_ERRORS as error:
            return TransactionReverted(transaction_hash, rejection(error))
        return TransactionReverted(transaction_hash, None)

    async def send(
        self,
        transaction: TxParams,
        timeout_seconds: float = 120,
        *,
        blob: CommittedBlob | None = None,
        instead_of: SignedTransaction | None = None,
    ) -> TxReceipt:
        """Sign, send and wait: for wallets and scripts, which keep no record of their own.

        The last one that was seen in no block is remembered. Whoever sends the same call again goes on with
        it, under its nonce and with higher fees if L1 asks for more, so that it has its effect once. Raises
        ContractRejected, FeeCapReached, TransactionReverted, TransactionTimeout, L1Unavailable.

        Args:
            instead_of: a stuck transaction of the account, whose nonce this one takes.
        """
        attempt = self._begin(transaction)
        try:
            async with self._lock:
                await self._bid(attempt, transaction, blob, instead_of)
            return await self._wait(attempt.signed, timeout_seconds)
        except TransactionReverted:
            raise
        except (L1Error, asyncio.CancelledError):
            # A block may still have it.
            if attempt.signed:
                self._unconfirmed = attempt
            raise

    def _begin(self, transaction: TxParams) -> _Attempt:
        """What is remembered of a call, for this caller alone: two that send it at once mean it twice."""
        data = HexBytes(transaction.get("data", b""))
        call = (transaction.get("to"), bytes(data), transaction.get("value", 0))
        attempt = self._unconfirmed
        if attempt is None or attempt.call != call:
            return _Attempt(call)
        self._unconfirmed = None
        return attempt

    async def _bid(
        self,
        attempt: _Attempt,
        transaction: TxParams,
        blob: CommittedBlob | None,
        instead_of: SignedTransaction | None,
    ) -> None:
        """Sign a call for the first time, or again if L1 asks for more, and send it."""
        if attempt.signed:
            # Before the receipts: a block that comes in between must not look like another transaction's.
            is_used = await self.next_nonce() > attempt.signed[-1].nonce
            if await self._first_receipt(attempt.signed) is not None:
                return
            if is_used:
                attempt.signed.clear()
        if not attempt.signed:
            nonce = await self._pending_nonce() if instead_of is None else instead_of.nonce
            replaces = None if instead_of is None else instead_of.raw
            attempt.signed.append(await self.sign(transaction, nonce, replaces, blob))
        elif await self.is_outpriced((last := attempt.signed[-1]).raw):
            attempt.signed.append(await self.sign(transaction, last.nonce, last.raw, blob))
        await self.broadcast(attempt.signed[-1])

    async def _pending_nonce(self) -> int:
        try:
            return await self._web3.eth.get_transaction_count(self.address, "pending")
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error


@dataclass(frozen=True, slots=True)
class _Bid:
    """What a signed transaction offers, in wei for a unit of gas or blob gas."""

    tip: int
    fee: int
    blob_fee: int
    raise_percent: int

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """The bid of a transaction as it is sent. Raises BlobTransactionMalformed."""
        with_blob = is_blob_transaction(raw)
        fields = TypedTransaction.from_bytes(HexBytes(unwrap(raw)[0] if with_blob else raw)).as_dict()
        return cls(
            int(cast(int, fields["maxPriorityFeePerGas"])),
            int(cast(int, fields["maxFeePerGas"])),
            int(cast(int, fields["maxFeePerBlobGas"])) if with_blob else 0,
            BLOB_RAISE_PERCENT if with_blob else RAISE_PERCENT,
        )

    def outbid(self) -> tuple[int, int, int]:
        """Tip, fee and blob fee that clients take in place of these."""
        tip, fee, blob_fee = (
            bid * self.raise_percent // 100 + 1 for bid in (self.tip, self.fee, self.blob_fee)
        )
        return tip, fee, blob_fee


def _offer(unit: str, price: int, room: int, least: int, cap: int | None, setting: str) -> int:
    """What to offer at most for a unit that costs `price` in the next block, with room for rising prices.

    Raises FeeCapReached when even the offer without that room is above the cap.
    """
    fee = max(price + room, least)
    if cap is None or fee <= cap:
        return fee
    if max(price, least) > cap:
        raise FeeCapReached(f"a unit of {unit} costs {max(price, least)} wei, and {setting} is {cap}")
    return cap


def _with_other_proofs(raw: bytes) -> bytes:
    signed, blob, wrapper = unwrap(raw)
    return wrap(signed, blob, wrapper.other)


def _is_repetition(error: Web3RPCError) -> bool:
    """Clients have no code of their own for these two answers, only text."""
    text = str(error).lower()
    return "already known" in text or "already imported" in text or "nonce too low" in text

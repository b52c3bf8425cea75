"""Signed transactions of one account: nonces without gaps, gas with a margin, failures with names.

A transaction is first signed and only then sent, so that the caller can store it in between: whoever finds it
in the database after a crash sends the same bytes again, and L1 takes one nonce once.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import AsyncWeb3
from web3.exceptions import TransactionNotFound, Web3RPCError
from web3.types import BlockIdentifier, TxParams, TxReceipt

from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import FeeCapReached, L1Unavailable, TransactionReverted, TransactionTimeout
from sotto.l1.interface import rejection

GAS_CAP = 2**24
"""Gas of one transaction at most (EIP-7825)."""

RAISE_PERCENT = 125
"""Fees of a replacement against those of what it replaces; clients refuse less than 110."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A signed transaction as it is sent; its hash is known before."""

    raw: bytes
    hash: bytes
    nonce: int


class Sender:
    """Sends transactions of one account, which nothing else may use at the same time.

    Args:
        gas_margin: factor on the estimated gas; what is not used is not paid.
        max_fee: wei that a unit of gas may cost at most, tip included; None: whatever L1 asks.
        poll_seconds: pause between two questions for a receipt.
    """

    def __init__(
        self,
        web3: AsyncWeb3[Any],
        account: LocalAccount,
        *,
        gas_margin: float = 1.25,
        max_fee: int | None = None,
        poll_seconds: float = 0.2,
    ) -> None:
        self._web3 = web3
        self._account = account
        self._gas_margin = gas_margin
        self._max_fee = max_fee
        self._poll_seconds = poll_seconds
        self._lock = asyncio.Lock()

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
        self, transaction: TxParams, nonce: int, replaces: bytes | None = None
    ) -> SignedTransaction:
        """Estimate gas and fees, and sign.

        Raises ContractRejected if the transaction would revert, FeeCapReached, L1Unavailable.

        Args:
            transaction: its `gas`, if it names any, is the least that is offered. An estimate is the least
                with which a call does not revert, and one that tries many payments never does.
            replaces: a signed transaction of the same nonce that is stuck, to be outbid.
        """
        try:
            filled: dict[str, Any] = {**transaction, "from": self.address, "nonce": nonce}
            least_gas = filled.pop("gas", 0)
            estimate = await self._web3.eth.estimate_gas(cast(TxParams, filled))
            head = await self._web3.eth.get_block("latest")
            tip = await self._web3.eth.max_priority_fee
            chain_id = await self._web3.eth.chain_id
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        base_fee = head.get("baseFeePerGas")
        if base_fee is None:
            raise L1Unavailable("the L1 node reports no base fee, so it does not serve a chain since London")
        least_tip, least_fee = (0, 0) if replaces is None else _outbid(replaces)
        priority_fee = max(tip, least_tip)
        fee = max(2 * base_fee + priority_fee, least_fee)
        if self._max_fee is not None and fee > self._max_fee:
            # What L1 takes next, without the room for rising prices.
            least = max(base_fee + priority_fee, least_fee)
            if least > self._max_fee:
                raise FeeCapReached(f"a unit of gas costs {least} wei, and max_fee is {self._max_fee}")
            fee = self._max_fee
        filled |= {
            "gas": min(max(int(estimate * self._gas_margin), least_gas), GAS_CAP),
            "maxPriorityFeePerGas": priority_fee,
            "maxFeePerGas": fee,
            "chainId": chain_id,
            "type": 2,
        }
        signed = self._account.sign_transaction(filled)
        return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash), nonce)

    async def is_outpriced(self, raw: bytes) -> bool:
        """Whether L1 may let a signed transaction wait for ever. Raises L1Unavailable.

        So it is when it offers less than half of the tip that L1 asks now, or cannot pay the base fee.
        """
        try:
            head = await self._web3.eth.get_block("latest")
            asked = await self._web3.eth.max_priority_fee
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        tip, fee = _bid(raw)
        offered = min(tip, fee - head.get("baseFeePerGas", 0))
        return 2 * offered < asked

    async def broadcast(self, signed: SignedTransaction) -> None:
        """Send the bytes; that they are known already, or that their nonce is used, is no failure.

        Whether the transaction had its effect is what the receipt says. Raises L1Unavailable.
        """
        try:
            await self._web3.eth.send_raw_transaction(HexBytes(signed.raw))
        except Web3RPCError as error:
            if not _is_repetition(error):
                raise translate(error) from error
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    async def receipt(self, transaction_hash: bytes) -> TxReceipt | None:
        """The receipt, or None while the transaction is in no block."""
        try:
            return await self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
        except TransactionNotFound:
            return None
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    async def wait(self, transaction_hash: bytes, timeout_seconds: float = 120) -> TxReceipt:
        """Wait for a successful receipt. Raises TransactionReverted, TransactionTimeout, L1Unavailable."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while (receipt := await self.receipt(transaction_hash)) is None:  # noqa: ASYNC110 - L1 is asked
                    await asyncio.sleep(self._poll_seconds)
        except TimeoutError as error:
            raise TransactionTimeout(f"0x{transaction_hash.hex()} is in no block yet") from error
        if receipt["status"] != 1:
            raise await self.reverted(transaction_hash, receipt)
        return receipt

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
            await self._web3.eth.call(replay, receipt["blockNumber"] - 1)
        except TRANSPORT_ERRORS as error:
            return TransactionReverted(transaction_hash, rejection(error))
        return TransactionReverted(transaction_hash, None)

    async def send(self, transaction: TxParams, timeout_seconds: float = 120) -> TxReceipt:
        """Sign, send and wait: for wallets and scripts, which keep no record of their own.

        Raises ContractRejected, TransactionReverted, TransactionTimeout, L1Unavailable.
        """
        async with self._lock:
            signed = await self.sign(transaction, await self._pending_nonce())
            await self.broadcast(signed)
        return await self.wait(signed.hash, timeout_seconds)

    async def _pending_nonce(self) -> int:
        try:
            return await self._web3.eth.get_transaction_count(self.address, "pending")
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error


def _outbid(raw: bytes) -> tuple[int, int]:
    """Tip and fee, in wei for a unit of gas, that clients take in place of a transaction's."""
    tip, fee = _bid(raw)
    return tip * RAISE_PERCENT // 100 + 1, fee * RAISE_PERCENT // 100 + 1


def _bid(raw: bytes) -> tuple[int, int]:
    """Tip and fee of a signed transaction, in wei for a unit of gas."""
    bid = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return int(cast(int, bid["maxPriorityFeePerGas"])), int(cast(int, bid["maxFeePerGas"]))


def _is_repetition(error: Web3RPCError) -> bool:
    """Clients have no code of their own for these two answers, only text."""
    text = str(error).lower()
    return "already known" in text or "already imported" in text or "nonce too low" in text

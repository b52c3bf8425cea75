"""What callers hand to a wallet, checked before anything is locked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sotto.protocol.address import Address, decode_address
from sotto.protocol.ciphertext import NO_REFERENCE, REFERENCE_BYTES
from sotto.protocol.errors import AddressInvalid, AddressOfOtherDomain
from sotto.protocol.memo import MEMO_BYTES
from sotto.wallet.amounts import check_value
from sotto.wallet.errors import InvalidAddress, MemoInvalid, RecipientsInvalid, WrongDomainAddress
from sotto.wallet.sending import PaymentOrder

_L1_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class Payment:
    """What one receiver gets: smallest units, 20 bytes and a memo (381 bytes of UTF-8) that only it reads.

    That a transaction has a memo can be seen, its text and length cannot. The node keeps it, L1 does not.
    """

    address: str
    value: int
    reference: bytes = NO_REFERENCE
    memo: str = ""


def payment_orders(payments: Sequence[Payment], domain: int) -> tuple[PaymentOrder, ...]:
    """Checked payments.

    Raises RecipientsInvalid, AmountNotPositive, AmountTooLarge, InvalidAddress, WrongDomainAddress,
    MemoInvalid.
    """
    if not payments:
        raise RecipientsInvalid("there is no receiver")
    orders = tuple(
        PaymentOrder(
            decode_own_address(payment.address, domain),
            payment.address,
            check_value(payment.value),
            check_reference(payment.reference),
            encode_memo(payment.memo),
        )
        for payment in payments
    )
    check_value(sum(order.value for order in orders))
    return orders


def decode_own_address(text: str, domain: int) -> Address:
    """A Sotto address of a deployment. Raises InvalidAddress, WrongDomainAddress."""
    try:
        return decode_address(text.strip(), domain)
    except AddressOfOtherDomain as error:
        raise WrongDomainAddress(str(error)) from error
    except AddressInvalid as error:
        raise InvalidAddress(str(error)) from error


def decode_l1_address(text: str) -> int:
    """An L1 address as integer; mixed case must be its checksum (EIP-55). Raises InvalidAddress."""
    if not _L1_ADDRESS.fullmatch(text):
        raise InvalidAddress("an L1 address is 0x and 40 hex digits")
    # Imported late: it would delay all commands.
    from eth_utils.address import is_checksum_address

    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(text):
        raise InvalidAddress("the checksum of the L1 address does not fit: a character was mistyped")
    if not int(digits, 16):
        raise InvalidAddress("the zero address cannot receive")
    return int(digits, 16)


def check_reference(reference: bytes) -> bytes:
    """A payment's reference. Raises ValueError for another length."""
    if len(reference) != REFERENCE_BYTES:
        raise ValueError(f"a reference has {REFERENCE_BYTES} bytes")
    return reference


def encode_memo(text: str) -> bytes:
    """UTF-8 of a memo. Raises MemoInvalid."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise MemoInvalid("half a surrogate pair is no text") from error
    if len(data) > MEMO_BYTES:
        raise MemoInvalid(f"{len(data)} bytes of UTF-8, at most {MEMO_BYTES} are possible")
    return data

"""Amounts as people write them: decimal units of an asset, exactly, never through floating point."""

import re
from dataclasses import dataclass
from typing import Final

from sotto.protocol.notes import ETH, VALUE_BITS
from sotto.wallet.errors import AmountMalformed, AmountNotPositive, AmountTooLarge

MAX_VALUE: Final = (1 << VALUE_BITS) - 1
ETH_ASSET: Final = ETH

_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_MAX_TEXT: Final = 100


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset of the deployment.

    Attributes:
        address: L1 address of the token, None for ETH.
        symbol: printable, at most 16 characters.
    """

    asset: int
    address: str | None
    symbol: str
    decimals: int


ETHER: Final = Asset(ETH, None, "ETH", 18)
"""The one asset that no contract describes, so that nobody is asked about it."""


def check_value(value: int) -> int:
    """Return smallest units that a payment may have. Raises AmountNotPositive, AmountTooLarge."""
    if value <= 0:
        raise AmountNotPositive(f"{value} is not above zero")
    if value > MAX_VALUE:
        raise AmountTooLarge(f"{value} smallest units do not fit a note")
    return value


def parse_amount(text: str, decimals: int) -> int:
    """Smallest units of a text like `1.5`.

    Raises AmountMalformed, AmountNotPositive, AmountTooLarge.
    """
    match = _DECIMAL.fullmatch(text) if len(text) <= _MAX_TEXT and text.isascii() else None
    if match is None:
        if re.fullmatch(r"-[0-9.]+", text[:_MAX_TEXT]):
            raise AmountNotPositive(f"{text[:_MAX_TEXT]} is not above zero")
        raise AmountMalformed(f"{text[:_MAX_TEXT]!r} is no decimal number")
    whole, fraction = match[1], match[2] or ""
    if len(fraction.rstrip("0")) > decimals:
        raise AmountMalformed(f"{text} has more than {decimals} decimals")
    return check_value(int(whole + fraction[:decimals].ljust(decimals, "0")))


def format_amount(value: int, decimals: int) -> str:
    """Text of smallest units, without superfluous zeros."""
    sign, digits = ("-", -value) if value < 0 else ("", value)
    whole, fraction = divmod(digits, 10**decimals)
    tail = f"{fraction:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"


def format_with_symbol(value: int, asset: Asset) -> str:
    """Text of smallest units with the asset's symbol."""
    return f"{format_amount(value, asset.decimals)} {asset.symbol}"

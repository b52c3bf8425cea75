"""Amounts: exact in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.wallet.amounts import MAX_VALUE, format_amount, parse_amount
from sotto.wallet.errors import AmountMalformed, AmountNotPositive, AmountTooLarge, WalletError


@given(st.integers(1, MAX_VALUE), st.integers(0, 36))
def test_text_and_back(value: int, decimals: int) -> None:
    assert parse_amount(format_amount(value, decimals), decimals) == value


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [("1.5", 18, 15 * 10**17), ("0.1", 1, 1), ("007", 0, 7), ("1.50", 1, 15), ("0.000001", 6, 1)],
)
def test_known_amounts(text: str, decimals: int, value: int) -> None:
    assert parse_amount(text, decimals) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", AmountNotPositive),
        ("0.0", AmountNotPositive),
        ("-1", AmountNotPositive),
        ("1.0000001", AmountMalformed),
        ("1e18", AmountMalformed),
        ("1,5", AmountMalformed),
        ("1.", AmountMalformed),
        (".5", AmountMalformed),
        (" 1", AmountMalformed),
        ("", AmountMalformed),
        ("nan", AmountMalformed),
        ("٣", AmountMalformed),
        ("9" * 5000, AmountMalformed),
        ("9" * 40, AmountTooLarge),
    ],
)
def test_refused_amounts(text: str, expected: type[WalletError]) -> None:
    with pytest.raises(expected):
        parse_amount(text, 6)

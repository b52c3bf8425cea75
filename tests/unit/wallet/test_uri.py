"""Payment URIs: one way to write each request, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sotto.wallet.errors import PaymentUriExpired, PaymentUriInvalid
from sotto.wallet.uri import MAX_MEMO_BYTES, PaymentRequest, encode_uri, parse_uri

ADDRESS = "sotto1" + "q" * 117

requests = st.builds(
    PaymentRequest,
    address=st.just(ADDRESS) | st.just(ADDRESS.upper()),
    asset=st.integers(1, 2**64 - 1),
    amount=st.none() | st.from_regex(r"(0|[1-9][0-9]{0,39})\.[0-9]{0,20}[1-9]", fullmatch=True),
    memo=st.text(st.characters(codec="utf-8"), max_size=60),
    reference=st.none() | st.binary(min_size=20, max_size=20),
    expires=st.none() | st.integers(1, 2**40 - 1),
)


@given(requests)
def test_there_and_back(request: PaymentRequest) -> None:
    text = encode_uri(request)
    assert text.isascii()
    assert parse_uri(text) == request


def test_shortest_and_longest() -> None:
    assert encode_uri(PaymentRequest(ADDRESS)) == f"sotto:{ADDRESS}"
    full = PaymentRequest(ADDRESS, 2, "1.50", "a b+c&d=ü\x1b", b"\x01" * 20, 1_800_000_000)
    assert encode_uri(full) == (
        f"sotto:{ADDRESS}?asset=2&amount=1.50&memo=a%20b%2Bc%26d%3D%C3%BC%1B&reference={'01' * 20}"
        "&expires=1800000000"
    )
    memo = "\x01" * MAX_MEMO_BYTES
    assert parse_uri(encode_uri(PaymentRequest(ADDRESS, memo=memo))).memo == memo
    assert parse_uri(f"SOTTO:{ADDRESS.upper()}?amount=1&asset=7").amount == "1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ADDRESS,
        "sotto:",
        f"ethereum:{ADDRESS}",
        f"sotto://{ADDRESS}",
        f" sotto:{ADDRESS}",
        f"sotto:{ADDRESS}\n",
        f"sotto:{ADDRESS[:-1]}Q",
        f"sotto:{ADDRESS}?",
        f"sotto:{ADDRESS}#x",
        f"sotto:{ADDRESS}?asset",
        f"sotto:{ADDRESS}?asset=",
        f"sotto:{ADDRESS}?asset=0",
        f"sotto:{ADDRESS}?asset=01",
        f"sotto:{ADDRESS}?asset=-1",
        f"sotto:{ADDRESS}?asset={2**64}",
        f"sotto:{ADDRESS}?asset=1&asset=1",
        f"sotto:{ADDRESS}?asset=1&&amount=1",
        f"sotto:{ADDRESS}?Asset=1",
        f"sotto:{ADDRESS}?asset=ETH",
        f"sotto:{ADDRESS}?amount=1",
        f"sotto:{ADDRESS}?asset=1&amount=0",
        f"sotto:{ADDRESS}?asset=1&amount=0.00",
        f"sotto:{ADDRESS}?asset=1&amount=1e3",
        f"sotto:{ADDRESS}?asset=1&amount=1,5",
        f"sotto:{ADDRESS}?asset=1&amount=.5",
        f"sotto:{ADDRESS}?asset=1&amount=5.",
        f"sotto:{ADDRESS}?asset=1&amount=+5",
        f"sotto:{ADDRESS}?asset=1&amount=01",
        f"sotto:{ADDRESS}?asset=1&amount=" + "9" * 41,
        f"sotto:{ADDRESS}?memo=a+b",
        f"sotto:{ADDRESS}?memo=%",
        f"sotto:{ADDRESS}?memo=%c3%bc",
        f"sotto:{ADDRESS}?memo=%FF",
        f"sotto:{ADDRESS}?memo=" + "a" * (MAX_MEMO_BYTES + 1),
        f"sotto:{ADDRESS}?memo=ü",
        f"sotto:{ADDRESS}?reference=00",
        f"sotto:{ADDRESS}?reference=" + "AB" * 20,
        f"sotto:{ADDRESS}?expires=soon",
        f"sotto:{ADDRESS}?expires={2**40}",
        f"sotto:{ADDRESS}?fee=1",
        f"sotto:{ADDRESS}?req-x=1",
        f"sotto:{ADDRESS}?memo=" + "a" * 2048,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(PaymentUriInvalid):
        parse_uri(text)


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_by_name(text: str) -> None:
    for candidate in (text, f"sotto:{ADDRESS}?{text}", f"sotto:{text}"):
        try:
            parsed = parse_uri(candidate)
        except PaymentUriInvalid:
            continue
        assert parse_uri(encode_uri(parsed)) == parsed


def test_requests_end() -> None:
    request = PaymentRequest(ADDRESS, expires=1000)
    request.check_time(1000)
    PaymentRequest(ADDRESS).check_time(10**12)
    with pytest.raises(PaymentUriExpired):
        request.check_time(1000.5)


def test_requests_that_no_uri_can_say() -> None:
    for request in (
        PaymentRequest(ADDRESS, amount="1"),
        PaymentRequest(ADDRESS, 1, "1.0.0"),
        PaymentRequest("sotto 1"),
        PaymentRequest(ADDRESS, memo="a" * 400),
        PaymentRequest(ADDRESS, 1, "1&asset=2"),
    ):
        with pytest.raises(PaymentUriInvalid):
            encode_uri(request)

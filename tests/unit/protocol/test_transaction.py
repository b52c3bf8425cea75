"""Transactions: ranges, public rules, JSON."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto.protocol.errors import (
    CiphertextNotForKey,
    EqualNullifiers,
    ExtensionVersionUnknown,
    ForcedWordsNotZero,
    IntegerOutOfRange,
    JsonMalformed,
    KindInvalid,
    NonCanonicalField,
    OperationMismatch,
    ProtocolError,
    PublicWordsInconsistent,
    WordLengthWrong,
)
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.transaction import (
    Kind,
    ProvenTransaction,
    Transaction,
    attachment_hash,
    ext_ciphertexts,
    make_ext,
    transaction_from_json,
    transaction_to_json,
)

EXT = make_ext([bytes([i]) * 93 for i in range(3)], b"memo")
TX = Transaction(
    kind=Kind.TRANSFER,
    domain=7,
    anchor=Field(1),
    named=(Field(0), Field(2)),
    nullifiers=(Field(3), Field(4)),
    commitments=(Field(5), Field(6), Field(7)),
    public_value=2**119,
    public_asset=1,
    recipient=2**159,
    fee=9,
    fee_asset=1,
    expiry=2**63,
    operation=Field(0),
    ext=EXT,
)
PROVEN = ProvenTransaction(TX, bytes(range(256)))


def test_h_covers_every_field() -> None:
    changes: list[dict[str, object]] = [
        {"kind": Kind.FORCED},
        {"domain": 8},
        {"anchor": Field(2)},
        {"named": (Field(1), Field(2))},
        {"named": (Field(0), Field(3))},
        {"nullifiers": (Field(4), Field(3))},
        {"commitments": (Field(5), Field(7), Field(6))},
        {"public_value": 1},
        {"public_asset": 2},
        {"recipient": 1},
        {"fee": 8},
        {"fee_asset": 2},
        {"expiry": 1},
        {"operation": Field(1)},
        *[{"ext": (*EXT[:i], EXT[i] + 1, *EXT[i + 1 :])} for i in range(12)],
    ]
    assert {key for change in changes for key in change} == {f.name for f in fields(Transaction)}
    ids = {replace(TX, **change).h for change in changes}  # type: ignore[arg-type]
    assert len(ids | {TX.h}) == len(changes) + 1
    assert len(TX.fields()) == 18


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kind": Kind.DEPOSIT}, KindInvalid),
        ({"kind": Kind.SKIPPED}, KindInvalid),
        ({"domain": 2**248}, IntegerOutOfRange),
        ({"anchor": MODULUS}, NonCanonicalField),
        ({"nullifiers": (Field(3), MODULUS + 3)}, NonCanonicalField),
        ({"operation": -1}, NonCanonicalField),
        ({"public_value": 2**120}, IntegerOutOfRange),
        ({"public_asset": 2**64}, IntegerOutOfRange),
        ({"recipient": 2**160}, IntegerOutOfRange),
        ({"fee": 2**120}, IntegerOutOfRange),
        ({"fee_asset": 2**64}, IntegerOutOfRange),
        ({"expiry": 2**64}, IntegerOutOfRange),
        ({"ext": EXT[:11]}, WordLengthWrong),
        ({"ext": (*EXT[:11], 2**248)}, IntegerOutOfRange),
    ],
)
def test_ranges(change: dict[str, object], error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        replace(TX, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"nullifiers": (Field(3), Field(3))}, EqualNullifiers),
        ({"recipient": 0}, PublicWordsInconsistent),
        ({"public_asset": 0}, PublicWordsInconsistent),
        ({"public_value": 0}, PublicWordsInconsistent),
        ({"public_value": 0, "public_asset": 0}, PublicWordsInconsistent),
        ({"operation": Field(1)}, OperationMismatch),
        ({"kind": Kind.ACCOUNT}, OperationMismatch),
        ({"kind": Kind.FORCED}, ForcedWordsNotZero),
        ({"kind": Kind.FORCED, "fee": 0, "named": (Field(0), Field(0))}, ForcedWordsNotZero),
        ({"kind": Kind.FORCED, "fee": 0, "fee_asset": 0}, ForcedWordsNotZero),
    ],
)
def test_public_rules(change: dict[str, object], error: type[ProtocolError]) -> None:
    TX.check()
    with pytest.raises(error):
        replace(TX, **change).check()  # type: ignore[arg-type]


def test_extension() -> None:
    TX.check_extension()
    assert ext_ciphertexts(EXT) == (b"\0" * 93, b"\1" * 93, b"\2" * 93)
    assert (EXT[1], attachment_hash(None)) == (attachment_hash(b"memo"), 0)
    for ext in ((2, *EXT[1:]), (1, 0, 1, *EXT[3:])):
        with pytest.raises(ExtensionVersionUnknown):
            replace(TX, ext=ext).check_extension()
    for texts in ([b""] * 3, [bytes(93)] * 2):
        with pytest.raises(WordLengthWrong):
            make_ext(texts)
    assert issubclass(CiphertextNotForKey, ProtocolError)


def test_json_round_trips() -> None:
    assert transaction_from_json(transaction_to_json(PROVEN)) == PROVEN
    with pytest.raises(WordLengthWrong):
        ProvenTransaction(TX, bytes(255))


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(transaction_to_json(PROVEN))),
    st.one_of(
        st.none(),
        st.booleans(),
        st.floats(),
        st.text(max_size=70),
        st.lists(st.text(max_size=3), max_size=3),
        st.just({}),
        st.just("0x" + "f" * 64),
        st.just("0x" + "f" * 512),
    ),
)
def test_hostile_json_is_refused_by_name(key: str, value: object) -> None:
    data = transaction_to_json(PROVEN)
    if key == "proof" and value == "0x" + "f" * 512:
        return
    with pytest.raises((JsonMalformed, NonCanonicalField)):
        transaction_from_json({**data, key: value})


def test_json_has_exactly_the_keys() -> None:
    data = transaction_to_json(PROVEN)
    for key in data:
        with pytest.raises(JsonMalformed):
            transaction_from_json({k: v for k, v in data.items() if k != key})
    for other in ({**data, "extra": 1}, [], None, "x"):
        with pytest.raises(JsonMalformed):
            transaction_from_json(other)
    with pytest.raises(KindInvalid):
        transaction_from_json({**data, "kind": 4})
    with pytest.raises(JsonMalformed):
        transaction_from_json({**data, "kind": "1"})

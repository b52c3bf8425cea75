"""What L1 hashes, against eth-abi's encoding."""

from dataclasses import astuple, replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto.protocol import l1
from sotto.protocol.epoch import Withdrawal
from sotto.protocol.errors import IntegerOutOfRange, WordLengthWrong
from sotto.protocol.field import Field
from sotto.protocol.notes import Deposit
from sotto.protocol.words import compute_m

ADDRESS = bytes(range(20))
RECORD = replace(
    l1.genesis_record(9),
    id=3,
    proposer=ADDRESS,
    bond=2**256 - 1,
    c=Field(5),
    z=2**248 - 1,
    y_data=2**255 - 1,
    fees_hash=b"\7" * 32,
)


def test_domain() -> None:
    tag = keccak(b"sotto.domain.v1")
    expected = keccak(encode(["bytes32", "uint256", "address"], [tag, 31337, ADDRESS]))[:31]
    assert l1.compute_domain(31337, ADDRESS) == int.from_bytes(expected)
    with pytest.raises(WordLengthWrong):
        l1.compute_domain(1, bytes(19))


def test_queue_item() -> None:
    text = b"\5" * 93
    item = l1.deposit_item(Deposit(Field(11), 2, 30), ADDRESS, text)
    tail = keccak(encode(["address", "bytes32"], [ADDRESS, keccak(text)]))
    hashed = keccak(encode(["uint256"] * 5 + ["bytes32"], [2, 11, 2, 30, 0, tail]))
    assert item.slot(77) == int.from_bytes(hashed[:27]) << 40 | 77
    with pytest.raises(IntegerOutOfRange):
        item.slot(1 << 40)
    with pytest.raises(WordLengthWrong):
        l1.deposit_item(Deposit(Field(11), 2, 30), ADDRESS, text[1:])


def test_record_is_static_abi() -> None:
    types = ["uint64", "bytes32", "address", "address", "address", "uint8", "uint64", "uint64", "uint256"]
    types += ["uint64", "uint64", *["uint256"] * 6, "bytes32", "bytes32"]
    assert RECORD.encode() == encode(types, list(astuple(RECORD)))
    body = keccak(RECORD.encode()[:-32])
    assert RECORD.hash() == keccak(body + RECORD.withdrawal_root)
    for change in ({"parent": bytes(31)}, {"verifier": bytes(21)}):
        with pytest.raises(WordLengthWrong):
            replace(RECORD, **change).encode()  # type: ignore[arg-type]
    for change in ({"deadline": 2**64}, {"data_mode": 256}, {"bond": -1}, {"y_data": -1}):
        with pytest.raises(IntegerOutOfRange):
            replace(RECORD, **change).encode()  # type: ignore[arg-type]


def test_fees_hash() -> None:
    types = ["uint256[4]", "uint256[4]", "uint256"]
    for totals, queue_fees in (((5, 0, 0, 0), 0), ((5, 0, 0, 0), 7), ((0, 0, 0, 0), 7)):
        expected = keccak(encode(types, [(1, 2, 0, 0), totals, queue_fees]))
        assert l1.fees_hash((1, 2, 0, 0), totals, queue_fees) == expected
    assert l1.fees_hash((1, 2, 0, 0), (0, 0, 0, 0)) == bytes(32)


def test_m_needs_an_address() -> None:
    with pytest.raises(WordLengthWrong):
        compute_m(1, 2, bytes(32))


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 2**120 - 1), st.integers(1, 2**160 - 1)), max_size=17
    )
)
def test_withdrawal_proofs(rows: list[tuple[int, int, int]]) -> None:
    withdrawals = [Withdrawal(lane, *row) for lane, row in enumerate(rows)]
    root = l1.withdrawal_root(withdrawals)
    assert (root == bytes(32)) == (not rows)
    for position, withdrawal in enumerate(withdrawals):
        proof = l1.withdrawal_proof(withdrawals, position)
        assert l1.verify_withdrawal(root, withdrawal, proof)
        assert not l1.verify_withdrawal(root, replace(withdrawal, value=withdrawal.value + 1), proof)
        assert not l1.verify_withdrawal(root, withdrawal, [*proof, bytes(32)])
    with pytest.raises(IndexError):
        l1.withdrawal_proof(withdrawals, len(rows))


def test_withdrawal_leaf() -> None:
    inner = keccak(encode(["uint256"] * 4, [3, 1, 10, 99]))
    assert l1.withdrawal_leaf(Withdrawal(3, 1, 10, 99)) == keccak(inner)

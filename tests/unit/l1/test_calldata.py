"""Calldata of commits is read as the EVM reads it, and never ends a reader."""

from typing import cast

import pytest
from eth_typing import ChecksumAddress
from hypothesis import given
from hypothesis import strategies as st
from tests.support.encodings import ENCODINGS
from web3 import Web3

from sotto.l1 import interface
from sotto.l1.calldata import CommitCall, read_commit
from sotto.l1.rollup import CommitInput
from sotto.protocol.l1 import genesis_record

VERIFIER = "0x" + "Ab" * 20
WORDS = bytes(range(256)) * 3 + b"tail"
PROOFS = (b"\x01" * 256, b"\x02" * 256)
ROLLUP = Web3().eth.contract(abi=interface.load("Rollup"))


def calldata(name: str, proofs: tuple[bytes, ...] = ()) -> bytes:
    """A call as web3 encodes it."""
    commit = CommitInput(
        parent=genesis_record(1),
        verifier=cast(ChecksumAddress, Web3.to_checksum_address(VERIFIER)),
        fee_recipient=cast(ChecksumAddress, "0x" + "11" * 20),
        c=7,
        words=WORDS,
        queue_tails=[b"\x03" * 32],
        client_proofs=b"".join(proofs),
        oldest_successor=None,
    )
    rest = () if name == "commit" else ("0x" + "11" * 20, b"\x05" * 256)
    return bytes.fromhex(ROLLUP.encode_abi(name, [commit.to_abi(), *rest])[2:])


@pytest.mark.parametrize("name", ["commit", "commitAndProve"])
def test_reads_what_web3_writes(name: str) -> None:
    call = read_commit(calldata(name, PROOFS))
    assert call == CommitCall(bytes.fromhex(VERIFIER[2:]), WORDS, PROOFS)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["commit", "commitAndProve"])
def test_reads_every_encoding_of_a_call(name: str, encoding: str) -> None:
    data = calldata(name)
    other = ENCODINGS[encoding](data)
    assert other != data
    assert read_commit(other) == read_commit(data) == CommitCall(bytes.fromhex(VERIFIER[2:]), WORDS, ())


def test_other_calls_are_no_commits() -> None:
    assert read_commit(b"") is None
    assert read_commit(bytes.fromhex(ROLLUP.encode_abi("resumeEpochs", [])[2:])) is None


@given(st.binary(max_size=900), st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_whatever_it_reads_it_ends(rest: bytes, struct: int, offset: int) -> None:
    selector = calldata("commit")[:4]
    assert read_commit(selector + rest) is not None
    assert read_commit(selector + struct.to_bytes(32) + rest) is not None
    heads = bytes(21 * 32) + offset.to_bytes(32) * 6
    assert read_commit(selector + (32).to_bytes(32) + heads + rest) is not None

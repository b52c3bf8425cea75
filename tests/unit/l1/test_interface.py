"""What a call's failure tells: a contract's reason where there is one, whatever an endpoint sends instead."""

from typing import Any

import pytest
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

from sotto.l1.contract import translate
from sotto.l1.errors import ContractRejected, L1Unavailable
from sotto.l1.interface import decode_revert, errors

ERROR = bytes.fromhex("08c379a0")


def word(number: int) -> bytes:
    """A word of the ABI."""
    return number.to_bytes(32, "big")


def refusal(data: object) -> Web3RPCError:
    """What web3 makes of an RPC error with such data."""
    error: Any = {"code": 3, "message": "execution reverted", "data": data}
    return Web3RPCError("reverted", rpc_response={"jsonrpc": "2.0", "id": 1, "error": error})


def test_a_contracts_reason_is_read_where_clients_put_it() -> None:
    selector = next(each for each, entry in errors().items() if entry["name"] == "RollupFrozen")
    text = "0x" + selector.hex()
    for failure in (refusal(text), refusal({"data": text}), ContractCustomError("", data=text)):
        rejected = translate(failure)
        assert isinstance(rejected, ContractRejected)
        assert rejected.name == "RollupFrozen"


@pytest.mark.parametrize("data", ["0xzz", "0x123", "0x", "text", None, 7, {}, {"data": "0xzz"}, {"data": 7}])
def test_an_endpoint_that_sends_no_bytes_does_not_speak_for_a_contract(data: object) -> None:
    assert isinstance(translate(refusal(data)), L1Unavailable)


def test_what_web3_calls_a_revert_is_one_without_bytes_too() -> None:
    rejected = translate(ContractLogicError("no reason", data="0xzz"))
    assert isinstance(rejected, ContractRejected)
    assert (rejected.name, rejected.arguments) == ("Error", ("no reason",))


@pytest.mark.parametrize(
    "arguments",
    [
        b"",
        word(32),
        word(2**256 - 1),
        word(32) + word(2**255),
        word(32) + word(2**63 - 1),
        word(32) + word(2) + b"\xff\xfe" + bytes(30),
    ],
    ids=["nothing", "no text", "place", "length", "smaller length", "no UTF-8"],
)
def test_a_reason_that_cannot_be_read_is_unknown(arguments: bytes) -> None:
    rejected = decode_revert(ERROR + arguments)
    assert (rejected.name, rejected.arguments) == ("Unknown", (ERROR + arguments,))

"""The committed ABIs, and the custom errors of all contracts by selector."""

import json
from functools import cache
from importlib import resources
from typing import Any, cast

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError
from web3.types import RPCResponse

from sotto.l1.errors import ContractRejected

Abi = list[dict[str, Any]]
CONTRACTS = ("Rollup", "L1Queue", "Bridge", "Exit", "DirectVerifier", "ExitVerifier", "Token")

_BUILT_IN: Abi = [
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
]


@cache
def load(name: str) -> Abi:
    """ABI of a contract as `tools/generate/abi` wrote it."""
    text = (resources.files("sotto.l1") / "abi" / f"{name}.json").read_text()
    return cast(Abi, json.loads(text))


@cache
def errors() -> dict[bytes, dict[str, Any]]:
    """All custom errors by their 4-byte selector; a call may bubble up the error of a contract behind it."""
    entries = [entry for name in CONTRACTS for entry in load(name) if entry["type"] == "error"] + _BUILT_IN
    return {
        function_abi_to_4byte_selector(cast(Any, {**entry, "type": "function"})): entry for entry in entries
    }


def decode_revert(data: bytes) -> ContractRejected:
    """Name and arguments of the custom error in a call's return data."""
    if not data:
        return ContractRejected("Empty")
    entry = errors().get(data[:4])
    if entry is None:
        return ContractRejected("Unknown", [data])
    try:
        arguments = decode([collapse_if_tuple(cast(Any, item)) for item in entry["inputs"]], data[4:])
    except (DecodingError, OverflowError, UnicodeDecodeError):
        # The library has no type of its own for a length of 2^255, and for a text that is no UTF-8.
        return ContractRejected("Unknown", [data])
    return ContractRejected(entry["name"], arguments)


def rejection(error: Exception) -> ContractRejected | None:
    """The contract's reason behind an exception of web3, or None if the contract is not the cause."""
    if isinstance(error, ContractCustomError | ContractLogicError):
        data = _return_data(error.data)
        if data is not None:
            return decode_revert(data)
        return (
            ContractRejected("Error", [error.message or ""]) if error.message else ContractRejected("Empty")
        )
    if isinstance(error, Web3RPCError):
        return _rejection_of_response(error.rpc_response)
    return None


def _rejection_of_response(response: RPCResponse | None) -> ContractRejected | None:
    detail = response.get("error") if response else None
    data = _return_data(detail.get("data")) if isinstance(detail, dict) else None
    return decode_revert(data) if data else None


def _return_data(data: object) -> bytes | None:
    """A call's return data in an RPC error, where some clients nest it; None if there is none."""
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str) or not data.startswith("0x"):
        return None
    try:
        return bytes.fromhex(data[2:])
    except ValueError:
        # An endpoint that cannot even write bytes does not speak for a contract.
        return None

"""What the typed contract classes share: calls whose failures have names."""

from collections.abc import Iterable, Mapping
from json import JSONDecodeError
from typing import Any, cast

from aiohttp import ClientError
from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import AsyncWeb3
from web3.contract import AsyncContract
from web3.contract.async_contract import AsyncContractFunction
from web3.exceptions import Web3Exception
from web3.types import BlockIdentifier, LogReceipt, TxParams

from sotto.l1 import interface
from sotto.l1.errors import DeploymentInvalid, L1Unavailable

TRANSPORT_ERRORS = (
    OSError,
    TimeoutError,
    ClientError,
    JSONDecodeError,
    UnicodeDecodeError,
    RecursionError,
    Web3Exception,
)
"""What web3 and its transport raise, also for a gateway's HTTP status, and for an answer that is no JSON or
JSON of too many levels."""


def translate(error: Exception) -> Exception:
    """The typed error for an exception of web3: ContractRejected or L1Unavailable."""
    return interface.rejection(error) or L1Unavailable(f"{type(error).__name__}: {error}")


class Contract:
    """One contract at one address.

    Calls raise ContractRejected when the contract reverts, L1Unavailable when L1 does not answer.
    """

    abi_name: str

    def __init__(self, web3: AsyncWeb3[Any], address: ChecksumAddress) -> None:
        self.web3 = web3
        self.address = address
        self._contract: AsyncContract = web3.eth.contract(address=address, abi=interface.load(self.abi_name))

    async def check_code(self) -> None:
        """Raise DeploymentInvalid if there is no code at the address."""
        try:
            code = await self.web3.eth.get_code(self.address)
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        if not code:
            raise DeploymentInvalid(f"{self.abi_name} is named at {self.address}, but there is no code")

    def _read_log(self, log: LogReceipt) -> tuple[str, Mapping[str, Any]] | None:
        """Name and arguments of an event of this contract's ABI, None for other logs."""
        topic = bytes(log["topics"][0]) if log["topics"] else b""
        known: Iterable[Any] = cast(Any, self._contract.events)
        event = next((event for event in known if event_topic(event) == topic), None)
        return None if event is None else (event.event_name, event.process_log(log)["args"])

    def _function(self, name: str, *arguments: Any) -> AsyncContractFunction:
        return cast(AsyncContractFunction, getattr(self._contract.functions, name)(*arguments))

    async def _call(self, name: str, *arguments: Any, block: BlockIdentifier = "latest") -> Any:
        try:
            return await self._function(name, *arguments).call(block_identifier=block)
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    def _transaction(self, name: str, *arguments: Any, value: int = 0, least_gas: int = 0) -> TxParams:
        """An unsigned transaction: address, data, value in wei, and the gas that it needs at least."""
        data = self._contract.encode_abi(name, args=arguments)
        transaction: TxParams = {"to": self.address, "data": HexBytes(data), "value": cast(Any, value)}
        return {**transaction, "gas": least_gas} if least_gas else transaction


def event_topic(event: Any) -> bytes:
    """First topic of an event's logs."""
    return bytes.fromhex(event.topic.removeprefix("0x"))

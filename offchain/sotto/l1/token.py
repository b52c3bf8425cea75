"""An ERC-20 token, as far as deposits need it."""

from typing import cast

from eth_typing import ChecksumAddress
from web3.types import TxParams

from sotto.l1.contract import Contract


class TokenContract(Contract):
    """ERC-20 with metadata."""

    abi_name = "Token"

    async def symbol(self) -> str:
        """Short name."""
        return cast(str, await self._call("symbol"))

    async def decimals(self) -> int:
        """Decimal places of a unit as people write it."""
        return cast(int, await self._call("decimals"))

    async def balance_of(self, account: ChecksumAddress) -> int:
        """Balance in the smallest unit."""
        return cast(int, await self._call("balanceOf", account))

    async def allowance(self, owner: ChecksumAddress, spender: ChecksumAddress) -> int:
        """What a spender may take, in the smallest unit."""
        return cast(int, await self._call("allowance", owner, spender))

    def approve(self, spender: ChecksumAddress, value: int) -> TxParams:
        """Transaction that allows a spender to take `value`."""
        return self._transaction("approve", spender, value)

    def transfer(self, recipient: ChecksumAddress, value: int) -> TxParams:
        """Transaction that sends tokens."""
        return self._transaction("transfer", recipient, value)

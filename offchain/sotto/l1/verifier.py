"""The contracts `DirectVerifier<N>` (docs/spec/06-l1.md)."""

from typing import cast

from sotto.l1.contract import Contract


class VerifierContract(Contract):
    """Verifier of epochs of one size."""

    abi_name = "DirectVerifier"

    async def lane_count(self) -> int:
        """N."""
        return cast(int, await self._call("laneCount"))

    async def circuit_hashes(self) -> tuple[bytes, bytes]:
        """Hashes of the transfer and the rollup circuit whose keys the contract has, 32 bytes each."""
        transfer, rollup = await self._call("circuitHashes")
        return bytes(transfer), bytes(rollup)

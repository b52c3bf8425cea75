"""What the node asks of a prover."""

from typing import Protocol


class Prover(Protocol):
    """Makes proofs of rollup circuits."""

    async def prove(self, circuit: str, witness: bytes) -> bytes:
        """The proof, 256 bytes in EVM order.

        Raises ProvingFailed when the witness is refused or ends workers, ProverUnavailable when no worker can
        be had: then the same job may succeed later.
        """

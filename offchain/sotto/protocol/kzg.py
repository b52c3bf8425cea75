"""KZG commitments to blobs and their openings (EIP-4844)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import as_file, files
from typing import Final

import ckzg

from sotto.protocol.blob import BLOB_BYTES, ELEMENT_BYTES, encode_blob
from sotto.protocol.errors import WordLengthWrong

COMMITMENT_BYTES: Final = 48
PROOF_BYTES: Final = 48
CELLS: Final = 128
"""Parts of a blob as L1's nodes keep it, extended to twice its length (EIP-7594)."""

_HASH_VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Opening:
    """The value of a committed polynomial at a point, with its proof of 48 bytes."""

    y: int
    proof: bytes


@dataclass(frozen=True, slots=True)
class CommittedBlob:
    """A blob with its KZG commitment of 48 bytes."""

    data: bytes = field(repr=False)
    commitment: bytes

    @classmethod
    def of(cls, coefficients: Sequence[int]) -> "CommittedBlob":
        """The blob of a polynomial. Raises as encode_blob."""
        data = encode_blob(coefficients)
        return cls(data, commit(data))

    @property
    def versioned_hash(self) -> bytes:
        """The name of the blob on L1, 32 bytes."""
        return versioned_hash(self.commitment)

    def network_proof(self) -> bytes:
        """The proof of 48 bytes that travels beside the blob, by which L1's nodes check the commitment."""
        proof: bytes = ckzg.compute_blob_kzg_proof(self.data, self.commitment, _setup())
        return proof

    def cell_proofs(self) -> tuple[bytes, ...]:
        """The proofs, 48 bytes for each of the 128 cells, that replace `network_proof` since Osaka."""
        _, proofs = ckzg.compute_cells_and_kzg_proofs(self.data, _setup())
        return tuple(bytes(proof) for proof in proofs)

    def open(self, z: int) -> Opening:
        """The value at z, below n, and its proof."""
        proof, y = ckzg.compute_kzg_proof(self.data, z.to_bytes(ELEMENT_BYTES), _setup())
        return Opening(int.from_bytes(y), proof)


def commit(blob: bytes) -> bytes:
    """Commitment to a blob whose elements are below n. Raises WordLengthWrong."""
    if len(blob) != BLOB_BYTES:
        raise WordLengthWrong(f"a blob has {BLOB_BYTES} bytes, not {len(blob)}")
    return bytes(ckzg.blob_to_kzg_commitment(blob, _setup()))


def versioned_hash(commitment: bytes) -> bytes:
    """0x01 and the last 31 bytes of the commitment's SHA-256."""
    return _HASH_VERSION + sha256(commitment).digest()[1:]


def verify_opening(commitment: bytes, z: int, opening: Opening) -> bool:
    """What the precompile at address 10 verifies, besides the versioned hash; z is below n."""
    z_bytes, y_bytes = z.to_bytes(ELEMENT_BYTES), opening.y.to_bytes(ELEMENT_BYTES)
    return bool(ckzg.verify_kzg_proof(commitment, z_bytes, y_bytes, opening.proof, _setup()))


def prepare() -> None:
    """Load the trusted setup, which takes seconds once a process, before somebody waits for a blob."""
    _setup()


@cache
def _setup() -> object:
    """Ethereum's trusted setup, which eth-account carries and the library checks."""
    folder = files("eth_account.typed_transactions.blob_transactions")
    with as_file(folder / "kzg_trusted_setup.txt") as path:
        return ckzg.load_trusted_setup(str(path), 0)

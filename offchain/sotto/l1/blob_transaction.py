"""Signed blob transactions as L1's nodes take them (EIP-4844, EIP-7594).

In a block such a transaction has only the names of its blobs. To L1's nodes it is sent in a wrapper with the
blobs and with proofs, of one of two forms; the signature and the transaction's hash cover neither.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final, cast

import rlp
from rlp.exceptions import RLPException

from sotto.l1.errors import BlobTransactionMalformed
from sotto.protocol.blob import BLOB_BYTES
from sotto.protocol.kzg import CELLS, COMMITMENT_BYTES, CommittedBlob

BLOB_TYPE: Final = 3
"""First byte of a signed blob transaction."""

GAS_PER_BLOB: Final = 2**17

_CELL_PROOFS_VERSION: Final = b"\x01"
_P256_VERIFY: Final = 0x100
"""Address of a precompile that came with Osaka (EIP-7951), as the demand for cell proofs did."""


class Wrapper(IntEnum):
    """The proofs beside a blob: one of 48 bytes, or since the fork Osaka one for each of its 128 cells."""

    BLOB_PROOF = 0
    CELL_PROOFS = 1

    @property
    def other(self) -> "Wrapper":
        """The other form."""
        return Wrapper.CELL_PROOFS if self is Wrapper.BLOB_PROOF else Wrapper.BLOB_PROOF


def wrap(signed: bytes, blob: CommittedBlob, wrapper: Wrapper) -> bytes:
    """The form of a signed transaction with one blob in which it is sent. Cell proofs take a second.

    Args:
        signed: as in a block.
    """
    fields = rlp.decode(signed[1:])
    blobs, commitments = [blob.data], [blob.commitment]
    if wrapper is Wrapper.BLOB_PROOF:
        parts = [fields, blobs, commitments, [blob.network_proof()]]
    else:
        parts = [fields, _CELL_PROOFS_VERSION, blobs, commitments, list(blob.cell_proofs())]
    return bytes([BLOB_TYPE]) + bytes(rlp.encode(parts))


def unwrap(sent: bytes) -> tuple[bytes, CommittedBlob, Wrapper]:
    """Inverse of `wrap`; the blob is not checked. Raises BlobTransactionMalformed."""
    try:
        parts = rlp.decode(sent[1:])
    except RLPException as error:
        raise BlobTransactionMalformed(f"{len(sent)} bytes: {error}") from error
    forms = {4: Wrapper.BLOB_PROOF, 5: Wrapper.CELL_PROOFS}
    wrapper = forms.get(len(parts)) if sent[:1] == bytes([BLOB_TYPE]) else None
    if wrapper is None or (wrapper is Wrapper.CELL_PROOFS and parts[1] != _CELL_PROOFS_VERSION):
        raise BlobTransactionMalformed(f"{len(sent)} bytes have none of the forms in which blobs are sent")
    blobs, commitments, proofs = parts[-3:]
    sizes = ([BLOB_BYTES], [COMMITMENT_BYTES], CELLS if wrapper is Wrapper.CELL_PROOFS else 1)
    if ([*map(len, blobs)], [*map(len, commitments)], len(proofs)) != sizes:
        raise BlobTransactionMalformed(f"{len(sent)} bytes do not carry exactly one blob with its proofs")
    signed = bytes([BLOB_TYPE]) + rlp.encode(parts[0])
    return signed, CommittedBlob(blobs[0], commitments[0]), wrapper


def is_blob_transaction(raw: bytes) -> bool:
    """Whether a signed transaction carries blobs."""
    return raw[:1] == bytes([BLOB_TYPE])


def wrapper_of(configuration: object) -> Wrapper | None:
    """The form that a chain asks for, as its client's answer to `eth_config` (EIP-7910) tells; None if it
    tells nothing."""
    current = configuration.get("current") if isinstance(configuration, Mapping) else None
    precompiles = current.get("precompiles") if isinstance(current, Mapping) else None
    if not isinstance(precompiles, Mapping):
        return None
    try:
        addresses = {int(address, 16) for address in cast(Mapping[str, Any], precompiles).values()}
    except (TypeError, ValueError):
        return None
    return Wrapper.CELL_PROOFS if _P256_VERIFY in addresses else Wrapper.BLOB_PROOF

"""Native cryptography: hashes, signatures, note encryption and proofs, computed by libsotto (circuits/lib).

Every function releases the interpreter lock while it computes and may be called from several threads. Errors
are subclasses of `CryptoError`. A process that forks after its first call must not call in the child.
"""

from sotto.crypto.backend import install_hash_backend
from sotto.crypto.circuits import (
    KeyInfo,
    ProofResult,
    check_witness,
    prepare_keys,
    prepare_verifying_key,
    prove,
    verify,
    verify_batch,
)
from sotto.crypto.eddsa import eddsa_public_key, eddsa_sign, eddsa_verify
from sotto.crypto.errors import (
    CryptoError,
    InternalError,
    InvalidPoint,
    KeysUnavailable,
    MalformedInput,
    NativeLibraryMissing,
    WitnessRejected,
)
from sotto.crypto.hashing import (
    compress,
    compress_many,
    compress_packed,
    hash1,
    hash_many,
    permute,
    tree_update,
)
from sotto.crypto.notes import (
    OpenedNote,
    note_encrypt,
    note_open,
    note_open_sent,
    note_scan,
    x25519_public,
)

__all__ = [
    "CryptoError",
    "InternalError",
    "InvalidPoint",
    "KeyInfo",
    "KeysUnavailable",
    "MalformedInput",
    "NativeLibraryMissing",
    "OpenedNote",
    "ProofResult",
    "WitnessRejected",
    "check_witness",
    "compress",
    "compress_many",
    "compress_packed",
    "eddsa_public_key",
    "eddsa_sign",
    "eddsa_verify",
    "hash1",
    "hash_many",
    "install_hash_backend",
    "note_encrypt",
    "note_open",
    "note_open_sent",
    "note_scan",
    "permute",
    "prepare_keys",
    "prepare_verifying_key",
    "prove",
    "tree_update",
    "verify",
    "verify_batch",
    "x25519_public",
]

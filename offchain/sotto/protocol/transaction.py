"""Transactions: fields, h, extension words, JSON (spec 04)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from enum import IntEnum
from hashlib import sha256
from typing import Final

from sotto.protocol.ciphertext import CIPHERTEXT_BYTES
from sotto.protocol.errors import (
    EqualNullifiers,
    ExtensionVersionUnknown,
    ForcedWordsNotZero,
    JsonMalformed,
    KindInvalid,
    OperationMismatch,
    PublicWordsInconsistent,
    WordLengthWrong,
)
from sotto.protocol.field import (
    BYTE_WORD_BYTES,
    Field,
    byte_word_from_json,
    byte_word_to_json,
    bytes_from_json,
    check_bits,
    field_from_json,
    field_to_json,
    integer_from_json,
    integer_to_json,
    to_byte_word,
    to_field,
)
from sotto.protocol.hash import H, Tag
from sotto.protocol.notes import ASSET_BITS, VALUE_BITS

RECIPIENT_BITS: Final = 160
EXPIRY_BITS: Final = 64
PROOF_BYTES: Final = 256
EXTENSION_WORDS: Final = 12
EXTENSION_VERSION: Final = 1
OUTPUTS: Final = 3

_WORDS_PER_CIPHERTEXT: Final = CIPHERTEXT_BYTES // BYTE_WORD_BYTES
_FIRST_CIPHERTEXT_WORD: Final = 3


class Kind(IntEnum):
    """Kinds of lanes. A transaction has TRANSFER, FORCED or ACCOUNT."""

    NO_OP = 0
    TRANSFER = 1
    DEPOSIT = 2
    FORCED = 3
    SKIPPED = 4
    ACCOUNT = 5


_TRANSACTION_KINDS: Final = (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)


def ext_hash(ext: Sequence[int]) -> Field:
    """H(EXTENSION; 12 byte words)."""
    return H(Tag.EXTENSION, *ext)


def make_ext(ciphertexts: Sequence[bytes], attachment: bytes | None = None) -> tuple[int, ...]:
    """The 12 extension words of three ciphertexts and an attachment. Raises WordLengthWrong."""
    if len(ciphertexts) != OUTPUTS or any(len(c) != CIPHERTEXT_BYTES for c in ciphertexts):
        raise WordLengthWrong(f"a transaction has {OUTPUTS} ciphertexts of {CIPHERTEXT_BYTES} bytes")
    data = b"".join(ciphertexts)
    words = [int.from_bytes(data[i : i + BYTE_WORD_BYTES]) for i in range(0, len(data), BYTE_WORD_BYTES)]
    return (EXTENSION_VERSION, attachment_hash(attachment), 0, *words)


def attachment_hash(attachment: bytes | None) -> int:
    """SHA-256 cut to its first 31 bytes, 0 without attachment."""
    return 0 if attachment is None else int.from_bytes(sha256(attachment).digest()[:BYTE_WORD_BYTES])


def ext_ciphertexts(ext: Sequence[int]) -> tuple[bytes, bytes, bytes]:
    """The three ciphertexts of the extension words."""

    def ciphertext(output: int) -> bytes:
        start = _FIRST_CIPHERTEXT_WORD + output * _WORDS_PER_CIPHERTEXT
        return b"".join(word.to_bytes(BYTE_WORD_BYTES) for word in ext[start : start + _WORDS_PER_CIPHERTEXT])

    return ciphertext(0), ciphertext(1), ciphertext(2)


@dataclass(frozen=True, slots=True)
class Transaction:
    """The 18 fields, with the extension words in the place of their hash.

    Widths are checked when it is made: KindInvalid, NonCanonicalField, IntegerOutOfRange, WordLengthWrong.
    """

    kind: Kind
    domain: int
    anchor: Field
    named: tuple[Field, Field]
    nullifiers: tuple[Field, Field]
    commitments: tuple[Field, Field, Field]
    public_value: int
    public_asset: int
    recipient: int
    fee: int
    fee_asset: int
    expiry: int
    operation: Field
    ext: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.kind not in _TRANSACTION_KINDS:
            raise KindInvalid(f"kind {self.kind} of a transaction")
        for element in (self.anchor, *self.named, *self.nullifiers, *self.commitments, self.operation):
            to_field(element)
        for value, bits in (
            (self.public_value, VALUE_BITS),
            (self.public_asset, ASSET_BITS),
            (self.recipient, RECIPIENT_BITS),
            (self.fee, VALUE_BITS),
            (self.fee_asset, ASSET_BITS),
            (self.expiry, EXPIRY_BITS),
        ):
            check_bits(value, bits)
        for word in (self.domain, *self.ext):
            to_byte_word(word)
        if (len(self.named), len(self.nullifiers), len(self.commitments), len(self.ext)) != (2, 2, 3, 12):
            raise WordLengthWrong("named 2, nullifiers 2, commitments 3, ext 12")

    @property
    def ext_hash(self) -> Field:
        """H(EXTENSION; ..)."""
        return ext_hash(self.ext)

    def fields(self) -> tuple[int, ...]:
        """The 18 fields in the order of h."""
        return (
            self.kind,
            self.domain,
            self.anchor,
            *self.named,
            *self.nullifiers,
            *self.commitments,
            self.public_value,
            self.public_asset,
            self.recipient,
            self.fee,
            self.fee_asset,
            self.expiry,
            self.operation,
            self.ext_hash,
        )

    @property
    def h(self) -> Field:
        """The transaction's id and the one public input of its client proof."""
        return H(Tag.TRANSACTION, *self.fields())

    def check(self) -> None:
        """Rules that public words alone can break.

        Proof and L1 enforce them all, so an epoch never fails by them for what L1 accepted. Raises
        EqualNullifiers, PublicWordsInconsistent, OperationMismatch, ForcedWordsNotZero.
        """
        if self.nullifiers[0] == self.nullifiers[1]:
            raise EqualNullifiers(f"{self.nullifiers[0]:#x}")
        if self.public_value:
            if not self.recipient or not self.public_asset:
                raise PublicWordsInconsistent("a withdrawal needs asset and recipient")
        elif self.public_asset or self.recipient:
            raise PublicWordsInconsistent("asset and recipient without public value")
        if (self.kind == Kind.ACCOUNT) != (self.operation != 0):
            raise OperationMismatch(f"kind {self.kind} with operation {self.operation:#x}")
        if self.kind == Kind.FORCED and any((self.fee, self.fee_asset, *self.named)):
            raise ForcedWordsNotZero("fee, fee asset and named commitments must be 0")

    def check_extension(self) -> None:
        """What the extension words must be for readers to understand them. Raises ExtensionVersionUnknown.

        No proof enforces this: a node refuses such a transaction, a follower must accept it in an epoch.
        """
        if self.ext[0] != EXTENSION_VERSION or self.ext[2] != 0:
            raise ExtensionVersionUnknown(f"version {self.ext[0]}, reserved {self.ext[2]}")


@dataclass(frozen=True, slots=True)
class ProvenTransaction:
    """A transaction with its client proof, as the API carries it."""

    transaction: Transaction
    proof: bytes
    """256 bytes, EVM order."""

    def __post_init__(self) -> None:
        if len(self.proof) != PROOF_BYTES:
            raise WordLengthWrong(f"a client proof has {PROOF_BYTES} bytes, not {len(self.proof)}")


def transaction_to_json(proven: ProvenTransaction) -> dict[str, object]:
    """The API's JSON object."""
    tx = proven.transaction
    return {
        "kind": int(tx.kind),
        "domain": byte_word_to_json(to_byte_word(tx.domain)),
        "anchor": field_to_json(tx.anchor),
        "named": [field_to_json(x) for x in tx.named],
        "nullifiers": [field_to_json(x) for x in tx.nullifiers],
        "commitments": [field_to_json(x) for x in tx.commitments],
        "public_value": integer_to_json(tx.public_value),
        "public_asset": integer_to_json(tx.public_asset),
        "recipient": integer_to_json(tx.recipient),
        "fee": integer_to_json(tx.fee),
        "fee_asset": integer_to_json(tx.fee_asset),
        "expiry": integer_to_json(tx.expiry),
        "operation": field_to_json(tx.operation),
        "ext": [byte_word_to_json(to_byte_word(x)) for x in tx.ext],
        "proof": "0x" + proven.proof.hex(),
    }


_JSON_KEYS: Final = {f.name for f in dataclass_fields(Transaction)} | {"proof"}


def transaction_from_json(data: object) -> ProvenTransaction:
    """Inverse of `transaction_to_json`; the proof itself is not verified.

    Raises JsonMalformed and the errors of Transaction.
    """
    if not isinstance(data, Mapping) or set(data) != _JSON_KEYS:
        raise JsonMalformed("a transaction is an object with exactly the keys of the specification")

    def items(key: str, length: int) -> list[object]:
        value = data[key]
        if not isinstance(value, list) or len(value) != length:
            raise JsonMalformed(f"{key} must be a list of {length}")
        return value

    def fields(key: str, length: int) -> tuple[Field, ...]:
        return tuple(field_from_json(x) for x in items(key, length))

    kind = integer_from_json(data["kind"], 8)
    if kind not in _TRANSACTION_KINDS:
        raise KindInvalid(f"kind {kind} of a transaction")
    named, nullifiers, commitments = fields("named", 2), fields("nullifiers", 2), fields("commitments", 3)
    return ProvenTransaction(
        Transaction(
            kind=Kind(kind),
            domain=byte_word_from_json(data["domain"]),
            anchor=field_from_json(data["anchor"]),
            named=(named[0], named[1]),
            nullifiers=(nullifiers[0], nullifiers[1]),
            commitments=(commitments[0], commitments[1], commitments[2]),
            public_value=integer_from_json(data["public_value"], VALUE_BITS),
            public_asset=integer_from_json(data["public_asset"], ASSET_BITS),
            recipient=integer_from_json(data["recipient"], RECIPIENT_BITS),
            fee=integer_from_json(data["fee"], VALUE_BITS),
            fee_asset=integer_from_json(data["fee_asset"], ASSET_BITS),
            expiry=integer_from_json(data["expiry"], EXPIRY_BITS),
            operation=field_from_json(data["operation"]),
            ext=tuple(byte_word_from_json(x) for x in items("ext", EXTENSION_WORDS)),
        ),
        bytes_from_json(data["proof"], PROOF_BYTES),
    )

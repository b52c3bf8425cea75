"""The words of an epoch on L1: layout, strict decoding, and the values c, z, y, m (spec 05)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from eth_hash.auto import keccak

from sotto.protocol.errors import LaneCountUnsupported, OperationMismatch, WordLengthWrong, WordNotZero
from sotto.protocol.field import (
    BYTE_WORD_BYTES,
    FIELD_WORD_BYTES,
    MODULUS,
    ZERO,
    Field,
    check_bits,
    decode_byte_word,
    decode_field,
)
from sotto.protocol.hash import H, Tag
from sotto.protocol.notes import ASSET_BITS, VALUE_BITS, Deposit
from sotto.protocol.transaction import EXPIRY_BITS, EXTENSION_WORDS, RECIPIENT_BITS, Kind, Transaction

FEE_SLOTS: Final = 4
LANE_COUNTS: Final = (4, 16)

HEADER_FIELD_WORDS: Final = 3
HEADER_BYTE_WORDS: Final = 15
LANE_L1_BYTE_WORDS: Final = 4
LANE_DATA_FIELD_WORDS: Final = 9
LANE_DATA_BYTE_WORDS: Final = 3 + EXTENSION_WORDS
_BLOCK_BITS: Final = 64
_Y_DATA_LOW_BITS: Final = 128

FeeQuad = tuple[int, int, int, int]


class DataMode(IntEnum):
    """Where L1 has an epoch's data words (spec 14); the verifier of the epoch fixes it."""

    CALLDATA = 0
    BLOB = 1


class Layout(NamedTuple):
    """What the verifier of an epoch fixes: how many lanes it has, and where its data words are."""

    lanes: int
    data_mode: DataMode = DataMode.CALLDATA

    @property
    def circuit(self) -> str:
        """Name of the circuit."""
        return f"rollup{self.lanes}{'blob' if self.data_mode == DataMode.BLOB else ''}"


@dataclass(frozen=True, slots=True)
class Header:
    """The words that belong to no lane."""

    old_state: Field
    new_state: Field
    own_anchor: Field
    domain: int
    epoch_id: int
    oldest: int
    """Oldest epoch whose anchor a lane may use."""
    now: int
    """L1 block against which expiry is judged."""
    queue_start: int
    queue_end: int
    fee_assets: FeeQuad
    fee_totals: FeeQuad
    reserved: int = 0

    def byte_words(self) -> tuple[int, ...]:
        """The 15 byte words in their order."""
        return (
            self.domain,
            self.epoch_id,
            self.oldest,
            self.now,
            self.queue_start,
            self.queue_end,
            *self.fee_assets,
            *self.fee_totals,
            self.reserved,
        )


@dataclass(frozen=True, slots=True)
class LaneWords:
    """The words of one lane; all 0 for a no-op."""

    kind: Kind = Kind.NO_OP
    link: Field = ZERO
    public_value: int = 0
    public_asset: int = 0
    recipient: int = 0
    anchor: Field = ZERO
    named: tuple[Field, Field] = (ZERO, ZERO)
    nullifiers: tuple[Field, Field] = (ZERO, ZERO)
    commitments: tuple[Field, Field, Field] = (ZERO, ZERO, ZERO)
    operation: Field = ZERO
    fee: int = 0
    fee_asset: int = 0
    expiry: int = 0
    ext: tuple[int, ...] = (0,) * EXTENSION_WORDS

    @classmethod
    def of_transaction(cls, tx: Transaction, kind: Kind) -> "LaneWords":
        """The lane of a transaction, whose kind is SKIPPED for a forced one that can pay nothing."""
        return cls(
            kind,
            tx.h,
            tx.public_value,
            tx.public_asset,
            tx.recipient,
            tx.anchor,
            tx.named,
            tx.nullifiers,
            tx.commitments,
            tx.operation,
            tx.fee,
            tx.fee_asset,
            tx.expiry,
            tx.ext,
        )

    @classmethod
    def of_deposit(cls, deposit: Deposit, commitment: Field) -> "LaneWords":
        """The lane of a deposit."""
        return cls(
            Kind.DEPOSIT,
            deposit.partial,
            deposit.value,
            deposit.asset,
            commitments=(commitment, ZERO, ZERO),
        )

    def transaction(self, domain: int) -> Transaction:
        """The transaction of a lane of kind 1, 3, 4 or 5. Raises as Transaction."""
        return Transaction(
            Kind.FORCED if self.kind == Kind.SKIPPED else self.kind,
            domain,
            self.anchor,
            self.named,
            self.nullifiers,
            self.commitments,
            self.public_value,
            self.public_asset,
            self.recipient,
            self.fee,
            self.fee_asset,
            self.expiry,
            self.operation,
            self.ext,
        )

    def deposit(self) -> Deposit:
        """The deposit of a lane of kind 2. Raises IntegerOutOfRange."""
        return Deposit(self.link, self.public_asset, self.public_value)

    def h(self, domain: int, queue_index: int) -> Field:
        """What stands for the lane in c."""
        if self.kind == Kind.NO_OP:
            return ZERO
        if self.kind == Kind.DEPOSIT:
            return self.deposit().h(domain, queue_index)
        return self.transaction(domain).h


@dataclass(frozen=True, slots=True)
class OperationWords:
    """Published part of an account operation, 0 if the place is unused."""

    account: Field = ZERO
    new: Field = ZERO


@dataclass(frozen=True, slots=True)
class EpochWords:
    """All words of an epoch: a header, N lanes and N/4 operations."""

    header: Header
    lanes: tuple[LaneWords, ...]
    operations: tuple[OperationWords, ...]

    def __post_init__(self) -> None:
        check_lane_count(len(self.lanes))
        if 4 * len(self.operations) != len(self.lanes):
            raise WordLengthWrong(f"{len(self.operations)} operations for {len(self.lanes)} lanes")

    def parts(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """L1 field, L1 byte, data field and data byte words."""
        header = self.header
        l1_field: list[int] = [header.old_state, header.new_state, header.own_anchor]
        l1_byte = list(header.byte_words())
        data_field: list[int] = []
        data_byte: list[int] = []
        for lane in self.lanes:
            l1_field.append(lane.link)
            l1_byte += (lane.kind, lane.public_value, lane.public_asset, lane.recipient)
            data_field += (lane.anchor, *lane.named, *lane.nullifiers, *lane.commitments, lane.operation)
            data_byte += (lane.fee, lane.fee_asset, lane.expiry, *lane.ext)
        for operation in self.operations:
            data_field += (operation.account, operation.new)
        return l1_field, l1_byte, data_field, data_byte

    def values(self) -> list[int]:
        """All words in the order of y."""
        return [word for part in self.parts() for word in part]

    def l1_values(self) -> list[int]:
        """The words that are in calldata in both data modes, which come before the data words."""
        l1_field, l1_byte, _, _ = self.parts()
        return l1_field + l1_byte

    def data_values(self) -> list[int]:
        """The data words, coefficients of the blob in data mode 1."""
        _, _, data_field, data_byte = self.parts()
        return data_field + data_byte

    def encode(self) -> bytes:
        """All words as bytes: what L1 is given in data mode 0."""
        return self.encode_l1() + self.encode_data()

    def encode_l1(self) -> bytes:
        """The L1 words as bytes."""
        l1_field, l1_byte, _, _ = self.parts()
        return _encode(l1_field, l1_byte)

    def encode_data(self) -> bytes:
        """The data words as bytes."""
        _, _, data_field, data_byte = self.parts()
        return _encode(data_field, data_byte)

    def queue_indices(self) -> list[int | None]:
        """The queue index that each lane takes, None for lanes that take none."""
        indices: list[int | None] = []
        cursor = self.header.queue_start
        for lane in self.lanes:
            takes = lane.kind in (Kind.DEPOSIT, Kind.FORCED, Kind.SKIPPED)
            indices.append(cursor if takes else None)
            cursor += takes
        return indices

    def c(self) -> Field:
        """H(VECTOR; ..), which fixes every word."""
        header = self.header
        inputs: list[int] = [header.old_state, header.new_state, header.own_anchor, *header.byte_words()]
        for lane, index in zip(self.lanes, self.queue_indices(), strict=True):
            inputs += (lane.kind, lane.link, lane.h(header.domain, index or 0))
        return H(Tag.VECTOR, *inputs)


def _encode(field_words: list[int], byte_words: list[int]) -> bytes:
    words = [word.to_bytes(FIELD_WORD_BYTES) for word in field_words]
    return b"".join(words + [word.to_bytes(BYTE_WORD_BYTES) for word in byte_words])


def check_lane_count(lanes: int) -> None:
    """Refuse a number of lanes without aligned subtrees. Raises LaneCountUnsupported."""
    if lanes not in LANE_COUNTS:
        raise LaneCountUnsupported(f"{lanes} lanes: use one of {LANE_COUNTS}")


def words_length(lanes: int) -> int:
    """Length in bytes of the words of an epoch of N lanes."""
    return l1_words_length(lanes) + data_words_length(lanes)


def l1_words_length(lanes: int) -> int:
    """Length in bytes of the L1 words alone, which come first."""
    byte_words = HEADER_BYTE_WORDS + LANE_L1_BYTE_WORDS * lanes
    return (HEADER_FIELD_WORDS + lanes) * FIELD_WORD_BYTES + byte_words * BYTE_WORD_BYTES


def data_words_length(lanes: int) -> int:
    """Length in bytes of the data words alone."""
    return data_field_words(lanes) * FIELD_WORD_BYTES + LANE_DATA_BYTE_WORDS * lanes * BYTE_WORD_BYTES


def data_field_words(lanes: int) -> int:
    """Number of the data field words, which come before the data byte words."""
    return LANE_DATA_FIELD_WORDS * lanes + lanes // 2


def data_words(lanes: int) -> int:
    """Number of the data words."""
    return data_field_words(lanes) + LANE_DATA_BYTE_WORDS * lanes


def compute_z(domain: int, c: Field, words: bytes) -> int:
    """keccak256(domain || c || words) >> 8: 248 bits. In data mode 1, `words` is the L1 words and the blob's
    versioned hash."""
    return int.from_bytes(keccak(domain.to_bytes(32) + c.to_bytes(32) + words)) >> 8


def compute_y(values: Sequence[int], z: int) -> Field:
    """Value at z of the polynomial whose coefficients are the words, the first constant."""
    y = 0
    for word in reversed(values):
        y = (y * z + word) % MODULUS
    return Field(y)


def split_y_data(y_data: int) -> tuple[int, int]:
    """The public inputs `y_data low`, 128 bits, and `y_data high`, 127 bits, of a value below n."""
    return y_data & (1 << _Y_DATA_LOW_BITS) - 1, y_data >> _Y_DATA_LOW_BITS


def compute_m(domain: int, z: int, beneficiary: bytes, policy_word: int = 0) -> Field:
    """The public input that names who is paid for a proof. `beneficiary` is an address of 20 bytes."""
    if len(beneficiary) != 20:
        raise WordLengthWrong(f"an L1 address has 20 bytes, not {len(beneficiary)}")
    words = (domain, z, int.from_bytes(beneficiary), policy_word)
    return Field(int.from_bytes(keccak(b"".join(word.to_bytes(32) for word in words))) % MODULUS)


def encode_words(words: EpochWords) -> bytes:
    """The bytes that L1 is given."""
    return words.encode()


def decode_words(data: bytes, lanes: int) -> EpochWords:
    """Inverse of `encode_words`.

    Checks lengths, canonical fields, widths, and that words which a kind or the version keeps at 0 are 0. It
    does not check the state transition: see `replay`. Raises LaneCountUnsupported, WordLengthWrong,
    NonCanonicalField, IntegerOutOfRange, WordNotZero, KindInvalid, OperationMismatch.
    """
    check_lane_count(lanes)
    if len(data) != words_length(lanes):
        raise WordLengthWrong(f"{len(data)} bytes instead of {words_length(lanes)} for {lanes} lanes")
    reader = _Reader(data)
    states = reader.fields(HEADER_FIELD_WORDS)
    links = reader.fields(lanes)
    header_bytes = reader.bytes_(HEADER_BYTE_WORDS)
    l1_bytes = [reader.bytes_(LANE_L1_BYTE_WORDS) for _ in range(lanes)]
    data_fields = [reader.fields(LANE_DATA_FIELD_WORDS) for _ in range(lanes)]
    operations = [OperationWords(*reader.fields(2)) for _ in range(lanes // 4)]
    data_bytes = [reader.bytes_(LANE_DATA_BYTE_WORDS) for _ in range(lanes)]
    rows = zip(links, l1_bytes, data_fields, data_bytes, strict=True)
    words = EpochWords(_header(states, header_bytes), tuple(_lane(*row) for row in rows), tuple(operations))
    _check_lanes(words)
    return words


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, size: int, count: int) -> Iterator[bytes]:
        for _ in range(count):
            self._at += size
            yield self._data[self._at - size : self._at]

    def fields(self, count: int) -> list[Field]:
        return [decode_field(word) for word in self._take(FIELD_WORD_BYTES, count)]

    def bytes_(self, count: int) -> list[int]:
        return [decode_byte_word(word) for word in self._take(BYTE_WORD_BYTES, count)]


def _header(states: list[Field], words: list[int]) -> Header:
    for value in words[1:6]:
        check_bits(value, _BLOCK_BITS)
    for asset in words[6:10]:
        check_bits(asset, ASSET_BITS)
    if words[14]:
        raise WordNotZero("the reserved word of the header")
    return Header(
        states[0],
        states[1],
        states[2],
        domain=words[0],
        epoch_id=words[1],
        oldest=words[2],
        now=words[3],
        queue_start=words[4],
        queue_end=words[5],
        fee_assets=(words[6], words[7], words[8], words[9]),
        fee_totals=(words[10], words[11], words[12], words[13]),
    )


def _lane(link: Field, l1: list[int], fields: list[Field], data: list[int]) -> LaneWords:
    kind, public_value, public_asset, recipient = l1
    if kind > Kind.ACCOUNT:
        raise WordNotZero(f"lane kind {kind} is reserved")
    bounds = (
        (public_value, VALUE_BITS),
        (public_asset, ASSET_BITS),
        (recipient, RECIPIENT_BITS),
        (data[0], VALUE_BITS),
        (data[1], ASSET_BITS),
        (data[2], EXPIRY_BITS),
    )
    for value, bits in bounds:
        check_bits(value, bits)
    return LaneWords(
        Kind(kind),
        link,
        public_value,
        public_asset,
        recipient,
        anchor=fields[0],
        named=(fields[1], fields[2]),
        nullifiers=(fields[3], fields[4]),
        commitments=(fields[5], fields[6], fields[7]),
        operation=fields[8],
        fee=data[0],
        fee_asset=data[1],
        expiry=data[2],
        ext=tuple(data[3:]),
    )


def _check_lanes(words: EpochWords) -> None:
    accounts = 0
    for number, lane in enumerate(words.lanes):
        if lane.kind == Kind.NO_OP and lane != LaneWords():
            raise WordNotZero(f"no-op lane {number}")
        if lane.kind == Kind.DEPOSIT and lane != LaneWords.of_deposit(lane.deposit(), lane.commitments[0]):
            raise WordNotZero(f"deposit lane {number}")
        accounts += lane.kind == Kind.ACCOUNT
    for place, operation in enumerate(words.operations):
        if (place < accounts) != (operation.new != 0) or (place >= accounts and operation.account):
            raise OperationMismatch(f"operation {place} of {accounts} account lanes")

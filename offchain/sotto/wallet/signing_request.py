"""What a remote signer is asked to sign: the whole transaction in plaintext (docs/spec/11-signer.md).

The signer recomputes every hidden word from the plaintext with its own keys, and compares. It believes
nothing but that the input notes exist, which the proof needs anyway.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError
from pydantic import Field as Item

from sotto.crypto import note_encrypt
from sotto.crypto.errors import CryptoError
from sotto.protocol import accounts, notes
from sotto.protocol.accounts import Operation
from sotto.protocol.address import Address, encode_address
from sotto.protocol.errors import MemoNotForKey, ProtocolError
from sotto.protocol.field import Field, to_field
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.memo import open_made_memo
from sotto.protocol.notes import Note
from sotto.protocol.transaction import Kind, Transaction, make_ext
from sotto.protocol.transfer import SpendInput
from sotto.wallet.errors import SigningRequestRefused
from sotto.wallet.signer import SigningRequest

_WORD_DIGITS: Final = 64


def _number(value: object) -> int:
    digits = value[2:] if isinstance(value, str) and value[:2] == "0x" else ""
    if not 0 < len(digits) <= _WORD_DIGITS or set(digits) - set("0123456789abcdef"):
        raise ValueError("not 0x and up to 64 lower-case hex digits")
    return int(digits, 16)


def _data(value: object) -> bytes:
    if not isinstance(value, str) or value[:2] != "0x" or set(value[2:]) - set("0123456789abcdef"):
        raise ValueError("not 0x and lower-case hex digits")
    return bytes.fromhex(value[2:])


Number = Annotated[int, BeforeValidator(_number), PlainSerializer(hex)]
Data = Annotated[bytes, BeforeValidator(_data), PlainSerializer(lambda data: "0x" + data.hex())]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SpentNote(_Model):
    """An own note that an input spends."""

    asset: Number
    value: Number
    r: Number
    rho: Number


class InputText(_Model):
    """An input: a note, or the random number of a dummy; `named` says that it is spent by its name."""

    note: SpentNote | None = None
    random: Number | None = None
    named: bool = False


class OutputText(_Model):
    """An output: for whom it is, and how its ciphertext was made."""

    asset: Number
    value: Number
    owner: Number
    key: Data
    esk: Data
    reference: Data


class OperationText(_Model):
    """A change of the account's keys: the set before (0 for none), and the hashes of all keys afterwards."""

    previous: Number
    keys: list[Number] = Item(min_length=1, max_length=accounts.MAX_KEYS)


class Claimed(_Model):
    """The hidden words as the asking side has them."""

    nullifiers: list[Number] = Item(min_length=2, max_length=2)
    commitments: list[Number] = Item(min_length=3, max_length=3)
    ext: list[Number] = Item(min_length=12, max_length=12)
    h: Number


class RequestText(_Model):
    """A transaction in plaintext. `key` is the hash of the key that shall sign."""

    key: Number
    domain: Number
    anchor: Number
    inputs: list[InputText] = Item(min_length=2, max_length=2)
    outputs: list[OutputText] = Item(min_length=3, max_length=3)
    public_value: Number
    public_asset: Number
    recipient: Number
    fee: Number
    fee_asset: Number
    expiry: Number
    operation: OperationText | None
    attachment: Data
    forced: bool = False
    claimed: Claimed


@dataclass(frozen=True, slots=True)
class Receiver:
    """An output that leaves the wallet."""

    address: str
    asset: int
    value: int
    reference: bytes
    memo: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a transaction does, recomputed.

    Attributes:
        key: hash of the key that shall sign.
        change: what comes back to this wallet, by asset; verified as its own.
        keys: the account's keys afterwards, for a change of them.
        expiry: L1 block.
    """

    h: Field
    key: Field
    receivers: tuple[Receiver, ...]
    change: dict[int, int]
    public_value: int
    public_asset: int
    recipient: int
    fee: int
    fee_asset: int
    expiry: int
    keys: tuple[Field, ...]

    @property
    def leaving(self) -> dict[int, int]:
        """Smallest units of each asset that leave the wallet, without the fee."""
        total: Counter[int] = Counter()
        for receiver in self.receivers:
            total[receiver.asset] += receiver.value
        if self.public_value:
            total[self.public_asset] += self.public_value
        return dict(total)


def encode_request(key: Field, request: SigningRequest) -> dict[str, Any]:
    """The JSON of a request. Raises SigningRequestRefused for a draft of an earlier release."""
    plan, draft = request.plan, request.draft
    transaction = plan.transaction
    if not all(output.key for output in draft.outputs):
        raise SigningRequestRefused("outputs", "the payment was begun by a release without remote signers")
    inputs = []
    for entry, name in zip(plan.inputs, transaction.named, strict=True):
        if isinstance(entry, SpendInput):
            note = entry.note
            spent = SpentNote.model_construct(asset=note.asset, value=note.value, r=note.r, rho=note.rho)
            inputs.append(InputText.model_construct(note=spent, named=name != 0))
        else:
            inputs.append(InputText.model_construct(random=entry.random))
    outputs = [
        OutputText.model_construct(
            asset=output.asset,
            value=output.value,
            owner=output.owner,
            key=bytes.fromhex(output.key),
            esk=bytes.fromhex(output.esk),
            reference=bytes.fromhex(output.reference),
        )
        for output in draft.outputs
    ]
    change = draft.operation
    text = RequestText.model_construct(
        key=key,
        domain=transaction.domain,
        anchor=transaction.anchor,
        inputs=inputs,
        outputs=outputs,
        public_value=transaction.public_value,
        public_asset=transaction.public_asset,
        recipient=transaction.recipient,
        fee=transaction.fee,
        fee_asset=transaction.fee_asset,
        expiry=transaction.expiry,
        operation=None
        if change is None
        else OperationText.model_construct(previous=change.previous, keys=list(change.keys)),
        attachment=bytes.fromhex(draft.attachment),
        forced=draft.forced,
        claimed=Claimed.model_construct(
            nullifiers=list(transaction.nullifiers),
            commitments=list(transaction.commitments),
            ext=list(transaction.ext),
            h=transaction.h,
        ),
    )
    return text.model_dump(mode="json")


def review(data: Any, keys: ViewingKeys) -> Reviewed:
    """Recompute a request with the signer's own keys. Raises SigningRequestRefused, named by what differs."""
    try:
        text = RequestText.model_validate(data)
    except ValidationError as error:
        raise SigningRequestRefused("format", str(error.errors(include_input=False)[:3])[:300]) from None
    if text.domain != keys.domain:
        raise SigningRequestRefused("domain", "the transaction is for another deployment")
    try:
        return _review(text, keys)
    except (ProtocolError, CryptoError, ValueError) as error:
        raise SigningRequestRefused("values", f"{type(error).__name__}: {str(error)[:200]}") from error


def _review(text: RequestText, keys: ViewingKeys) -> Reviewed:
    spent, nullifiers, named = _inputs(text.inputs, keys)
    _compare("nullifiers", text.claimed.nullifiers, nullifiers)
    commitments, ciphertexts, made = [], [], Counter[int]()
    receivers: list[Receiver] = []
    change: Counter[int] = Counter()
    memo_place, memo = _memo(text)
    for place, output in enumerate(text.outputs):
        ciphertext, r = note_encrypt(output.esk, output.key, output.value, output.asset, output.reference)
        note = Note(
            to_field(output.owner), output.asset, output.value, Field(r), notes.rho(nullifiers[0], place)
        )
        commitments.append(note.commitment)
        ciphertexts.append(ciphertext)
        made[output.asset] += output.value
        if (output.owner, output.key) == (keys.owner, keys.incoming_public):
            change[output.asset] += output.value
        elif output.value:
            address = encode_address(Address(note.owner, output.key), keys.domain)
            shown = memo if place == memo_place else ""
            receivers.append(Receiver(address, output.asset, output.value, output.reference, shown))
    _compare("commitments", text.claimed.commitments, commitments)
    ext = make_ext(ciphertexts, text.attachment or None)
    _compare("ext", text.claimed.ext, ext)
    made[text.fee_asset] += text.fee
    made[text.public_asset] += text.public_value
    if +made != +spent:
        raise SigningRequestRefused(
            "amounts", "outputs, fee and withdrawal are not what the inputs are worth"
        )
    operation = _operation(text.operation, keys)
    transaction = Transaction(
        kind=_kind_of(text),
        domain=text.domain,
        anchor=to_field(text.anchor),
        named=named,
        nullifiers=nullifiers,
        commitments=(commitments[0], commitments[1], commitments[2]),
        public_value=text.public_value,
        public_asset=text.public_asset,
        recipient=text.recipient,
        fee=text.fee,
        fee_asset=text.fee_asset,
        expiry=text.expiry,
        operation=operation.word if operation else Field(0),
        ext=ext,
    )
    transaction.check()
    # Every word that h covers is recomputed or shown: what is left to differ here, the asking side has wrong.
    _compare("h", [text.claimed.h], [transaction.h])
    return Reviewed(
        h=transaction.h,
        key=to_field(text.key),
        receivers=tuple(receivers),
        change=dict(+change),
        public_value=text.public_value,
        public_asset=text.public_asset,
        recipient=text.recipient,
        fee=text.fee,
        fee_asset=text.fee_asset,
        expiry=text.expiry,
        keys=() if text.operation is None else tuple(map(Field, text.operation.keys)),
    )


def _kind_of(text: RequestText) -> Kind:
    if text.forced:
        return Kind.FORCED
    return Kind.TRANSFER if text.operation is None else Kind.ACCOUNT


def _inputs(
    inputs: Sequence[InputText], keys: ViewingKeys
) -> tuple[Counter[int], tuple[Field, Field], tuple[Field, Field]]:
    spent: Counter[int] = Counter()
    nullifiers, named = [], []
    for entry in inputs:
        if (entry.note is None) == (entry.random is None):
            raise SigningRequestRefused("inputs", "an input is either a note or a dummy")
        if entry.note is None:
            nullifiers.append(notes.dummy_nullifier(keys.nullifier_key, to_field(entry.random or 0)))
            named.append(Field(0))
            continue
        note = Note(
            keys.owner, entry.note.asset, entry.note.value, to_field(entry.note.r), to_field(entry.note.rho)
        )
        nullifiers.append(note.nullifier(keys.nullifier_key))
        named.append(note.commitment if entry.named else Field(0))
        spent[note.asset] += note.value
    return spent, (nullifiers[0], nullifiers[1]), (named[0], named[1])


def _memo(text: RequestText) -> tuple[int | None, str]:
    if not text.attachment:
        return None, ""
    for place, output in enumerate(text.outputs):
        try:
            return place, open_made_memo(output.esk, output.key, text.attachment).decode()
        except (MemoNotForKey, UnicodeDecodeError):
            continue
    raise SigningRequestRefused("attachment", "it is no memo for any of the outputs")


def _operation(text: OperationText | None, keys: ViewingKeys) -> Operation | None:
    if text is None:
        return None
    new = accounts.key_set_hash([to_field(key) for key in text.keys])
    return Operation(keys.account_id, to_field(text.previous), new)


def _compare(name: str, claimed: Sequence[int], found: Sequence[int]) -> None:
    if list(claimed) != list(found):
        raise SigningRequestRefused(name, "they are not those of the plaintext")

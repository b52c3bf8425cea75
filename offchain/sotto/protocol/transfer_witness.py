"""The witness file of a client proof (spec 07), and the statement of the transfer circuit (spec 04)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sotto.protocol import accounts, notes
from sotto.protocol.account_witness import (
    account_to_json,
    check_account,
    check_signature,
    point_to_json,
    signature_to_json,
)
from sotto.protocol.babyjub import Point, Signature
from sotto.protocol.errors import (
    AnchorMismatch,
    AssetNotAllowed,
    CommitmentMismatch,
    DummyHasValue,
    DummyIsNamed,
    EqualNullifiers,
    FeeBucketUnbalanced,
    InputNotInTree,
    InputNotNamed,
    KindInvalid,
    NullifierMismatch,
    OperationMismatch,
    PublicWordsInconsistent,
    Unbalanced,
)
from sotto.protocol.field import Field, check_bits
from sotto.protocol.hash import H, Tag
from sotto.protocol.insertion import empty_path
from sotto.protocol.merkle import fold
from sotto.protocol.notes import ASSET_BITS, VALUE_BITS
from sotto.protocol.rollup_witness import path_to_json, to_hex
from sotto.protocol.transaction import RECIPIENT_BITS, Kind
from sotto.protocol.transfer import DummyInput, TransferInput, TransferPlan
from sotto.protocol.trees import NOTE_DEPTH, anchor
from sotto.protocol.witness_json import Reader

_KINDS: Final = frozenset(map(int, (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)))


def transfer_witness(plan: TransferPlan, signing_key: Point, signature: Signature) -> dict[str, object]:
    """The witness file of a plan and a signature of its `transaction.h`."""
    tx = plan.transaction
    operation = plan.operation
    return {
        "tx": {
            "kind": to_hex(tx.kind),
            "domain": to_hex(tx.domain),
            "anchor": to_hex(tx.anchor),
            "named": [to_hex(x) for x in tx.named],
            "nullifiers": [to_hex(x) for x in tx.nullifiers],
            "commitments": [to_hex(x) for x in tx.commitments],
            "public_value": to_hex(tx.public_value),
            "public_asset": to_hex(tx.public_asset),
            "recipient": to_hex(tx.recipient),
            "fee": to_hex(tx.fee),
            "fee_asset": to_hex(tx.fee_asset),
            "expiry": to_hex(tx.expiry),
            "operation": to_hex(tx.operation),
            "ext_hash": to_hex(tx.ext_hash),
        },
        "asset": to_hex(plan.asset),
        "nullifier_key": to_hex(plan.nullifier_key),
        "first_key": point_to_json(plan.first_key),
        "signing_key": point_to_json(signing_key),
        "signature": signature_to_json(signature),
        "epoch_id": to_hex(plan.anchor.epoch_id),
        "note_root": to_hex(plan.anchor.note_root),
        "account_root": to_hex(plan.anchor.account_root),
        "account": account_to_json(plan.account),
        "operation": {
            "previous": to_hex(operation.previous if operation else 0),
            "next": to_hex(operation.new if operation else 0),
        },
        "inputs": [_input(entry, plan.asset) for entry in plan.inputs],
        "outputs": [
            {"asset": to_hex(o.asset), "value": to_hex(o.value), "partial": to_hex(o.partial)}
            for o in plan.outputs
        ],
    }


def _input(entry: TransferInput, hidden_asset: int) -> dict[str, object]:
    if isinstance(entry, DummyInput):
        return {
            "real": 0,
            "asset": to_hex(hidden_asset),
            "value": "0x0",
            "data": "0x0",
            "r": "0x0",
            "rho": "0x0",
            "random": to_hex(entry.random),
            "index": 0,
            "path": path_to_json(empty_path(NOTE_DEPTH)),
        }
    note = entry.note
    return {
        "real": 1,
        "asset": to_hex(note.asset),
        "value": to_hex(note.value),
        "data": to_hex(note.data),
        "r": to_hex(note.r),
        "rho": to_hex(note.rho),
        "random": "0x0",
        "index": entry.index,
        "path": path_to_json(entry.path),
    }


@dataclass(frozen=True, slots=True)
class _Tx:
    """The fields of `tx` as plain elements: ranges belong to the statement."""

    fields: tuple[Field, ...]
    kind: Field
    anchor: Field
    named: list[Field]
    nullifiers: list[Field]
    commitments: list[Field]
    public_value: Field
    public_asset: Field
    recipient: Field
    fee: Field
    fee_asset: Field
    operation: Field


def _read_tx(tx: Reader) -> _Tx:
    kind, domain, anchor_ = tx.field("kind"), tx.field("domain"), tx.field("anchor")
    named, nullifiers, commitments = (
        tx.fields("named", 2),
        tx.fields("nullifiers", 2),
        tx.fields("commitments", 3),
    )
    value, asset, recipient = tx.field("public_value"), tx.field("public_asset"), tx.field("recipient")
    fee, fee_asset, expiry = tx.field("fee"), tx.field("fee_asset"), tx.field("expiry")
    operation, ext_hash = tx.field("operation"), tx.field("ext_hash")
    tx.end()
    fields = (kind, domain, anchor_, *named, *nullifiers, *commitments)
    fields += (value, asset, recipient, fee, fee_asset, expiry, operation, ext_hash)
    return _Tx(
        fields,
        kind,
        anchor_,
        named,
        nullifiers,
        commitments,
        value,
        asset,
        recipient,
        fee,
        fee_asset,
        operation,
    )


def check_transfer(witness: Mapping[str, object]) -> Field:
    """Evaluate the statement of the transfer circuit on a witness file and return h.

    Raises JsonMalformed or NonCanonicalField for a malformed file; else the rejection named after the broken
    rule: KindInvalid, AnchorMismatch, AccountLeafNotFound, AccountNotAbsent, KeySetMismatch,
    SigningKeyNotInSet, SigningKeyNotFirst, PointNotOnCurve, SignatureInvalid, InputNotInTree, InputNotNamed,
    DummyHasValue, DummyIsNamed, NullifierMismatch, AssetNotAllowed, EqualNullifiers, CommitmentMismatch,
    IntegerOutOfRange, Unbalanced, FeeBucketUnbalanced, PublicWordsInconsistent, OperationMismatch.
    """
    file = Reader(witness, "witness")
    tx = _read_tx(file.object("tx"))
    h = H(Tag.TRANSACTION, *tx.fields)
    if tx.kind not in _KINDS:  # rule 1
        raise KindInvalid(f"kind {tx.kind}")

    nullifier_key, first_key = file.field("nullifier_key"), file.point("first_key")
    account = accounts.account_id(first_key, nullifier_key)  # rule 2
    epoch_id, note_root = file.field("epoch_id"), file.field("note_root")
    account_root = file.field("account_root")
    if tx.anchor != anchor(epoch_id, note_root, account_root):  # rule 3
        raise AnchorMismatch(f"{tx.anchor:#x}")

    signing_key = file.point("signing_key")
    check_account(file.object("account"), account_root, account, first_key, signing_key)
    check_signature(file.object("signature"), signing_key, h)

    asset = file.field("asset")
    for value, bits in (
        (asset, ASSET_BITS),
        (tx.fee_asset, ASSET_BITS),
        (tx.fee, VALUE_BITS),
        (tx.public_value, VALUE_BITS),
    ):
        check_bits(value, bits)  # rule 9
    owner = accounts.owner(account)
    spent = [
        _check_input(entry, i, tx, asset, owner, nullifier_key, note_root)
        for i, entry in enumerate(file.objects("inputs", 2))
    ]
    if tx.nullifiers[0] == tx.nullifiers[1]:  # rule 7
        raise EqualNullifiers(f"{tx.nullifiers[0]:#x}")
    made = [_check_output(out, j, tx, asset) for j, out in enumerate(file.objects("outputs", 3))]

    if sum(v for _, v in spent) != sum(v for _, v in made) + tx.fee + tx.public_value:  # rule 10
        raise Unbalanced("inputs are not outputs plus fee plus public value")
    fee_in, fee_out = (sum(v for a, v in side if a == tx.fee_asset) for side in (spent, made))
    if asset != tx.fee_asset and fee_in != fee_out + tx.fee:
        raise FeeBucketUnbalanced("inputs of the fee asset are not its outputs plus the fee")

    if tx.public_value:  # rule 11
        check_bits(tx.recipient, RECIPIENT_BITS)
        if tx.public_asset != asset or tx.recipient == 0:
            raise PublicWordsInconsistent("a withdrawal is of the hidden asset and has a recipient")
    elif tx.public_asset or tx.recipient:
        raise PublicWordsInconsistent("asset and recipient without public value")

    operation = file.object("operation")
    word = H(Tag.OPERATION, account, operation.field("previous"), operation.field("next"))
    operation.end()
    if tx.operation != (word if tx.kind == int(Kind.ACCOUNT) else 0):  # rule 12
        raise OperationMismatch(f"{tx.operation:#x}")
    file.end()
    return h


def _check_input(
    entry: Reader,
    number: int,
    tx: _Tx,
    asset: Field,
    owner: Field,
    nullifier_key: Field,
    note_root: Field,
) -> tuple[Field, Field]:
    """Rule 6. Returns asset and value."""
    real = entry.integer("real", 1)
    note_asset, value = entry.field("asset"), entry.field("value")
    data, r, rho, random = (entry.field(key) for key in ("data", "r", "rho", "random"))
    index, path = entry.index("index", NOTE_DEPTH), entry.path("path", NOTE_DEPTH)
    entry.end()
    if note_asset not in (asset, tx.fee_asset):
        raise AssetNotAllowed(f"input {number}: asset {note_asset}")
    check_bits(value, VALUE_BITS)
    commitment = notes.commitment(notes.partial(owner, r, data=data), note_asset, value, rho)
    named = tx.named[number]
    if not real:
        if value:
            raise DummyHasValue(f"input {number}")
        if named:
            raise DummyIsNamed(f"input {number}")
        expected = notes.dummy_nullifier(nullifier_key, random)
    else:
        if named and named != commitment:
            raise InputNotNamed(f"input {number}: {commitment:#x}")
        if not named and fold(commitment, index, path) != note_root:
            raise InputNotInTree(f"input {number}: {commitment:#x}")
        expected = notes.nullifier(nullifier_key, commitment)
    if tx.nullifiers[number] != expected:
        raise NullifierMismatch(f"input {number}")
    return note_asset, value


def _check_output(entry: Reader, number: int, tx: _Tx, asset: Field) -> tuple[Field, Field]:
    """Rule 8. Returns asset and value."""
    note_asset, value, partial = entry.field("asset"), entry.field("value"), entry.field("partial")
    entry.end()
    if note_asset not in (asset, tx.fee_asset):
        raise AssetNotAllowed(f"output {number}: asset {note_asset}")
    check_bits(value, VALUE_BITS)
    rho = notes.rho(tx.nullifiers[0], number)
    if tx.commitments[number] != notes.commitment(partial, note_asset, value, rho):
        raise CommitmentMismatch(f"output {number}")
    return note_asset, value

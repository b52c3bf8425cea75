"""The witness file of an exit proof (spec 07), and the statement of the exit circuit (spec 13)."""

from collections.abc import Mapping

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
    ExitStateMismatch,
    NoteNotInTree,
    NoteSpent,
    NullifierLeafNotFound,
    NullifierMismatch,
)
from sotto.protocol.exit import ExitPlan, ExitRequest, PublicInputs
from sotto.protocol.field import Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.merkle import fold
from sotto.protocol.rollup_witness import path_to_json, roots_to_json, to_hex
from sotto.protocol.trees import NOTE_DEPTH, NULLIFIER_DEPTH, StateRoots, strictly_between
from sotto.protocol.witness_json import Reader


def exit_witness(plan: ExitPlan, signing_key: Point, signature: Signature) -> dict[str, object]:
    """The witness file of a plan and a signature of its `request.message`."""
    request, note, low = plan.request, plan.note, plan.low
    return {
        "request": {
            "domain": to_hex(request.domain),
            "nullifier": to_hex(request.nullifier),
            "asset": to_hex(request.asset),
            "value": to_hex(request.value),
            "recipient": to_hex(request.recipient),
            "executor": to_hex(request.executor),
            "fee": to_hex(request.fee),
        },
        "state": to_hex(plan.state),
        "trees": roots_to_json(plan.roots),
        "nullifier_key": to_hex(plan.nullifier_key),
        "first_key": point_to_json(plan.first_key),
        "signing_key": point_to_json(signing_key),
        "signature": signature_to_json(signature),
        "account": account_to_json(plan.account),
        "note": {
            "data": to_hex(note.data),
            "r": to_hex(note.r),
            "rho": to_hex(note.rho),
            "index": plan.index,
            "path": path_to_json(plan.path),
        },
        "low": {
            "value": to_hex(low.value),
            "next": to_hex(low.next),
            "index": low.index,
            "path": path_to_json(low.path),
        },
    }


def check_exit(witness: Mapping[str, object]) -> PublicInputs:
    """Evaluate the statement of the exit circuit on a witness file and return the public inputs.

    Raises JsonMalformed, NonCanonicalField or IntegerOutOfRange for a malformed file; else the rejection
    named after the broken rule: ExitStateMismatch, AccountLeafNotFound, AccountNotAbsent, KeySetMismatch,
    SigningKeyNotInSet, SigningKeyNotFirst, PointNotOnCurve, SignatureInvalid, NoteNotInTree,
    NullifierMismatch, NullifierLeafNotFound, NoteSpent.
    """
    file = Reader(witness, "witness")
    request = _read_request(file.object("request"))
    state, roots = file.field("state"), _read_roots(file.object("trees"))
    if state != roots.hash():  # rule 1
        raise ExitStateMismatch(f"{state:#x}")

    nullifier_key, first_key = file.field("nullifier_key"), file.point("first_key")
    account = accounts.account_id(first_key, nullifier_key)  # rule 2
    signing_key = file.point("signing_key")
    check_account(file.object("account"), roots.account_root, account, first_key, signing_key)  # rule 3
    check_signature(file.object("signature"), signing_key, request.message)  # rule 4

    commitment = _check_note(file.object("note"), request, accounts.owner(account), roots.note_root)
    if request.nullifier != notes.nullifier(nullifier_key, commitment):  # rule 6
        raise NullifierMismatch(f"{request.nullifier:#x}")
    _check_low(file.object("low"), request.nullifier, roots.nullifier_root)
    file.end()
    return request.public_inputs(state)


def _read_request(entry: Reader) -> ExitRequest:
    request = ExitRequest(
        domain=entry.field("domain"),
        nullifier=entry.field("nullifier"),
        asset=entry.field("asset"),
        value=entry.field("value"),
        recipient=entry.field("recipient"),
        executor=entry.field("executor"),
        fee=entry.field("fee"),
    )
    entry.end()
    return request


def _read_roots(entry: Reader) -> StateRoots:
    roots = StateRoots(
        note_root=entry.field("note_root"),
        note_size=entry.field("note_size"),
        nullifier_root=entry.field("nullifier_root"),
        nullifier_size=entry.field("nullifier_size"),
        root_root=entry.field("root_root"),
        root_size=entry.field("root_size"),
        account_root=entry.field("account_root"),
        account_size=entry.field("account_size"),
    )
    entry.end()
    return roots


def _check_note(entry: Reader, request: ExitRequest, owner: Field, note_root: Field) -> Field:
    """Rule 5. Returns the commitment."""
    partial = notes.partial(owner, data=entry.field("data"), r=entry.field("r"))
    commitment = notes.commitment(partial, request.asset, request.value, entry.field("rho"))
    if fold(commitment, entry.index("index", NOTE_DEPTH), entry.path("path", NOTE_DEPTH)) != note_root:
        raise NoteNotInTree(f"{commitment:#x}")
    entry.end()
    return commitment


def _check_low(entry: Reader, nullifier: Field, nullifier_root: Field) -> None:
    """Rule 7."""
    value, following = entry.field("value"), entry.field("next")
    leaf = H(Tag.NULLIFIER_LEAF, value, following)
    index, path = entry.index("index", NULLIFIER_DEPTH), entry.path("path", NULLIFIER_DEPTH)
    entry.end()
    if fold(leaf, index, path) != nullifier_root:
        raise NullifierLeafNotFound(f"{leaf:#x}")
    if not strictly_between(value, nullifier, following):
        raise NoteSpent(f"{nullifier:#x}")

"""Witnesses of the transfer circuit that break one rule of docs/spec/04-transaction.md each, newly signed.

A lie returns the witness file, or None when the scenario has nothing to tell it about.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sotto.protocol import accounts, babyjub, errors, notes
from sotto.protocol.babyjub import Point, Signature
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.notes import ETH
from sotto.protocol.rollup_witness import path_to_json, to_hex
from sotto.protocol.transfer import SpendInput, TransferOutput, open_account
from sotto.protocol.transfer_witness import transfer_witness
from tests.support.scenario import TOKEN, Scenario, Signed, User

Witness = dict[str, Any]
Make = Callable[[Scenario], Witness | None]


@dataclass(frozen=True)
class TransferLie:
    """A broken rule: the specification must name it, the circuit must refuse it."""

    error: type[ProtocolError]
    make: Make

    @property
    def name(self) -> str:
        """The rejection's name and the lie's own."""
        return f"{self.error.__name__}-{self.make.__name__}"


TRANSFER_LIES: list[TransferLie] = []


def _tells(error: type[ProtocolError]) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        TRANSFER_LIES.append(TransferLie(error, make))
        return make

    return register


# Honest transactions to lie about


def _signer(scenario: Scenario, user: User) -> bytes:
    seed: bytes = scenario._signer(user, scenario.state)[0]
    return seed


def _holder(scenario: Scenario, asset: int, present: bool | None = None) -> User | None:
    """A user with a note of an asset and with, or without, an account leaf."""
    for user in scenario.users:
        is_present = user.account in scenario.state.account
        if scenario.spendable(user, asset) and present in (None, is_present):
            return user
    return None


def _payment(scenario: Scenario, user: User, asset: int = ETH) -> Signed:
    """A payment out of a note, which stays spendable: nobody will see it."""
    taken = set(scenario._taken)
    owned = scenario.spendable(user, asset)[0]
    signed = scenario.pay(user, [scenario.take(owned)], user, owned.note.value // 3, asset=asset)
    scenario._taken.clear()
    scenario._taken.update(taken)
    return signed


def _empty(scenario: Scenario, present: bool) -> Signed | None:
    """A payment of nothing by a user with, or without, an account leaf."""
    for user in scenario.users:
        if (user.account in scenario.state.account) == present:
            return scenario.pay(user, [], user, 0)
    return None


def _resign(scenario: Scenario, user: User, witness: Witness, seed: bytes | None = None) -> Witness:
    tx = witness["tx"]
    order: tuple[str, ...] = (
        "kind",
        "domain",
        "anchor",
        "named",
        "nullifiers",
        "commitments",
        "public_value",
        "public_asset",
    )
    order += ("recipient", "fee", "fee_asset", "expiry", "operation", "ext_hash")
    fields = [x for key in order for x in (tx[key] if isinstance(tx[key], list) else [tx[key]])]
    h = H(Tag.TRANSACTION, *(int(x, 16) for x in fields))
    signature = babyjub.sign(seed or _signer(scenario, user), h)
    witness["signature"] = {"r": [to_hex(signature.r.x), to_hex(signature.r.y)], "s": to_hex(signature.s)}
    return witness


def _edit_tx(scenario: Scenario, signed: Signed, **changes: Any) -> Witness:
    witness = signed.witness()
    tx: Any = witness["tx"]
    tx.update(changes)
    return _resign(scenario, signed.user, witness)


def _edit_output(
    scenario: Scenario, signed: Signed, asset: int | None = None, add: int = 0, **tx: Any
) -> Witness:
    """Change the first output that has a value, and its commitment with it."""
    witness: Witness = signed.witness()
    j = next(i for i, out in enumerate(signed.plan.outputs) if out.value)
    old = signed.plan.outputs[j]
    new = TransferOutput(old.partial, old.asset if asset is None else asset, old.value + add)
    rho = notes.rho(signed.transaction.nullifiers[0], j)
    witness["outputs"][j] = {
        "asset": to_hex(new.asset),
        "value": to_hex(new.value),
        "partial": to_hex(new.partial),
    }
    witness["tx"]["commitments"][j] = to_hex(notes.commitment(new.partial, new.asset, new.value, rho))
    witness["tx"].update(tx)
    return _resign(scenario, signed.user, witness)


def _of_any(tell: Callable[[Scenario, Signed], Witness]) -> Make:
    def make(scenario: Scenario) -> Witness | None:
        user = _holder(scenario, ETH)
        return tell(scenario, _payment(scenario, user)) if user else None

    make.__name__ = tell.__name__
    return make


def _of_empty(present: bool) -> Callable[[Callable[[Scenario, Signed], Witness]], Make]:
    def wrap(tell: Callable[[Scenario, Signed], Witness]) -> Make:
        def make(scenario: Scenario) -> Witness | None:
            signed = _empty(scenario, present)
            return tell(scenario, signed) if signed else None

        make.__name__ = tell.__name__
        return make

    return wrap


# File and rule 1


@_tells(errors.JsonMalformed)
@_of_any
def unknown_key(scenario: Scenario, signed: Signed) -> Witness:
    return {**signed.witness(), "more": 1}


@_tells(errors.JsonMalformed)
@_of_any
def short_path(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["account"]["path"].pop()
    return witness


@_tells(errors.NonCanonicalField)
@_of_any
def asset_plus_p(scenario: Scenario, signed: Signed) -> Witness:
    return {**signed.witness(), "asset": to_hex(signed.plan.asset + MODULUS)}


@_tells(errors.KindInvalid)
@_of_any
def skipped_kind(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_tx(scenario, signed, kind="0x4")


# Rules 3 to 5: anchor, account, signature


@_tells(errors.AnchorMismatch)
@_of_any
def other_epoch(scenario: Scenario, signed: Signed) -> Witness:
    return {**signed.witness(), "epoch_id": to_hex(signed.plan.anchor.epoch_id + 1)}


@_tells(errors.AnchorMismatch)
@_of_any
def invented_note_root(scenario: Scenario, signed: Signed) -> Witness:
    return {**signed.witness(), "note_root": to_hex(scenario.element())}


@_tells(errors.AccountLeafNotFound)
@_of_any
def neighbour_leaf(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["account"]["index"] ^= 1
    return witness


@_tells(errors.AccountNotAbsent)
@_of_empty(present=False)
def other_arc(scenario: Scenario, signed: Signed) -> Witness:
    tree = scenario.state.account
    index = next(i for i in range(4) if i != signed.plan.account.index)
    leaf = tree.content(index)
    witness: Witness = signed.witness()
    witness["account"].update(
        low=to_hex(leaf.value),
        next=to_hex(leaf.next),
        set=to_hex(leaf.key_set),
        index=index,
        path=path_to_json(tree.path(index)),
    )
    return witness


@_tells(errors.KeySetMismatch)
@_of_empty(present=True)
def one_more_key(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    signing = to_hex(accounts.key_hash(signed.signing_key))
    keys = witness["account"]["keys"]
    keys[next(i for i, key in enumerate(keys) if key != signing)] = to_hex(scenario.element())
    return witness


def _other_signer(scenario: Scenario, signed: Signed) -> Witness:
    seed = scenario.random.randbytes(32)
    key = babyjub.public_key(seed)
    witness = {**signed.witness(), "signing_key": [to_hex(key.x), to_hex(key.y)]}
    return _resign(scenario, signed.user, witness, seed)


@_tells(errors.SigningKeyNotInSet)
@_of_empty(present=True)
def stranger_signs(scenario: Scenario, signed: Signed) -> Witness:
    return _other_signer(scenario, signed)


@_tells(errors.SigningKeyNotFirst)
@_of_empty(present=False)
def second_key_signs(scenario: Scenario, signed: Signed) -> Witness:
    return _other_signer(scenario, signed)


@_tells(errors.SignatureInvalid)
@_of_any
def signature_off_by_one(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["signature"]["s"] = to_hex((signed.signature.s + 1) % babyjub.ORDER)
    return witness


@_tells(errors.SignatureInvalid)
@_of_any
def signature_plus_order(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["signature"]["s"] = to_hex(signed.signature.s + babyjub.ORDER)
    return witness


@_tells(errors.SignatureInvalid)
@_of_any
def signature_of_another(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["tx"]["expiry"] = to_hex(signed.transaction.expiry + 1)
    return witness


@_tells(errors.PointNotOnCurve)
@_of_any
def commitment_off_curve(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["signature"]["r"][0] = to_hex((signed.signature.r.x + 1) % MODULUS)
    return witness


def _first_key(scenario: Scenario, point: Point) -> Witness | None:
    """An account whose first key has small order: then S B = R + k A up to the cofactor, whatever k is."""
    signed = _empty(scenario, present=False)
    if signed is None:
        return None
    account = accounts.account_id(point, signed.plan.nullifier_key)
    plan = replace(signed.plan, first_key=point, account=open_account(scenario.state.account, account))
    s = Field(scenario.random.randrange(1, babyjub.ORDER))
    return transfer_witness(plan, point, Signature(babyjub.multiply(s, babyjub.BASE), s))


@_tells(errors.SignatureInvalid)
def identity_as_key(scenario: Scenario) -> Witness | None:
    return _first_key(scenario, Point(Field(0), Field(1)))


@_tells(errors.SignatureInvalid)
def key_of_order_two(scenario: Scenario) -> Witness | None:
    return _first_key(scenario, Point(Field(0), Field(MODULUS - 1)))


# Rule 6: inputs


@_tells(errors.InputNotInTree)
@_of_any
def neighbour_note(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["inputs"][0]["index"] ^= 1
    return witness


@_tells(errors.InputNotInTree)
def richer_note(scenario: Scenario) -> Witness | None:
    user = _holder(scenario, ETH)
    if user is None:
        return None
    signed = _payment(scenario, user)
    spent = signed.plan.inputs[0]
    assert isinstance(spent, SpendInput)
    note = replace(spent.note, value=spent.note.value + 1)
    plan = replace(signed.plan, inputs=(replace(spent, note=note), signed.plan.inputs[1]))
    witness = transfer_witness(plan, signed.signing_key, signed.signature)
    return _resign(scenario, user, witness)


@_tells(errors.InputNotNamed)
@_of_any
def named_another(scenario: Scenario, signed: Signed) -> Witness:
    named = [to_hex(scenario.element()), "0x0"]
    return _edit_tx(scenario, signed, named=named)


@_tells(errors.DummyIsNamed)
@_of_any
def named_dummy(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_tx(scenario, signed, named=["0x0", to_hex(scenario.element())])


@_tells(errors.DummyHasValue)
@_of_any
def dummy_with_value(scenario: Scenario, signed: Signed) -> Witness:
    witness: Witness = signed.witness()
    witness["inputs"][1]["value"] = "0x1"
    return witness


@_tells(errors.NullifierMismatch)
@_of_any
def second_nullifier(scenario: Scenario, signed: Signed) -> Witness:
    first, _ = signed.transaction.nullifiers
    return _edit_tx(scenario, signed, nullifiers=[to_hex(first), to_hex(scenario.element())])


@_tells(errors.EqualNullifiers)
def one_dummy_twice(scenario: Scenario) -> Witness | None:
    user, dummy = scenario.users[0], scenario.dummy()
    return scenario.pay(user, [dummy, dummy], user, 0).witness()


# Rules 8 to 12: outputs, ranges, balance, public words, operation


@_tells(errors.AssetNotAllowed)
@_of_any
def third_asset(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_output(scenario, signed, asset=77)


@_tells(errors.CommitmentMismatch)
@_of_any
def other_commitment(scenario: Scenario, signed: Signed) -> Witness:
    a, b, _ = signed.transaction.commitments
    return _edit_tx(scenario, signed, commitments=[to_hex(a), to_hex(b), to_hex(scenario.element())])


@_tells(errors.IntegerOutOfRange)
@_of_any
def fee_of_121_bits(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_tx(scenario, signed, fee=to_hex(1 << 120), fee_asset=to_hex(ETH))


@_tells(errors.IntegerOutOfRange)
@_of_any
def output_of_121_bits(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_output(scenario, signed, add=1 << 120)


@_tells(errors.Unbalanced)
@_of_any
def one_wei_from_nothing(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_output(scenario, signed, add=1)


@_tells(errors.Unbalanced)
@_of_any
def fee_from_nothing(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_tx(scenario, signed, fee="0x1", fee_asset=to_hex(ETH))


@_tells(errors.FeeBucketUnbalanced)
def fee_in_another_asset(scenario: Scenario) -> Witness | None:
    user = _holder(scenario, TOKEN)
    if user is None:
        return None
    signed = _payment(scenario, user, TOKEN)
    return _edit_output(scenario, signed, add=-1, fee="0x1", fee_asset=to_hex(ETH))


@_tells(errors.PublicWordsInconsistent)
@_of_any
def recipient_of_nothing(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_tx(scenario, signed, recipient="0x5")


@_tells(errors.PublicWordsInconsistent)
def withdrawal_of_another_asset(scenario: Scenario) -> Witness | None:
    user = _holder(scenario, TOKEN)
    if user is None:
        return None
    signed = _payment(scenario, user, TOKEN)
    words = {"public_value": "0x1", "public_asset": to_hex(ETH), "recipient": "0x5"}
    return _edit_output(scenario, signed, add=-1, **words)


@_tells(errors.OperationMismatch)
@_of_any
def operation_of_a_transfer(scenario: Scenario, signed: Signed) -> Witness:
    return _edit_tx(scenario, signed, operation=to_hex(scenario.element()))

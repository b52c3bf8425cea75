"""The statement of the transfer circuit: true witnesses pass, each broken rule is named."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.scenario import ETH, TOKEN, Scenario, Signed
from tests.support.vectors import scenario

from sotto.protocol import babyjub, errors
from sotto.protocol.babyjub import ORDER
from sotto.protocol.epoch import replay
from sotto.protocol.errors import JsonMalformed, NonCanonicalField, ProtocolError
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.transaction import Kind
from sotto.protocol.transfer import DummyInput, TransferPlan, open_account
from sotto.protocol.transfer_witness import check_transfer, transfer_witness
from sotto.protocol.words import decode_words

Json = dict[str, Any]


@pytest.fixture(scope="module")
def signed() -> dict[str, Signed]:
    return scenario()[1]


def test_scenario_witnesses_satisfy_the_statement(signed: dict[str, Signed]) -> None:
    for entry in signed.values():
        assert check_transfer(entry.witness()) == entry.transaction.h


def test_random_epochs_satisfy_statement_and_replay() -> None:
    world = Scenario(seed=3)
    kinds = set()
    for lanes in (4, 4, 16):
        closed = world.random_epoch(lanes)
        for entry in closed.entries:
            if isinstance(entry, Signed):
                assert check_transfer(entry.witness()) == entry.transaction.h
        words = decode_words(closed.result.encoded_words(), lanes)
        kinds |= {lane.kind for lane in words.lanes}
        assert replay(closed.before, words).state.hash() == world.state.hash()
    assert {Kind.DEPOSIT, Kind.TRANSFER, Kind.SKIPPED} <= kinds


def bump(*path: str | int) -> Callable[[Json], None]:
    """Add one to the element at a place."""

    def edit(witness: Any) -> None:
        for key in path[:-1]:
            witness = witness[key]
        value = witness[path[-1]]
        witness[path[-1]] = value + 1 if isinstance(value, int) else hex((int(value, 16) + 1) % MODULUS)

    return edit


def put(value: object, *path: str | int) -> Callable[[Json], None]:
    """Replace the value at a place."""

    def edit(witness: Any) -> None:
        for key in path[:-1]:
            witness = witness[key]
        witness[path[-1]] = value

    return edit


WIDE = hex(1 << 120)
# The signature covers h, so only fields outside h can be changed without breaking rule 5 first.
UNSIGNED: list[tuple[str, Callable[[Json], None], type[ProtocolError]]] = [
    ("transfer", bump("epoch_id"), errors.AnchorMismatch),
    ("transfer", bump("note_root"), errors.AnchorMismatch),
    ("transfer", bump("account_root"), errors.AnchorMismatch),
    ("transfer", bump("account", "low"), errors.AccountLeafNotFound),
    ("transfer", bump("account", "set"), errors.AccountLeafNotFound),
    ("transfer", bump("account", "index"), errors.AccountLeafNotFound),
    ("transfer", bump("account", "path", 3, 0), errors.AccountLeafNotFound),
    ("withdrawal", bump("account", "keys", 0), errors.KeySetMismatch),
    ("transfer", bump("signature", "s"), errors.SignatureInvalid),
    ("transfer", put(hex(ORDER), "signature", "s"), errors.SignatureInvalid),
    ("transfer", bump("signature", "r", 0), errors.PointNotOnCurve),
    ("transfer", put(["0x0", "0x1"], "signature", "r"), errors.SignatureInvalid),
    ("withdrawal", bump("asset"), errors.FeeBucketUnbalanced),
    ("transfer", put(hex(1 << 64), "asset"), errors.IntegerOutOfRange),
    ("transfer", bump("inputs", 0, "value"), errors.InputNotInTree),
    ("transfer", bump("inputs", 0, "r"), errors.InputNotInTree),
    ("transfer", bump("inputs", 0, "rho"), errors.InputNotInTree),
    ("transfer", bump("inputs", 0, "index"), errors.InputNotInTree),
    ("transfer", bump("inputs", 0, "path", 15, 3), errors.InputNotInTree),
    ("transfer", put(WIDE, "inputs", 0, "value"), errors.IntegerOutOfRange),
    ("transfer", put("0x5", "inputs", 0, "asset"), errors.AssetNotAllowed),
    ("transfer", put(0, "inputs", 0, "real"), errors.DummyHasValue),
    ("transfer", bump("inputs", 1, "random"), errors.NullifierMismatch),
    ("transfer", bump("inputs", 1, "value"), errors.DummyHasValue),
    ("transfer", put(1, "inputs", 1, "real"), errors.InputNotInTree),
    ("chained", bump("inputs", 0, "data"), errors.InputNotNamed),
    ("transfer", bump("outputs", 0, "value"), errors.CommitmentMismatch),
    ("transfer", bump("outputs", 2, "partial"), errors.CommitmentMismatch),
    ("transfer", put(WIDE, "outputs", 1, "value"), errors.IntegerOutOfRange),
    ("transfer", put("0x5", "outputs", 1, "asset"), errors.AssetNotAllowed),
    ("account", bump("operation", "next"), errors.OperationMismatch),
    ("account", bump("operation", "previous"), errors.OperationMismatch),
    ("transfer", bump("nullifier_key"), errors.AccountNotAbsent),
    ("transfer", put("0x4", "tx", "kind"), errors.KindInvalid),
    ("transfer", bump("tx", "fee"), errors.SignatureInvalid),
    ("transfer", bump("tx", "expiry"), errors.SignatureInvalid),
]


@pytest.mark.parametrize(("name", "edit", "error"), UNSIGNED)
def test_each_broken_rule_is_named(
    signed: dict[str, Signed], name: str, edit: Callable[[Json], None], error: type[ProtocolError]
) -> None:
    witness = copy.deepcopy(signed[name].witness())
    edit(witness)
    with pytest.raises(error):
        check_transfer(witness)


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda w: w.pop("asset"), JsonMalformed),
        (lambda w: w.update(extra=1), JsonMalformed),
        (lambda w: w["account"].update(extra=1), JsonMalformed),
        (put([], "inputs"), JsonMalformed),
        (put(True, "inputs", 0, "real"), JsonMalformed),
        (put(2, "inputs", 0, "real"), JsonMalformed),
        (put(4**16, "inputs", 0, "index"), JsonMalformed),
        (put("0X1", "asset"), JsonMalformed),
        (put("0x", "asset"), JsonMalformed),
        (put(1, "asset"), JsonMalformed),
        (put(hex(MODULUS), "epoch_id"), NonCanonicalField),
        (put([["0x0"] * 4] * 15, "inputs", 0, "path"), JsonMalformed),
        (put("x", "tx"), JsonMalformed),
    ],
)
def test_files_are_strict(
    signed: dict[str, Signed], edit: Callable[[Json], None], error: type[ProtocolError]
) -> None:
    witness = copy.deepcopy(signed["transfer"].witness())
    edit(witness)
    with pytest.raises(error):
        check_transfer(witness)


@pytest.fixture(scope="module")
def world() -> Scenario:
    world = Scenario(seed=11, users=2)
    alice = world.users[0]
    world.close(
        [world.deposit(alice, 1_000), world.deposit(alice, 1_000), world.deposit(alice, 500, TOKEN), None], 4
    )
    keys = [bytes([1]) * 32, bytes([2]) * 32]
    note = world.spendable(alice, ETH)[0]
    world.close([world.pay(alice, [world.take(note)], alice, 10, new_keys=keys)], 4)
    return world


def test_unbalanced_and_dishonest_plans(world: Scenario) -> None:
    """Transactions that their owner signs, but that would make or move value."""
    alice, bob = world.users
    ether, token = world.spendable(alice, ETH)[0], world.spendable(alice, TOKEN)[0]
    honest = world.pay(
        alice, [world.take(token), world.take(ether)], bob, 100, asset=TOKEN, fee=5, fee_asset=ETH
    )
    assert check_transfer(honest.witness()) == honest.transaction.h

    def witness(plan: TransferPlan, seed: bytes = alice.key_seeds[-1]) -> Json:
        key = babyjub.public_key(seed)
        return transfer_witness(plan, key, babyjub.sign(seed, plan.transaction.h))

    plan = honest.plan
    richer = replace(plan.outputs[0], value=plan.outputs[0].value + 1)
    swapped = tuple(replace(o, asset=ETH if o.asset == TOKEN else TOKEN) for o in plan.outputs)
    same = DummyInput(Field(5))
    cases: list[tuple[Json, type[ProtocolError]]] = [
        (witness(replace(plan, outputs=(richer, *plan.outputs[1:]))), errors.Unbalanced),
        (witness(replace(plan, fee=4)), errors.Unbalanced),
        (witness(replace(plan, outputs=swapped)), errors.FeeBucketUnbalanced),  # type: ignore[arg-type]
        (witness(replace(plan, inputs=(same, same))), errors.EqualNullifiers),
        (witness(plan, alice.keys.account_seed), errors.SigningKeyNotInSet),
        (witness(replace(plan, recipient=5)), errors.PublicWordsInconsistent),
    ]
    for candidate, error in cases:
        with pytest.raises(error):
            check_transfer(candidate)
    # Any key of the set may sign.
    assert check_transfer(witness(plan, alice.key_seeds[0])) == plan.transaction.h


def test_absent_account_needs_its_first_key(world: Scenario) -> None:
    bob = world.users[1]
    plan = world.pay(bob, [], bob, 0).plan
    other = bytes([5]) * 32
    forged = transfer_witness(plan, babyjub.public_key(other), babyjub.sign(other, plan.transaction.h))
    with pytest.raises(errors.SigningKeyNotFirst):
        check_transfer(forged)


def test_opening_an_account_needs_its_keys(world: Scenario) -> None:
    alice = world.users[0]
    for hashes in ((), (Field(1),)):
        with pytest.raises(errors.KeySetMismatch):
            open_account(world.state.account, alice.account, hashes)

"""Exits: requests, and the statement of the exit circuit."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support import exits
from tests.support.scenario import ETH, TOKEN, Scenario

from sotto.protocol import accounts, babyjub, errors, notes
from sotto.protocol.babyjub import ORDER
from sotto.protocol.errors import JsonMalformed, NonCanonicalField, ProtocolError
from sotto.protocol.exit import ExitPlan, ExitRequest, open_low
from sotto.protocol.exit_witness import check_exit, exit_witness
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.transaction import Kind
from sotto.protocol.transfer import AccountOpening, open_account

Json = dict[str, Any]
DOMAIN = 0xD0
NO_KEYS = (Field(0), Field(0), Field(0), Field(0))


def request(**changes: Any) -> ExitRequest:
    words = {
        "domain": DOMAIN,
        "nullifier": Field(5),
        "asset": ETH,
        "value": 100,
        "recipient": exits.RECIPIENT,
        "executor": exits.EXECUTOR,
        "fee": 3,
    }
    return ExitRequest(**{**words, **changes})


@pytest.fixture(scope="module")
def world() -> Scenario:
    """Alice has a leaf in the account tree, bob has none; both have notes, and some are spent."""
    world = Scenario(seed=23, users=2)
    alice, bob = world.users
    world.close(
        [world.deposit(alice, 1_000), world.deposit(alice, 900, TOKEN), world.deposit(bob, 800), None], 4
    )
    spent = world.spendable(alice, ETH)[0]
    keys = [bytes([1]) * 32, bytes([2]) * 32]
    world.close([world.pay(alice, [world.take(spent)], bob, 10, new_keys=keys)], 4)
    return world


def test_message_and_inputs_follow_the_specification() -> None:
    it = request()
    assert it.message == H(Tag.EXIT, DOMAIN, 5, exits.RECIPIENT, exits.EXECUTOR, 3)
    packed = ETH * 2**120 + 100
    assert it.public_inputs(Field(9)) == (DOMAIN, 9, 5, packed, exits.RECIPIENT, exits.EXECUTOR, 3)


def test_message_covers_every_word_but_those_that_the_nullifier_fixes() -> None:
    message = request().message
    changes: tuple[Json, ...] = (
        {"domain": 1},
        {"nullifier": Field(6)},
        {"recipient": 1},
        {"executor": 1},
        {"fee": 1},
    )
    for change in changes:
        assert request(**change).message != message
    assert request(asset=TOKEN, value=7).message == message


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"nullifier": MODULUS}, NonCanonicalField),
        ({"domain": 1 << 248}, errors.IntegerOutOfRange),
        ({"asset": 1 << 64}, errors.IntegerOutOfRange),
        ({"value": 1 << 120}, errors.IntegerOutOfRange),
        ({"recipient": 1 << 160}, errors.IntegerOutOfRange),
        ({"executor": 1 << 160}, errors.IntegerOutOfRange),
        ({"fee": 1 << 120}, errors.IntegerOutOfRange),
        ({"fee": -1}, errors.IntegerOutOfRange),
    ],
)
def test_words_fit_their_types(change: Json, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        request(**change)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"value": 0, "fee": 0}, errors.ExitValueZero),
        ({"recipient": 0}, errors.ExitRecipientZero),
        ({"fee": 101}, errors.ExitFeeInvalid),
        ({"executor": 0}, errors.ExitFeeInvalid),
    ],
)
def test_l1_refuses_what_pays_nobody(change: Json, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        request(**change).check()


def test_l1_accepts_whole_and_no_fees() -> None:
    request(fee=100).check()
    request(fee=0).check()
    request(fee=0, executor=0).check()


def every_exit(world: Scenario) -> list[tuple[ExitPlan, Json]]:
    return [
        (exits.plan(world, user, owned), exits.leave(world, user, owned))
        for user in world.users
        for owned in world.spendable(user)
    ]


def test_every_unspent_note_leaves(world: Scenario) -> None:
    found = every_exit(world)
    assert {plan.note.asset for plan, _ in found} == {ETH, TOKEN}
    assert {any(plan.account.keys) for plan, _ in found} == {False, True}
    for plan, witness in found:
        assert check_exit(witness) == plan.request.public_inputs(world.state.hash())


def test_every_note_of_random_epochs_leaves_or_is_spent() -> None:
    world = Scenario(seed=3)
    for lanes in (4, 4, 16):
        world.random_epoch(lanes)
    left = 0
    for user in world.users:
        for owned in user.notes:
            if owned.index is None or not owned.note.value:
                continue
            nullifier = owned.note.nullifier(user.keys.viewing.nullifier_key)
            if nullifier in world.state.nullifier:
                with pytest.raises(errors.ValueOnRing):
                    exits.plan(world, user, owned)
            else:
                plan = exits.plan(world, user, owned)
                assert check_exit(exits.leave(world, user, owned)) == plan.request.public_inputs(plan.state)
                left += 1
    assert left > 3


def test_signature_outlives_the_state(world: Scenario) -> None:
    """Signed before a later epoch, proven after it."""
    later = Scenario(seed=29, users=1)
    user = later.users[0]
    later.close([later.deposit(user, 1_000), later.deposit(user, 50), None, None], 4)
    owned, other = later.spendable(user)
    seed = user.keys.account_seed
    signature = babyjub.sign(seed, exits.plan(later, user, owned).request.message)
    later.close([later.pay(user, [later.take(other)], user, 10)], 4)
    plan = exits.plan(later, user, owned)
    check_exit(exit_witness(plan, babyjub.public_key(seed), signature))


def test_another_executor_needs_another_signature(world: Scenario) -> None:
    user, owned = exits.holder(world, present=False)
    plan, seed = exits.plan(world, user, owned), user.keys.account_seed
    other = plan.paying(executor=1, fee=7)
    assert check_exit(exits.signed(other, seed))[5:] == (1, 7)
    with pytest.raises(errors.SignatureInvalid):
        check_exit(exit_witness(other, babyjub.public_key(seed), babyjub.sign(seed, plan.request.message)))


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


BROKEN: list[tuple[bool, Callable[[Json], None], type[ProtocolError]]] = [
    (False, bump("state"), errors.ExitStateMismatch),
    (False, bump("trees", "note_root"), errors.ExitStateMismatch),
    (False, bump("trees", "root_size"), errors.ExitStateMismatch),
    (False, bump("account", "low"), errors.AccountLeafNotFound),
    (False, bump("account", "path", 3, 0), errors.AccountLeafNotFound),
    (True, bump("account", "keys", 0), errors.KeySetMismatch),
    (False, bump("signature", "s"), errors.SignatureInvalid),
    (False, put(hex(ORDER), "signature", "s"), errors.SignatureInvalid),
    (False, bump("signature", "r", 0), errors.PointNotOnCurve),
    (False, bump("request", "recipient"), errors.SignatureInvalid),
    (False, bump("request", "executor"), errors.SignatureInvalid),
    (False, bump("request", "fee"), errors.SignatureInvalid),
    (False, bump("request", "domain"), errors.SignatureInvalid),
    (False, bump("request", "nullifier"), errors.SignatureInvalid),
    (False, bump("request", "value"), errors.NoteNotInTree),
    (False, bump("request", "asset"), errors.NoteNotInTree),
    (False, bump("note", "data"), errors.NoteNotInTree),
    (False, bump("note", "r"), errors.NoteNotInTree),
    (False, bump("note", "rho"), errors.NoteNotInTree),
    (False, bump("note", "index"), errors.NoteNotInTree),
    (False, bump("note", "path", 15, 3), errors.NoteNotInTree),
    (False, bump("low", "value"), errors.NullifierLeafNotFound),
    (False, bump("low", "next"), errors.NullifierLeafNotFound),
    (False, bump("low", "index"), errors.NullifierLeafNotFound),
    (False, bump("low", "path", 0, 0), errors.NullifierLeafNotFound),
]


@pytest.mark.parametrize(("present", "edit", "error"), BROKEN)
def test_each_broken_rule_is_named(
    world: Scenario, present: bool, edit: Callable[[Json], None], error: type[ProtocolError]
) -> None:
    witness = copy.deepcopy(exits.witness_of(world, present))
    edit(witness)
    with pytest.raises(error):
        check_exit(witness)


def test_keys_that_may_not_sign(world: Scenario) -> None:
    alice, owned = exits.holder(world, present=True)
    plan = exits.plan(world, alice, owned)
    # Any key of the set may sign, the first key no longer.
    check_exit(exits.signed(plan, alice.key_seeds[0]))
    with pytest.raises(errors.SigningKeyNotInSet):
        check_exit(exits.signed(plan, alice.keys.account_seed))
    bob, owned = exits.holder(world, present=False)
    with pytest.raises(errors.SigningKeyNotFirst):
        check_exit(exits.signed(exits.plan(world, bob, owned), bytes([9]) * 32))


def test_account_is_shown_absent_by_its_own_arc(world: Scenario) -> None:
    tree = world.state.account
    for present in (False, True):
        user, owned = exits.holder(world, present)
        plan = exits.plan(world, user, owned)
        other = next(i for i in range(4) if tree.content(i).value != plan.account.low)
        if present:  # the leaf before the account's own
            other = next(i for i in range(4) if tree.content(i).next == user.account)
        leaf = tree.content(other)
        opening = AccountOpening(leaf.value, leaf.next, leaf.key_set, NO_KEYS, other, tree.path(other))
        with pytest.raises(errors.AccountNotAbsent):
            check_exit(exits.signed(replace(plan, account=opening), user.keys.account_seed))


def test_another_nullifier_key_makes_another_owner(world: Scenario) -> None:
    """Else one note had many nullifiers."""
    user, owned = exits.holder(world, present=False)
    plan = exits.plan(world, user, owned)
    nk = Field(123)
    account = accounts.account_id(plan.first_key, nk)
    nullifier = notes.nullifier(nk, owned.note.commitment)
    forged = replace(
        plan,
        nullifier_key=nk,
        account=open_account(world.state.account, account),
        request=replace(plan.request, nullifier=nullifier),
        low=open_low(world.state.nullifier, nullifier),
    )
    with pytest.raises(errors.NoteNotInTree):
        check_exit(exits.signed(forged, user.keys.account_seed))


def test_nullifier_is_the_notes(world: Scenario) -> None:
    user, owned = exits.holder(world, present=False)
    plan, nk = exits.plan(world, user, owned), user.keys.viewing.nullifier_key
    for nullifier in (
        notes.dummy_nullifier(nk, owned.note.commitment),
        notes.nullifier(Field(5), owned.note.commitment),
        Field(owned.note.nullifier(nk) + 1),
    ):
        low = open_low(world.state.nullifier, nullifier)
        forged = replace(plan, request=replace(plan.request, nullifier=nullifier), low=low)
        with pytest.raises(errors.NullifierMismatch):
            check_exit(exits.signed(forged, user.keys.account_seed))


def test_spent_note_stays() -> None:
    world = Scenario(seed=31, users=1)
    user = world.users[0]
    world.close([world.deposit(user, 1_000), None, None, None], 4)
    owned = world.spendable(user)[0]
    before = exits.plan(world, user, owned)
    spend = world.pay(user, [world.take(owned)], user, 10, kind=Kind.FORCED)
    world.close([spend], 4)
    with pytest.raises(errors.ValueOnRing):
        exits.plan(world, user, owned)
    state, nullifier = world.state, before.request.nullifier
    assert owned.index is not None
    plan = replace(before, roots=state.roots(), path=state.note.path(owned.index))
    tree = state.nullifier
    own = tree.index(nullifier)
    used = [i for i in range(tree.size) if i < 4 or tree._content(i)]
    before_it = next(i for i in used if tree.content(i).next == nullifier)
    seed = user.keys.account_seed
    with pytest.raises(errors.NullifierLeafNotFound):  # the arc of the state before
        check_exit(exits.signed(plan, seed))
    for index in (own, before_it):
        leaf = tree.content(index)
        low = replace(before.low, value=leaf.value, next=leaf.next, index=index, path=tree.path(index))
        with pytest.raises(errors.NoteSpent):
            check_exit(exits.signed(replace(plan, low=low), seed))
    # What the state before proves is true of that state: L1 compares it with the last proven one.
    assert check_exit(exits.signed(before, seed))[1] != state.hash()


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda w: w.pop("state"), JsonMalformed),
        (lambda w: w.update(extra=1), JsonMalformed),
        (lambda w: w["request"].update(state="0x0"), JsonMalformed),
        (lambda w: w["trees"].update(extra="0x0"), JsonMalformed),
        (lambda w: w["note"].update(value="0x0"), JsonMalformed),
        (lambda w: w["low"].pop("next"), JsonMalformed),
        (put(4**16, "note", "index"), JsonMalformed),
        (put(True, "low", "index"), JsonMalformed),
        (put([["0x0"] * 4] * 15, "low", "path"), JsonMalformed),
        (put("0X1", "request", "fee"), JsonMalformed),
        (put(hex(MODULUS), "request", "nullifier"), NonCanonicalField),
        (put(hex(1 << 120), "request", "value"), errors.IntegerOutOfRange),
        (put(hex(1 << 160), "request", "recipient"), errors.IntegerOutOfRange),
    ],
)
def test_files_are_strict(world: Scenario, edit: Callable[[Json], None], error: type[ProtocolError]) -> None:
    witness = copy.deepcopy(exits.witness_of(world, present=False))
    edit(witness)
    with pytest.raises(error):
        check_exit(witness)


def test_secrets_are_not_shown(world: Scenario) -> None:
    user, owned = exits.holder(world, present=False)
    assert str(int(user.keys.viewing.nullifier_key)) not in repr(exits.plan(world, user, owned))

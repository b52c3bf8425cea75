"""Witnesses of the exit circuit that break one rule of docs/spec/13-exit.md each, newly signed.

A lie returns the witness file, or None when the scenario has nothing to tell it about.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sotto.protocol import accounts, babyjub, errors, notes
from sotto.protocol.babyjub import Point, Signature
from sotto.protocol.errors import ProtocolError
from sotto.protocol.exit import ExitPlan, ExitRequest, LowOpening, open_low
from sotto.protocol.exit_witness import exit_witness
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.notes import VALUE_BITS
from sotto.protocol.rollup_witness import to_hex
from sotto.protocol.transfer import AccountOpening, open_account
from sotto.protocol.trees import NullifierTree
from tests.support import exits
from tests.support.scenario import OwnedNote, Scenario, User

Witness = dict[str, Any]
Make = Callable[[Scenario], Witness | None]

_NO_KEYS = (Field(0), Field(0), Field(0), Field(0))


@dataclass(frozen=True)
class ExitLie:
    """A broken rule: the specification must name it, the circuit must refuse it."""

    error: type[ProtocolError]
    make: Make

    @property
    def name(self) -> str:
        """The rejection's name and the lie's own."""
        return f"{self.error.__name__}-{self.make.__name__}"


EXIT_LIES: list[ExitLie] = []


def _tells(error: type[ProtocolError]) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        EXIT_LIES.append(ExitLie(error, make))
        return make

    return register


@dataclass(frozen=True)
class Leaving:
    """An honest exit to lie about."""

    scenario: Scenario
    user: User
    owned: OwnedNote
    plan: ExitPlan

    @property
    def seed(self) -> bytes:
        """Of the key that may sign."""
        seed: bytes = self.scenario._signer(self.user, self.scenario.state)[0]
        return seed

    def signed(self, seed: bytes | None = None, **changes: Any) -> Witness:
        """The witness of the plan with these changes, signed anew."""
        return exits.signed(replace(self.plan, **changes), seed or self.seed)

    def asking(self, **changes: Any) -> Witness:
        """The witness of another request, signed anew."""
        return self.signed(request=replace(self.plan.request, **changes))


def _about(present: bool) -> Callable[[Callable[[Leaving], Witness]], Make]:
    """Lie about the exit of a user with, or without, an account leaf."""

    def wrap(tell: Callable[[Leaving], Witness]) -> Make:
        def make(scenario: Scenario) -> Witness | None:
            try:
                user, owned = exits.holder(scenario, present)
            except LookupError:
                return None
            return tell(Leaving(scenario, user, owned, exits.plan(scenario, user, owned)))

        make.__name__ = tell.__name__
        return make

    return wrap


# File


@_tells(errors.JsonMalformed)
@_about(present=False)
def unknown_key(leaving: Leaving) -> Witness:
    return {**leaving.signed(), "more": 1}


@_tells(errors.JsonMalformed)
@_about(present=False)
def short_path(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    witness["low"]["path"].pop()
    return witness


@_tells(errors.NonCanonicalField)
@_about(present=False)
def nullifier_plus_p(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    witness["request"]["nullifier"] = to_hex(leaving.plan.request.nullifier + MODULUS)
    return witness


@_tells(errors.IntegerOutOfRange)
@_about(present=False)
def value_lent_by_the_asset(leaving: Leaving) -> Witness:
    """The public input is the honest one: the next lower asset, and 2^120 more of it."""
    witness, request = leaving.signed(), leaving.plan.request
    witness["request"].update(
        asset=to_hex(request.asset - 1), value=to_hex(request.value + (1 << VALUE_BITS))
    )
    return witness


@_tells(errors.IntegerOutOfRange)
@_about(present=False)
def recipient_of_161_bits(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    witness["request"]["recipient"] = to_hex(1 << 160)
    return witness


# Rule 1


@_tells(errors.ExitStateMismatch)
@_about(present=False)
def state_without_its_own_spends(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    witness["trees"]["nullifier_root"] = to_hex(NullifierTree.genesis().root)
    return witness


@_tells(errors.ExitStateMismatch)
@_about(present=False)
def another_root_tree(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    witness["trees"]["root_root"] = to_hex(leaving.scenario.element())
    return witness


# Rules 3 and 4: account and signature


@_tells(errors.AccountLeafNotFound)
@_about(present=True)
def leaf_with_the_old_keys(leaving: Leaving) -> Witness:
    first = accounts.key_hash(leaving.plan.first_key)
    keys = (first, Field(0), Field(0), Field(0))
    account = replace(leaving.plan.account, keys=keys, key_set=H(Tag.KEY_SET, *keys))
    return leaving.signed(leaving.user.keys.account_seed, account=account)


@_tells(errors.KeySetMismatch)
@_about(present=True)
def keys_of_another_set(leaving: Leaving) -> Witness:
    first = accounts.key_hash(leaving.plan.first_key)
    account = replace(leaving.plan.account, keys=(first, Field(0), Field(0), Field(0)))
    return leaving.signed(leaving.user.keys.account_seed, account=account)


@_tells(errors.SigningKeyNotInSet)
@_about(present=True)
def key_that_was_given_up(leaving: Leaving) -> Witness:
    return leaving.signed(bytes([77]) * 32)


@_tells(errors.AccountNotAbsent)
@_about(present=True)
def account_shown_absent(leaving: Leaving) -> Witness:
    tree = leaving.scenario.state.account
    used = (i for i in range(tree.size) if tree._content(i))
    index = next(i for i in used if tree.content(i).next == leaving.user.account)
    leaf = tree.content(index)
    opening = AccountOpening(leaf.value, leaf.next, leaf.key_set, _NO_KEYS, index, tree.path(index))
    return leaving.signed(leaving.user.keys.account_seed, account=opening)


@_tells(errors.SigningKeyNotFirst)
@_about(present=False)
def stranger(leaving: Leaving) -> Witness:
    return leaving.signed(bytes([77]) * 32)


def _signature_of(**changes: Any) -> Callable[[Leaving], Witness]:
    def tell(leaving: Leaving) -> Witness:
        other = replace(leaving.plan.request, **changes)
        signature = babyjub.sign(leaving.seed, other.message)
        return exit_witness(leaving.plan, babyjub.public_key(leaving.seed), signature)

    tell.__name__ = "signature_for_another_" + "_and_".join(changes)
    return tell


for _changes in ({"recipient": 1}, {"executor": 1}, {"fee": 0}, {"domain": 1}, {"nullifier": Field(5)}):
    _tells(errors.SignatureInvalid)(_about(present=False)(_signature_of(**_changes)))


@_tells(errors.SignatureInvalid)
@_about(present=False)
def signature_of_a_transaction(leaving: Leaving) -> Witness:
    it: ExitRequest = leaving.plan.request
    h = H(Tag.TRANSACTION, it.domain, it.nullifier, it.recipient, it.executor, it.fee)
    return exit_witness(leaving.plan, babyjub.public_key(leaving.seed), babyjub.sign(leaving.seed, h))


@_tells(errors.SignatureInvalid)
@_about(present=False)
def signature_plus_order(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    witness["signature"]["s"] = to_hex(int(witness["signature"]["s"], 16) + babyjub.ORDER)
    return witness


@_tells(errors.PointNotOnCurve)
@_about(present=False)
def commitment_off_curve(leaving: Leaving) -> Witness:
    witness = leaving.signed()
    x, y = witness["signature"]["r"]
    witness["signature"]["r"] = [to_hex((int(x, 16) + 1) % MODULUS), y]
    return witness


@_tells(errors.SignatureInvalid)
@_about(present=False)
def key_of_order_two(leaving: Leaving) -> Witness:
    """With such a first key S B = R + k A up to the cofactor, whatever k is."""
    point = Point(Field(0), Field(MODULUS - 1))
    account = accounts.account_id(point, leaving.plan.nullifier_key)
    plan = replace(
        leaving.plan, first_key=point, account=open_account(leaving.scenario.state.account, account)
    )
    s = Field(leaving.scenario.random.randrange(1, babyjub.ORDER))
    return exit_witness(plan, point, Signature(babyjub.multiply(s, babyjub.BASE), s))


# Rules 5 and 6: the note and its nullifier


@_tells(errors.NoteNotInTree)
@_about(present=False)
def one_wei_more(leaving: Leaving) -> Witness:
    return leaving.asking(value=leaving.plan.request.value + 1)


@_tells(errors.NoteNotInTree)
@_about(present=False)
def another_asset(leaving: Leaving) -> Witness:
    return leaving.asking(asset=leaving.plan.request.asset + 1)


@_tells(errors.NoteNotInTree)
@_about(present=False)
def neighbour_note(leaving: Leaving) -> Witness:
    return leaving.signed(index=leaving.plan.index ^ 1)


@_tells(errors.NoteNotInTree)
@_about(present=False)
def inner_node_as_leaf(leaving: Leaving) -> Witness:
    path = leaving.plan.path
    return leaving.signed(index=leaving.plan.index << 2 & (1 << 32) - 1, path=[path[0], *path[:-1]])


@_tells(errors.NoteNotInTree)
@_about(present=False)
def second_nullifier_key(leaving: Leaving) -> Witness:
    state, nk = leaving.scenario.state, leaving.scenario.element()
    account = accounts.account_id(leaving.plan.first_key, nk)
    nullifier = notes.nullifier(nk, leaving.owned.note.commitment)
    return leaving.signed(
        nullifier_key=nk,
        account=open_account(state.account, account),
        low=open_low(state.nullifier, nullifier),
        request=replace(leaving.plan.request, nullifier=nullifier),
    )


@_tells(errors.NullifierMismatch)
@_about(present=False)
def any_nullifier(leaving: Leaving) -> Witness:
    nullifier = leaving.scenario.element()
    return leaving.signed(
        low=open_low(leaving.scenario.state.nullifier, nullifier),
        request=replace(leaving.plan.request, nullifier=nullifier),
    )


# Rule 7: unspent


def _spent(scenario: Scenario) -> Leaving | None:
    """The exit of a spent note, with an invented arc around its nullifier."""
    for user in scenario.users:
        viewing = user.keys.viewing
        for owned in user.notes:
            nullifier = owned.note.nullifier(viewing.nullifier_key)
            if owned.index is None or not owned.note.value or nullifier not in scenario.state.nullifier:
                continue
            state = scenario.state
            _, key_hashes = scenario._signer(user, state)
            plan = ExitPlan(
                request=ExitRequest(
                    scenario.domain, nullifier, owned.note.asset, owned.note.value, exits.RECIPIENT
                ),
                roots=state.roots(),
                nullifier_key=viewing.nullifier_key,
                first_key=viewing.first_key,
                account=open_account(state.account, user.account, key_hashes),
                note=owned.note,
                index=owned.index,
                path=state.note.path(owned.index),
                low=LowOpening(
                    Field((nullifier - 1) % MODULUS),
                    Field((nullifier + 1) % MODULUS),
                    0,
                    state.nullifier.path(0),
                ),
            )
            return Leaving(scenario, user, owned, plan)
    return None


@_tells(errors.NullifierLeafNotFound)
def invented_arc(scenario: Scenario) -> Witness | None:
    leaving = _spent(scenario)
    return leaving.signed() if leaving else None


@_tells(errors.NullifierLeafNotFound)
def arc_of_genesis(scenario: Scenario) -> Witness | None:
    leaving = _spent(scenario)
    if leaving is None:
        return None
    return leaving.signed(low=open_low(NullifierTree.genesis(), leaving.plan.request.nullifier))


@_tells(errors.NoteSpent)
def own_leaf(scenario: Scenario) -> Witness | None:
    leaving = _spent(scenario)
    if leaving is None:
        return None
    tree = scenario.state.nullifier
    return leaving.signed(low=_leaf(tree, tree.index(leaving.plan.request.nullifier)))


@_tells(errors.NoteSpent)
def leaf_before(scenario: Scenario) -> Witness | None:
    leaving = _spent(scenario)
    if leaving is None:
        return None
    tree, nullifier = scenario.state.nullifier, leaving.plan.request.nullifier
    used = (i for i in range(tree.size) if tree._content(i))
    return leaving.signed(low=_leaf(tree, next(i for i in used if tree.content(i).next == nullifier)))


def _leaf(tree: NullifierTree, index: int) -> LowOpening:
    leaf = tree.content(index)
    return LowOpening(leaf.value, leaf.next, index, tree.path(index))

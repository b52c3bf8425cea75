"""Admission: each rule by the error that names it, and what a hostile client must not be able to do."""

import asyncio
from dataclasses import replace

import pytest
from tests.unit.node.conftest import BAD, FAR, GOOD, World, make_policy, proven

from sotto.node.core import Core
from sotto.node.errors import (
    AnchorTooOld,
    AnchorUnknown,
    AssetUnlisted,
    BundleInvalid,
    ExpiryTooClose,
    FeeAssetUnknown,
    FeeTooLow,
    ForcedNotHere,
    NamedCommitmentUnknown,
    NullifierKnown,
    PoolFull,
    ProofInvalid,
)
from sotto.node.ledger import Ledger
from sotto.protocol.errors import (
    AccountExists,
    EqualNullifiers,
    ExtensionVersionUnknown,
    OperationPreimageMissing,
    StaleKeySet,
    WrongDomain,
)
from sotto.protocol.field import Field
from sotto.protocol.transaction import Kind, ProvenTransaction


async def test_takes_a_payment_and_answers_the_same_again(world: World) -> None:
    world.fund(1)
    signed = world.pay()
    first = await world.mempool.admit([proven(signed)], [])
    again = await world.mempool.admit([proven(signed)], [])
    assert first == again == [signed.transaction.h]
    assert len(world.core.pool) == 1
    row = world.core.store.transaction(first[0].to_bytes(32))
    assert row is not None
    assert row.status == "received"


async def test_another_proof_of_the_same_h_is_the_same_transaction(world: World) -> None:
    world.fund(1)
    signed = world.pay()
    await world.mempool.admit([proven(signed)], [])
    other = b"\x01\xff" + GOOD[2:]
    assert await world.mempool.admit([proven(signed, other)], []) == [signed.transaction.h]
    row = world.core.store.transaction(signed.transaction.h.to_bytes(32))
    assert row is not None
    assert row.proof == GOOD


async def test_a_bad_proof_does_not_poison_an_honest_h(world: World) -> None:
    world.fund(1)
    signed = world.pay()
    with pytest.raises(ProofInvalid):
        await world.mempool.admit([proven(signed, BAD)], [])
    assert len(world.core.pool) == 0
    assert await world.mempool.admit([proven(signed)], []) == [signed.transaction.h]


async def test_the_same_transaction_at_once_enters_once(world: World) -> None:
    world.fund(1)
    signed = world.pay()
    answers = await asyncio.gather(*(world.mempool.admit([proven(signed)], []) for _ in range(5)))
    assert answers == [[signed.transaction.h]] * 5
    assert len(world.core.pool) == 1


async def test_of_two_spends_of_one_note_at_once_one_enters(world: World) -> None:
    world.fund(1)
    user = world.scenario.users[0]
    owned = world.scenario.spendable(user)[0]
    spends = [
        world.scenario.pay(user, [world.scenario.take(owned)], user, amount, fee=10, expiry=FAR)
        for amount in (1, 2)
    ]
    answers = await asyncio.gather(
        *(world.mempool.admit([proven(spend)], []) for spend in spends), return_exceptions=True
    )
    assert sum(isinstance(answer, NullifierKnown) for answer in answers) == 1
    assert len(world.core.pool) == 1


async def test_refuses_by_cheap_rules_before_any_proof(world: World) -> None:
    world.fund(8)
    world.core.l1_block = FAR - 5
    world.scenario.random.seed(7)
    good = world.pay().transaction
    cases = [
        (replace(good, domain=good.domain ^ 1), WrongDomain),
        (replace(good, kind=Kind.FORCED, fee=0, fee_asset=0), ForcedNotHere),
        (replace(good, expiry=FAR - 1), ExpiryTooClose),
        (replace(good, fee=9), FeeTooLow),
        (replace(good, fee=0, fee_asset=0), FeeTooLow),
        (replace(good, fee_asset=2), FeeAssetUnknown),
        (replace(good, fee_asset=3), FeeAssetUnknown),
        (replace(good, public_value=1, public_asset=9, recipient=1), AssetUnlisted),
        (replace(good, anchor=Field(5)), AnchorUnknown),
        (replace(good, named=(good.commitments[0], Field(0))), NamedCommitmentUnknown),
        (replace(good, nullifiers=(Field(5), Field(5))), EqualNullifiers),
        (replace(good, kind=Kind.ACCOUNT, operation=Field(3)), OperationPreimageMissing),
        (replace(good, ext=(2, *good.ext[1:])), ExtensionVersionUnknown),
        (replace(good, ext=(*good.ext[:2], 1, *good.ext[3:])), ExtensionVersionUnknown),
    ]
    for transaction, error in cases:
        with pytest.raises(error):
            await world.mempool.admit([ProvenTransaction(transaction, GOOD)], [])
    assert world.proofs.checked == 0


async def test_refuses_a_spent_nullifier(world: World) -> None:
    world.fund(1)
    signed = world.pay()
    world.close([signed], 4)
    with pytest.raises(NullifierKnown):
        await world.mempool.admit([proven(signed)], [])


async def test_refuses_a_dying_anchor_and_never_the_newest(world: World) -> None:
    world.fund(2)
    old = world.pay()
    world.core.l1_block = 5000
    await world.mempool.admit([proven(old)], [])
    world.close([world.scenario.deposit(world.scenario.users[0], 5)], 4)
    world.core.l1_block = 5000 + 300 - 20
    with pytest.raises(AnchorTooOld):
        await world.mempool.admit([proven(world.pay(epoch=1))], [])


async def test_takes_a_join_in_a_bundle_paid_by_its_last_member(world: World) -> None:
    world.fund(2)
    scenario, user = world.scenario, world.scenario.users[0]
    notes = [scenario.take(owned) for owned in scenario.spendable(user)]
    join = scenario.pay(user, notes, user, 1_500_000, fee=0, expiry=FAR)
    joined = next(note for _, note in join.made if note.value == 1_500_000)
    spend = scenario.pay(user, [scenario.chained(joined)], scenario.users[1], 1000, fee=20, expiry=FAR)
    with pytest.raises(FeeTooLow):
        await world.mempool.admit([proven(join)], [])
    with pytest.raises(BundleInvalid):
        await world.mempool.admit([proven(join), proven(world.empty())], [])
    assert await world.mempool.admit([proven(join), proven(spend)], []) == [
        join.transaction.h,
        spend.transaction.h,
    ]
    assert [len(bundle.members) for bundle in world.core.pool] == [2]


async def test_a_bundle_whose_last_member_pays_too_little_leaves_nothing(world: World) -> None:
    world.fund(2)
    scenario, user = world.scenario, world.scenario.users[0]
    notes = [scenario.take(owned) for owned in scenario.spendable(user)]
    join = scenario.pay(user, notes, user, 1_500_000, fee=0, expiry=FAR)
    joined = next(note for _, note in join.made if note.value == 1_500_000)
    spend = scenario.pay(user, [scenario.chained(joined)], user, 1000, fee=19, expiry=FAR)
    with pytest.raises(FeeTooLow):
        await world.mempool.admit([proven(join), proven(spend)], [])
    assert len(world.core.pool) == 0
    assert world.core.store.waiting_transactions() == []


async def test_refuses_a_stale_operation(world: World) -> None:
    world.fund(2)
    scenario, user = world.scenario, world.scenario.users[0]
    owned = scenario.spendable(user)
    keys = [[bytes([i]) * 32] for i in (1, 2)]
    first, second = (
        scenario.pay(user, [scenario.take(note)], user, 1, fee=10, new_keys=seeds, expiry=FAR)
        for note, seeds in zip(owned, keys, strict=True)
    )
    assert first.plan.operation is not None
    assert second.plan.operation is not None
    world.close([first], 4)
    with pytest.raises(AccountExists):
        await world.mempool.admit([proven(second)], [second.plan.operation])
    stale = replace(second.plan.operation, previous=Field(7))
    transaction = replace(second.transaction, operation=stale.word)
    with pytest.raises(StaleKeySet):
        await world.mempool.admit([ProvenTransaction(transaction, GOOD)], [stale])


async def test_is_bounded(world: World) -> None:
    world.core.policy = make_policy(world.scenario, fees={})
    for _ in range(20):
        await world.mempool.admit([proven(world.empty())], [])
    with pytest.raises(PoolFull):
        await world.mempool.admit([proven(world.empty())], [])


async def test_a_restart_finds_what_was_answered(world: World) -> None:
    world.fund(2)
    kept, conflicting = world.pay(), world.pay()
    for signed in (kept, conflicting):
        await world.mempool.admit([proven(signed)], [])
    # An epoch of someone else spends the same notes while the node is down.
    world.close([conflicting], 4)
    ledger: Ledger = world.core.ledger
    restarted = Core(world.core.store, world.core.policy, world.core.layouts, ledger, {})
    await restarted.restore()
    assert [bundle.id for bundle in restarted.pool] == [kept.transaction.h]
    row = world.core.store.transaction(conflicting.transaction.h.to_bytes(32))
    assert row is not None
    assert (row.status, row.reason) == ("dropped", "NullifierSpent")

"""Deposits on a real chain: no counter and no payment twice, whatever is interrupted."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from tests.integration.wallet.conftest import OpenWallet
from tests.support.chain import KEYS, LocalChain
from web3.types import Wei

from sotto.wallet import Wallet
from sotto.wallet.errors import L1Unconfirmed, StateMismatch
from sotto.wallet.state import ActionStatus, Balance


async def queued(wallet: Wallet) -> list[Any]:
    """All deposits in the queue."""
    return (await wallet._context.settlement.deposits(0))[0]  # type: ignore[union-attr]


async def test_copies_of_a_wallet_never_share_a_counter(chain: LocalChain, open_wallet: OpenWallet) -> None:
    """Nothing of it is in an epoch yet: only L1 shows what the other copy has deposited."""
    first, copy = await open_wallet("first"), await open_wallet("copy", 2)
    await first.deposit("ETH", 5)
    chain.mine(3_000)
    await first.deposit("ETH", 5)
    await copy.deposit("ETH", 5)
    await first.deposit("ETH", 5)
    events = await queued(first)
    assert [event.index for event in events] == [0, 1, 2, 3]
    assert len({event.ciphertext[:32] for event in events}) == 4
    assert len({event.partial for event in events}) == 4
    assert first._context.state.queue_seen == 3


async def test_deposit_that_is_late_is_settled_by_a_sync(chain: LocalChain, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    chain.request("evm_setAutomine", [False])
    with pytest.raises(L1Unconfirmed):
        await alice.deposit("ETH", 5)
    assert alice.history()[0].status == ActionStatus.PENDING
    assert alice.balances()[1].pending_in == 5
    # What was forgotten by the chain's pool is sent again.
    chain.request("anvil_dropAllTransactions", [])
    await alice.close()
    again = await open_wallet("alice")
    await again.sync()
    assert again.history()[0].queue_index is None
    chain.mine()
    await again.sync()
    action = again.history()[0]
    assert (action.status, action.queue_index, bool(action.h)) == (ActionStatus.PENDING, 0, True)
    assert len(await queued(again)) == 1
    assert again._context.state.sent_deposits
    chain.mine(100)
    await again.sync()
    assert not again._context.state.sent_deposits


async def test_deposit_in_a_lost_block_is_sent_again(chain: LocalChain, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    made = await alice.deposit("ETH", 5)
    chain.reorganise(1)
    assert await queued(alice) == []
    await alice.sync()
    await alice.sync()
    action = alice.history()[0]
    assert (action.status, action.queue_index, action.h) == (ActionStatus.PENDING, 0, made.action.h)
    assert len(await queued(alice)) == 1
    assert alice.balances()[1].pending_in == 5


async def test_deposits_that_change_places_follow_the_queue(
    chain: LocalChain, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob", 2)
    # The very first one costs more gas, so it would not do as the second one's replacement.
    await (await open_wallet("carol")).deposit("ETH", 3)
    await alice.deposit("ETH", 5)
    await bob.deposit("ETH", 7)
    first, second = chain.transactions(2)
    before = [wallet.history()[0].h for wallet in (alice, bob)]
    chain.reorganise(2, [(second, 0), (first, 1)])
    for wallet in (alice, bob):
        await wallet.sync()
    assert [wallet.history()[0].queue_index for wallet in (alice, bob)] == [2, 1]
    assert not set(before) & {wallet.history()[0].h for wallet in (alice, bob)}


async def test_deposit_that_another_transaction_replaced_for_good_is_dropped(
    chain: LocalChain, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet("alice")
    await alice.deposit("ETH", 5)
    chain.reorganise(1)
    account = Account.from_key(KEYS[1]).address
    transfer = chain.web3.eth.send_transaction({"from": account, "to": account, "value": Wei(1)})
    chain.web3.eth.wait_for_transaction_receipt(transfer)
    await alice.sync()
    assert (alice.history()[0].status, alice.history()[0].queue_index) == (ActionStatus.PENDING, None)
    chain.mine(100)
    await alice.sync()
    assert alice.history()[0].status == ActionStatus.DROPPED
    assert alice.balances().get(1, Balance()).pending_in == 0


async def test_deposit_whose_nonce_is_taken_is_dropped(chain: LocalChain, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    chain.request("evm_setAutomine", [False])
    with pytest.raises(L1Unconfirmed):
        await alice.deposit("ETH", 5)
    chain.request("anvil_dropAllTransactions", [])
    chain.request("evm_setAutomine", [True])
    account = Account.from_key(KEYS[1]).address
    transfer = chain.web3.eth.send_transaction({"from": account, "to": account, "value": Wei(1)})
    chain.web3.eth.wait_for_transaction_receipt(transfer)
    await alice.sync()
    assert alice.history()[0].status == ActionStatus.PENDING
    chain.mine(100)
    await alice.sync()
    assert alice.history()[0].status == ActionStatus.DROPPED
    assert alice.balances().get(1, Balance()).pending_in == 0


async def test_token_is_compared_with_l1(chain: LocalChain, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    assert (await alice.asset("tusd")).decimals == 6
    changes: tuple[dict[str, Any], ...] = ({"symbol": "USDC"}, {"decimals": 7}, {"address": "0x" + "22" * 20})
    for change in changes:
        asset = (await alice.assets())[2]
        lied = replace(asset, **change)
        with pytest.raises(StateMismatch):
            await alice._context.settlement.check_asset(lied)  # type: ignore[union-attr]

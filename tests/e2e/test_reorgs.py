"""L1 loses its last blocks, with deposits, epochs and claims in them: node, wallets and API agree again.

All tests share one deployment, so that each also stands on what the others have left. After every
reorganisation the checker of `tests/faults` judges everything from L1, API and seeds.
"""

from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest
import pytest_asyncio
from eth_account import Account
from hexbytes import HexBytes
from tests.faults.stage import READY_SECONDS, SETTLE_SECONDS, Stage, open_stage
from tests.faults.users import ETH, ETHER, User, available
from web3.types import Wei

from sotto.wallet import Action, Payment
from sotto.wallet.state import ActionStatus, Balance

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

RECIPIENT = "0x" + "5a" * 20
PAST_EXPIRY = 300
"""L1 blocks after which a payment has expired, by the grid of expiries and the window of epochs' clocks."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A deployment with funded users, where nothing happens by itself but what a test does."""
    async with open_stage(tmp_path_factory.mktemp("reorgs"), Random(8)) as running:
        running.mining.clear()
        yield running
        await running.check_restored(await running.check())


async def settled(stage: Stage) -> None:
    """Wait until everything has come to its end, with blocks that L1 goes on to make, and judge it."""
    stage.mining.set()
    await stage.settle()
    await stage.check()
    stage.mining.clear()


async def proven(stage: Stage, user: User, action: Action) -> None:
    """Wait until an action is proven, on a chain that stands still otherwise."""

    async def question() -> str:
        await user.wallet.sync()
        status = user.wallet.history()[action.number].status
        return "" if status == ActionStatus.PROVEN else status

    await stage.until(question, "the action is not proven", SETTLE_SECONDS)


async def followed(stage: Stage) -> None:
    """Wait until the node has read all blocks: an epoch with a clock far behind L1's would be refused."""

    async def question() -> str:
        read, head = stage.node.get("/v1/status")["l1_block"], stage.chain.web3.eth.block_number
        return "" if read >= head else f"it has read {read} of {head} blocks"

    await stage.until(question, "the node does not follow L1", READY_SECONDS)


def interleaved(stage: Stage, transactions: Sequence[bytes]) -> list[bytes]:
    """The same transactions with those of the last sender first; each sender's stay in their order."""
    senders = [Account.recover_transaction(HexBytes(raw)) for raw in transactions]
    order = list(dict.fromkeys(reversed(senders)))
    return [raw for sender in order for raw, by in zip(transactions, senders, strict=True) if by == sender]


FATES = {
    1: "again",
    2: "gone",
    3: "another order",
    4: "again",
    5: "gone",
    6: "another order",
    7: "gone",
    8: "another order",
}
"""What becomes of the transactions of the lost blocks, by the number of these."""


@pytest.mark.parametrize("depth", FATES)
async def test_blocks_are_replaced(stage: Stage, depth: int) -> None:
    alice, bob, _ = stage.users
    fate = FATES[depth]
    # Four blocks at most: a deposit, one or two epochs, a claim. What is missing to the depth is empty.
    paid = await alice.wallet.withdraw(str(ETH), ETHER // 100 + depth, RECIPIENT)
    await bob.wallet.deposit(str(ETH), ETHER // 10 + depth)
    await proven(stage, alice, paid)
    await alice.claim_all()
    stage.chain.mine(max(0, depth - 4))
    transactions = stage.chain.transactions(depth)
    kept = {
        "again": transactions,
        "gone": [],
        "another order": interleaved(stage, transactions),
    }[fate]
    stage.chain.reorganise(depth, [(raw, min(place, depth - 1)) for place, raw in enumerate(kept)])
    await settled(stage)


async def test_deposits_that_change_places_are_credited_to_their_owners(stage: Stage) -> None:
    alice, bob, _ = stage.users
    await alice.wallet.deposit(str(ETH), ETHER // 20 + 1)
    await bob.wallet.deposit(str(ETH), ETHER // 20 + 2)
    first, second = stage.chain.transactions(2)
    stage.chain.reorganise(2, [(second, 0), (first, 1)])
    await settled(stage)


async def test_deposit_that_is_gone_for_good_is_credited_nowhere(stage: Stage) -> None:
    """Its note was spent already, so that the payment goes with it, and the payee must not keep anything."""
    alice, bob, carol = stage.users
    before = [available(user.wallet).get(ETH, 0) for user in (alice, bob, carol)]
    nonce = stage.chain.web3.eth.get_transaction_count(alice.account.address)
    start = stage.chain.web3.eth.block_number
    value = 50 * ETHER
    made = await alice.wallet.deposit(str(ETH), value)
    await proven(stage, alice, made.action)
    paid = await alice.wallet.send(str(ETH), [Payment(bob.wallet.address, 40 * ETHER)])
    await proven(stage, alice, paid)
    onwards = await bob.wallet.send(str(ETH), [Payment(carol.wallet.address, 30 * ETHER)])
    await proven(stage, bob, onwards)
    await carol.wallet.sync()
    assert available(carol.wallet)[ETH] == before[2] + 30 * ETHER
    # The chain has another transaction in its place: the deposit can never come back.
    instead = alice.account.sign_transaction(
        {
            "chainId": stage.chain.web3.eth.chain_id,
            "nonce": nonce,
            "to": alice.account.address,
            "value": Wei(0),
            "gas": 21_000,
            "maxFeePerGas": Wei(10**11),
            "maxPriorityFeePerGas": Wei(10**9),
        }
    )
    depth = stage.chain.web3.eth.block_number - start
    assert depth <= 8
    stage.chain.reorganise(depth, [(bytes(instead.raw_transaction), 0)])
    # The deposit's nonce is final, and no epoch may have the payments any more.
    stage.chain.mine(PAST_EXPIRY)
    await followed(stage)
    await settled(stage)
    assert [available(user.wallet).get(ETH, 0) for user in (alice, bob, carol)] == before
    for user, action in ((alice, made.action), (alice, paid), (bob, onwards)):
        assert user.wallet.history()[action.number].status in (ActionStatus.DROPPED, ActionStatus.EXPIRED)
    for user in (alice, bob, carol):
        balance = user.wallet.balances().get(ETH, Balance())
        assert (balance.pending_in, balance.pending_out) == (0, 0)


async def test_claim_that_is_undone_is_made_again(stage: Stage) -> None:
    carol = stage.users[2]
    recipient = "0x" + "7b" * 20
    action = await carol.wallet.withdraw(str(ETH), ETHER // 50, recipient)
    await proven(stage, carol, action)
    await carol.claim_all()
    balance = stage.chain.web3.eth.get_balance
    account = stage.chain.web3.to_checksum_address(recipient)
    assert balance(account) == ETHER // 50
    stage.chain.reorganise(1)
    assert balance(account) == 0
    await settled(stage)
    assert balance(account) == ETHER // 50


async def test_epoch_that_is_gone_is_sent_again_and_others_follow_it(stage: Stage) -> None:
    """Two epochs are lost; both come again, the second one with the record of the first one's new block."""
    alice, bob, carol = stage.users
    for payer, payee in ((alice, bob), (bob, carol)):
        action = await payer.wallet.send(str(ETH), [Payment(payee.wallet.address, ETHER // 100)])
        await proven(stage, payer, action)
    lost = [epoch["record_hash"] for epoch in stage.node.get("/v1/epochs", count=256)[-2:]]
    stage.chain.reorganise(2)
    stage.chain.mine(3)
    await settled(stage)
    epochs = {epoch["record_hash"] for epoch in stage.node.get("/v1/epochs", count=256)}
    assert not epochs & set(lost)

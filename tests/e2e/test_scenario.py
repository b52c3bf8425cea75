"""Three users, ETH and a token of 6 decimals, thirty transactions, and every balance to the last unit.

Real contracts, node, wallets and proofs; on a chain of its own, and on a fork of one that others used.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.books import ETH, TOKEN, Economy
from tests.support.chain import ROOT, LocalChain, anvil
from tests.support.node import NodeProcess

from sotto.wallet import Payment
from sotto.wallet.errors import InsufficientFunds
from sotto.wallet.state import ActionKind

pytestmark = pytest.mark.slow

PRICE = 10**12
ETHER, DOLLAR = 10**18, 10**6
RECIPIENTS = (
    "0x1111111111111111111111111111111111111111",
    "0x2222222222222222222222222222222222222222",
    "0x3333333333333333333333333333333333333333",
)
# Long enough for the payments of a test to meet in one epoch, also on a busy machine.
EPOCH_WAIT = 15.0
MIN_TRANSACTIONS = 30
MEMOS = [f"order {number}, 5 \N{EURO SIGN}" for number in range(4)]


@pytest.fixture(params=["plain", "fork"])
def chain(request: pytest.FixtureRequest) -> Iterator[LocalChain]:
    """A new chain, or a fork of a running one with a history and an altered balance."""
    if request.param == "plain":
        with anvil() as running:
            yield running
        return
    with anvil() as upstream:
        upstream.request("anvil_setBalance", [RECIPIENTS[0], hex(7 * ETHER)])
        upstream.mine(50)
        with anvil("--fork-url", upstream.url) as fork:
            assert fork.web3.eth.get_balance(RECIPIENTS[0]) == 7 * ETHER
            assert fork.web3.eth.block_number >= 50
            yield fork


def ape_run(chain: LocalChain, folder: Path, *arguments: str) -> str:
    """Output of a script, run as people run it. Raises AssertionError if it fails."""
    command = [str(Path(sys.executable).with_name("ape")), "run", *arguments]
    env = os.environ | {"APE_FOUNDRY_HOST": chain.url, "SOTTO_DEPLOYMENTS": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def economy(chain: LocalChain, tmp_path: Path) -> Iterator[Economy]:
    """Users and a node that takes fees in ETH only."""
    ape_run(chain, tmp_path, "deploy", "--test-token")
    deployment = tmp_path / f"{chain.web3.eth.chain_id}.json"
    node = NodeProcess(
        tmp_path,
        chain.url,
        deployment,
        fees=f'{{"{ETH}": {PRICE}}}',
        epoch_wait=EPOCH_WAIT,
    )
    try:
        node.start()
        users = Economy(chain, deployment, node, tmp_path, PRICE)
        try:
            yield users
        finally:
            users.close()
    finally:
        node.close()


def test_thirty_transactions_to_the_last_unit(economy: Economy, tmp_path: Path) -> None:
    before = {(a, k): economy.l1_balance(a, k) for a in RECIPIENTS for k in (ETH, TOKEN)}
    sent = _deposits(economy)
    sent += _payments(economy)
    sent += _small_payments(economy)
    sent += _withdrawals(economy)
    assert sent >= MIN_TRANSACTIONS
    assert economy.books.fees == {ETH: sent * PRICE}
    got = [
        action.payments for action in economy.wallets["alice"].history() if action.kind == ActionKind.RECEIVED
    ]
    assert {payment.memo for payments in got for payment in payments} == {"", *MEMOS}

    # One claim by its wallet; all others by the script, which has nothing but L1.
    economy.claim_all("bob")
    shown = ape_run(economy.chain, tmp_path, "claim")
    assert f"{len(RECIPIENTS)} of {len(RECIPIENTS)} paid" in shown
    economy.books.unclaimed.clear()
    assert "nothing to claim" in ape_run(economy.chain, tmp_path, "claim")
    for (address, asset), value in before.items():
        assert economy.l1_balance(address, asset) - value == economy.books.withdrawn[address, asset]
    _balance(economy)
    report = json.loads(ape_run(economy.chain, tmp_path, "inspect", "--json"))
    assert all(asset["balance"] == asset["liabilities"] for asset in report["assets"])
    assert report["head"] == report["proven"] == economy.wallets["alice"].epoch

    lanes = economy.lanes()
    kinds = Counter(lane["kind"] for lane in lanes)
    assert kinds == {1: sent, 2: 8}
    assert len({lane["id"] for lane in lanes}) == len(lanes)
    assert sum(int(lane["fee"]) for lane in lanes) == sent * PRICE
    paying = [lane for lane in lanes if lane["kind"] == 1 and int(lane["public_value"])]
    assert len(paying) == len(RECIPIENTS) + 1
    assert len({lane["epoch"] for lane in paying}) == 1, "all withdrawals are in one epoch"
    assert len({lane["epoch"] for lane in lanes}) >= 5


def _balance(economy: Economy) -> None:
    economy.check()
    economy.check_reserve()


def _deposits(economy: Economy) -> int:
    for name, value in (("alice", 150 * DOLLAR), ("carol", 30 * DOLLAR)):
        economy.mint(name, value)
    economy.deposit("alice", ETH, 3 * ETHER)
    economy.deposit("alice", ETH, ETHER + 7)
    economy.deposit("alice", TOKEN, 100 * DOLLAR)
    economy.deposit("alice", TOKEN, 50 * DOLLAR)
    economy.deposit("bob", ETH, 2 * ETHER)
    economy.deposit("bob", ETH, ETHER // 2)
    economy.deposit("carol", ETH, ETHER + 1)
    economy.deposit("carol", TOKEN, 30 * DOLLAR)
    economy.settle()
    _balance(economy)
    return 0


def _payments(economy: Economy) -> int:
    """Joins, splits, change, a fee in another asset, a chain of payments in one epoch, and one to oneself."""
    sent = economy.pay("alice", ETH, ("bob", 3 * ETHER + ETHER // 2))
    # Neither token note is large enough and neither can pay a fee: joined in one bundle, paid in ETH.
    joined = economy.pay("alice", TOKEN, ("bob", 120 * DOLLAR + 1))
    assert joined >= 2
    sent += joined
    sent += economy.pay("carol", ETH, ("carol", ETHER // 3))
    sent += economy.pay("bob", ETH, ("alice", ETHER // 10), ("carol", ETHER // 7))
    # Carol and Bob spend what no epoch has yet.
    sent += economy.pay("carol", ETH, ("bob", ETHER // 9))
    sent += economy.pay("carol", TOKEN, ("alice", 5 * DOLLAR))
    sent += economy.pay("bob", TOKEN, ("carol", 60 * DOLLAR))
    with pytest.raises(InsufficientFunds):
        economy.wallets["carol"].send("ETH", [Payment(economy.wallets["bob"].address, 50 * ETHER)])
    economy.settle()
    _balance(economy)
    return sent


def _small_payments(economy: Economy) -> int:
    """Two rounds in which everybody pays somebody: chained change, dust, and odd amounts."""
    sent = 0
    for turn in range(2):
        for number in range(3):
            sent += economy.pay("alice", ETH, ("bob", 1 + number), ("carol", 10**9 + turn))
            sent += economy.pay("bob", ETH, ("carol", ETHER // 100 + number))
        sent += economy.pay("carol", TOKEN, ("alice", 1), ("bob", DOLLAR))
        economy.settle()
        _balance(economy)
    return sent


def _withdrawals(economy: Economy) -> int:
    sent = economy.withdraw("alice", ETH, ETHER // 4 + 3, RECIPIENTS[0])
    sent += economy.withdraw("bob", TOKEN, 20 * DOLLAR + 9, RECIPIENTS[1])
    sent += economy.withdraw("carol", ETH, ETHER // 5, RECIPIENTS[2])
    sent += economy.withdraw("carol", TOKEN, DOLLAR, RECIPIENTS[0])
    for number, memo in enumerate(MEMOS):
        sent += economy.pay("bob", ETH, ("alice", 12345 + number), memo=memo)
    economy.settle()
    _balance(economy)
    return sent

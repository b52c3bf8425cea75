"""Forced payments on a real chain: lost answers and lost blocks, a node that only has to follow L1."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from eth_utils.address import to_checksum_address
from tests.faults.endpoint import FaultyEndpoint, LostAnswers
from tests.support.chain import LocalChain, anvil, deploy
from tests.support.node import NodeProcess, wait_until

from sotto.l1.deployment import read_deployment
from sotto.testing.chain import CHAIN_ID, funded_account
from sotto.wallet import Connection, SyncWallet, create_wallet
from sotto.wallet.errors import L1Unconfirmed
from sotto.wallet.inputs import Payment
from sotto.wallet.state import ActionStatus

pytestmark = pytest.mark.slow

ETHER = 10**18
DEAR = 5 * 10**10
"""Wei of a unit of gas: above what is offered while it costs about one gwei."""
RECIPIENT = to_checksum_address("0x" + "f0" * 20)
ACCOUNT = funded_account(5)


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    """A new chain."""
    with anvil() as running:
        yield running


def test_forced_payments_land_once_whatever_l1_loses(chain: LocalChain, tmp_path: Path) -> None:
    deployment = deploy(chain, tmp_path, sizes=(4,))
    node = NodeProcess(tmp_path, chain.url, deployment)
    rollup = bytes.fromhex(read_deployment(deployment).address("Rollup")[2:])
    path = tmp_path / "wallet.json"
    create_wallet(path, "forced", CHAIN_ID, rollup, work=14)
    with FaultyEndpoint(chain.url) as endpoint:
        connection = Connection(node.url, l1=endpoint.url, l1_account=ACCOUNT)
        try:
            node.start()
            with SyncWallet(path, "forced", connection) as wallet:
                wallet.wait(wallet.deposit("1", 2 * ETHER).action.number)
                endpoint.disturb(LostAnswers(Random(1), 0.0))
                with pytest.raises(L1Unconfirmed):
                    wallet.withdraw("1", ETHER // 2, RECIPIENT, force=True)
                endpoint.heal()
            # The process ended before it heard that L1 has taken it.
            with SyncWallet(path, "forced", connection) as wallet:
                wallet.sync()
                action = wallet.history()[-1]
                assert (action.value, action.queue_index) == (ETHER // 2, 1)
                wallet.wait(action.number)
                (waiting,) = wallet.claimable()
                wallet.claim(waiting)
                assert chain.web3.eth.get_balance(RECIPIENT) == ETHER // 2

                # L1 loses the block: the wallet sends the same bytes again. No epoch comes between.
                node.kill()
                node.spawn(epoch_wait=300)
                wait_until(node.is_ready)
                sent = wallet.send("1", [Payment(wallet.address, ETHER // 4)], force=True)
                digest, nonce = sent.l1_transaction, chain.web3.eth.get_transaction_count(ACCOUNT.address)
                chain.reorganise(1)
                assert chain.web3.eth.get_transaction_count(ACCOUNT.address) == nonce - 1
                node.kill()
                node.start()
                wallet.wait(sent.number)
                assert chain.web3.eth.get_transaction_count(ACCOUNT.address) == nonce
                assert wallet.history()[sent.number].l1_transaction == digest

                # It does so in vain when gas has become dearer than it offers: the wallet offers more.
                node.kill()
                node.spawn(epoch_wait=300)
                wait_until(node.is_ready)
                sent = wallet.send("1", [Payment(wallet.address, ETHER // 8)], force=True)
                digest = sent.l1_transaction
                chain.reorganise(1)
                chain.request("anvil_setNextBlockBaseFeePerGas", [hex(DEAR)])
                chain.mine()
                node.kill()
                node.start()
                wallet.wait(sent.number)
                assert chain.web3.eth.get_transaction_count(ACCOUNT.address) == nonce + 1
                assert wallet.history()[sent.number].l1_transaction != digest
                assert [a.status for a in wallet.history()] == [ActionStatus.PROVEN] * len(wallet.history())
                assert wallet.balances()[1].available == 2 * ETHER - ETHER // 2
        finally:
            node.close()

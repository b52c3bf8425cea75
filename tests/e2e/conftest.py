"""What the end-to-end tests share: real contracts, real proofs."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.support.chain import anvil, build_contracts, deploy
from tests.support.raw_l1 import RawEpoch, RawL1, client_proof
from tests.support.scenario import TOKEN, Queued, Signed

from sotto import crypto

EXPIRY_BLOCKS = 30
RECIPIENT = 0xC0FFEE


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    build_contracts()
    crypto.install_hash_backend()


@dataclass
class RawStage:
    """A rollup with one epoch of deposits on it, and an honest second epoch that waits.

    The second one has a transfer with a fee in ETH, and a withdrawal of the token with its fee in the token.
    """

    l1: RawL1
    deposits: RawEpoch
    transactions: tuple[Signed, ...]
    honest: RawEpoch


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawStage]:
    """One chain for all modules that send epochs themselves; proofs take most of their time."""
    with anvil() as chain:
        folder = tmp_path_factory.mktemp("raw")
        l1 = RawL1(chain, deploy(chain, folder, tokens=1))
        world = l1.scenario
        alice, bob, _ = world.users
        depositors = chain.web3.eth.accounts[2:5]
        queued: list[Queued] = [
            world.deposit(alice, 10**18),
            world.deposit(bob, 5 * 10**6, TOKEN),
            world.deposit(bob, 2 * 10**18),
        ]
        for item, sender in zip(queued, depositors, strict=True):
            l1.queue(item, sender)
        deposits = l1.build([*queued, None], [], depositors)
        l1.accept(deposits)
        ether, token = world.spendable(alice)[0], world.spendable(bob, TOKEN)[0]
        expiry = world.now + EXPIRY_BLOCKS
        transactions = (
            world.pay(alice, [world.take(ether)], bob, 10**17, fee=1_000, expiry=expiry),
            world.pay(
                bob,
                [world.take(token)],
                bob,
                0,
                asset=TOKEN,
                fee=50,
                fee_asset=TOKEN,
                withdraw=10**6,
                recipient=RECIPIENT,
                expiry=expiry,
            ),
        )
        proofs = [client_proof(signed) for signed in transactions]
        yield RawStage(l1, deposits, transactions, l1.build([*transactions, None, None], proofs))

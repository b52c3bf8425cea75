"""Signing keys of an account on a real chain, with real proofs."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.integration.wallet.town import ETHER, PASSWORD, Town, open_town

from sotto.protocol.babyjub import Point, Signature
from sotto.wallet import Payment
from sotto.wallet.errors import AccountKeysUnknown, ProofRejected
from sotto.wallet.signer import Signer, SigningRequest

pytestmark = pytest.mark.slow

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town."""
    with open_town(tmp_path) as made:
        yield made


def test_register_spend_revoke_and_the_old_key_is_refused(town: Town) -> None:
    alice, bob = town.open(town.make("alice", WORDS)), town.open(town.make("bob"))
    thief = town.open(town.make("thief", WORDS))
    town.fund(alice, ETHER, ETHER // 2)
    first = alice.account.keys[0].hash

    made = alice.add_signing_key(PASSWORD)
    alice.wait(alice.change_keys([first, made.hash]).number)
    assert {key.hash for key in alice.account.keys} == {first, made.hash}
    paid = alice.send("ETH", [Payment(bob.address, 1000, memo="signed by the new key")])
    alice.wait(paid.number)

    alice.wait(alice.change_keys([made.hash]).number)
    assert [(key.hash, key.first) for key in alice.account.keys] == [(made.hash, False)]

    # Under the new state the old key signs nothing that could be proven.
    thief.sync()
    context = thief._wallet._context
    context.state.key_hashes.add(made.hash)
    with pytest.raises(AccountKeysUnknown):
        thief.send("ETH", [Payment(bob.address, 1)])
    honest = context.signer
    context.signer = _Pretender(alice._wallet._context.signer, honest)
    with pytest.raises(ProofRejected):
        thief.send("ETH", [Payment(bob.address, 1)])


class _Pretender:
    """Claims the keys of one signer, and signs with those of another."""

    def __init__(self, claimed: Signer | None, real: Signer | None) -> None:
        assert claimed is not None
        assert real is not None
        self._claimed, self._real = claimed, real

    @property
    def keys(self) -> Sequence[Point]:
        """See Signer."""
        return self._claimed.keys

    async def sign(self, _key: Point, request: SigningRequest) -> Signature:
        """See Signer."""
        return await self._real.sign(self._real.keys[0], request)

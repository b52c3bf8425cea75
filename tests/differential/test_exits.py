"""Exits from random states, told to specification and circuit: they agree on each, and on each lie."""

import pytest

from sotto import crypto
from sotto.protocol.exit_witness import check_exit
from tests.differential.exit_lies import EXIT_LIES, ExitLie
from tests.differential.stream import circuit_accepts, encoded
from tests.support import exits
from tests.support.scenario import Scenario

SEED = 13
EPOCHS = 4


@pytest.fixture(scope="module")
def frozen() -> Scenario:
    """A state after some epochs of all kinds."""
    crypto.install_hash_backend()
    world = Scenario(SEED)
    for _ in range(EPOCHS):
        world.random_epoch(16)
    return world


def test_each_unspent_note_leaves(frozen: Scenario) -> None:
    left = 0
    for user in frozen.users:
        for owned in user.notes:
            if owned.note.nullifier(user.keys.viewing.nullifier_key) in frozen.state.nullifier:
                continue
            plan, witness = exits.plan(frozen, user, owned), exits.leave(frozen, user, owned)
            public = list(plan.request.public_inputs(frozen.state.hash()))
            assert list(check_exit(witness)) == crypto.check_witness("exit", encoded(witness)) == public
            left += 1
    assert left > 20


@pytest.mark.parametrize("lie", EXIT_LIES, ids=lambda lie: lie.name)
def test_lie(frozen: Scenario, lie: ExitLie) -> None:
    witness = lie.make(frozen)
    assert witness is not None, "the scenario has nothing to tell this lie about"
    with pytest.raises(lie.error) as caught:
        check_exit(witness)
    assert caught.type is lie.error
    assert not circuit_accepts("exit", encoded(witness)), "the circuit accepts"

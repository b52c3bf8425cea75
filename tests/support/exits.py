"""Exits of a scenario's users, and the content of tests/vectors/exit*.json."""

from collections.abc import Sequence
from typing import Any

from sotto.protocol import babyjub
from sotto.protocol.exit import ExitPlan, ExitRequest, plan_exit
from sotto.protocol.exit_witness import exit_witness
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.notes import ETH
from tests.support.scenario import OwnedNote, Scenario, User

EXECUTOR = int("6666666666666666666666666666666666666666", 16)
RECIPIENT = int("7777777777777777777777777777777777777777", 16)


def plan(world: Scenario, user: User, owned: OwnedNote, executor: int = EXECUTOR, fee: int = 5) -> ExitPlan:
    """The exit of a note from the scenario's last state."""
    assert owned.index is not None
    _, key_hashes = world._signer(user, world.state)
    return plan_exit(
        world.state,
        user.keys.viewing,
        owned.note,
        owned.index,
        world.domain,
        RECIPIENT,
        key_hashes=key_hashes,
        executor=executor,
        fee=fee,
    )


def signed(plan: ExitPlan, seed: bytes) -> dict[str, Any]:
    """The witness file of a plan that the key of a seed signs."""
    return exit_witness(plan, babyjub.public_key(seed), babyjub.sign(seed, plan.request.message))


def leave(world: Scenario, user: User, owned: OwnedNote) -> dict[str, Any]:
    """The witness file of a note's exit, by the account's newest key."""
    return signed(plan(world, user, owned), world._signer(user, world.state)[0])


def holder(world: Scenario, present: bool) -> tuple[User, OwnedNote]:
    """A user with, or without, an account leaf and a note of theirs. Raises LookupError."""
    for user in world.users:
        if (user.account in world.state.account) == present and (owned := world.spendable(user)):
            return user, owned[0]
    raise LookupError("the scenario has no such user")


def witness_of(world: Scenario, present: bool) -> dict[str, Any]:
    """The witness file of a user with, or without, an account leaf."""
    return leave(world, *holder(world, present))


def requests(domain: int) -> object:
    """Requests with their messages, and their public inputs for a state."""
    largest = (1 << 120) - 1
    address = (1 << 160) - 1
    cases: Sequence[tuple[ExitRequest, int]] = (
        (ExitRequest(domain, Field(12345), ETH, 10**18, RECIPIENT, EXECUTOR, 10**15), 77),
        (ExitRequest(domain, Field(12345), ETH, 10**18, RECIPIENT), 77),
        (
            ExitRequest(domain, Field(MODULUS - 1), (1 << 64) - 1, largest, address, address, largest),
            MODULUS - 1,
        ),
        (ExitRequest((1 << 248) - 1, Field(1), 0, 1, 1, 1, 1), 1),
        (ExitRequest(0, Field(0), 0, 0, 0), 0),
    )
    return [
        {
            "request": {
                "domain": f"{r.domain:#x}",
                "nullifier": f"{r.nullifier:#x}",
                "asset": str(r.asset),
                "value": str(r.value),
                "recipient": f"{r.recipient:#x}",
                "executor": f"{r.executor:#x}",
                "fee": str(r.fee),
            },
            "state": f"{state:#x}",
            "message": f"{r.message:#066x}",
            "public": [f"{x:#066x}" for x in r.public_inputs(Field(state))],
        }
        for r, state in cases
    ]

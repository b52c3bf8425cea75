"""The examples of docs/examples, each as it is documented, on one sandbox: real chain, node and proofs."""

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from sotto.testing import Sandbox
from sotto.wallet import ActionKind, ActionStatus, format_amount, parse_amount

pytestmark = pytest.mark.slow

FEE = 10**14


@pytest.fixture(scope="session")
def sotto_sandbox_users() -> int:
    return 3


def example(repository: Path, name: str) -> ModuleType:
    """The module of an example."""
    path = repository / "docs" / "examples" / f"{name}.py"
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_every_example_is_tested(repository: Path) -> None:
    tested = {"airdrop", "audit", "bot", "merchant", "payment"}
    assert {path.stem for path in (repository / "docs" / "examples").glob("*.py")} == tested


async def test_payment(repository: Path, sotto_sandbox: Sandbox) -> None:
    action = await example(repository, "payment").main(sotto_sandbox)
    assert (action.status, action.value, action.fee) == (ActionStatus.PROVEN, 25 * 10**16, FEE)


async def test_merchant(repository: Path, sotto_sandbox: Sandbox) -> None:
    delivered = await example(repository, "merchant").main(sotto_sandbox)
    assert sorted(invoice.number for invoice in delivered) == [1001, 1002]


async def test_bot_forwards_once(repository: Path, sotto_sandbox: Sandbox) -> None:
    bot = example(repository, "bot")
    rounds = await bot.main(sotto_sandbox)
    assert rounds == [[bot.THRESHOLD], [], []]


async def test_airdrop_goes_on_after_it_was_killed(repository: Path, sotto_sandbox: Sandbox) -> None:
    """With five receivers instead of a hundred: the rest is the same again."""
    airdrop = example(repository, "airdrop")
    receivers = [sotto_sandbox.new_user() for _ in range(5)]
    addresses = [user.address for user in receivers]
    alice = sotto_sandbox.users[0]
    async with await alice.open() as wallet:
        started = asyncio.create_task(airdrop.airdrop(wallet, addresses))
        while not any(batch.pending for batch in wallet.batches()):
            assert not started.done(), await started
            await asyncio.sleep(0.05)
        started.cancel()
        with pytest.raises(asyncio.CancelledError):
            await started
    async with await alice.open() as wallet:
        progress = await airdrop.airdrop(wallet, addresses)
        assert (progress.proven, progress.finished, len(wallet.batches())) == (5, True, 1)
    for user in receivers:
        async with await user.open() as wallet:
            assert wallet.balances()[1].available == airdrop.EACH


async def test_audit_sees_all_and_spends_nothing(repository: Path, sotto_sandbox: Sandbox) -> None:
    report = await example(repository, "audit").main(sotto_sandbox)
    async with await sotto_sandbox.users[0].open() as wallet:
        available = wallet.balances()[1].available
        history = wallet.history()
    assert report[0] == f"has {format_amount(available, 18)} ETH"
    assert report[-1] == "cannot be spent from here"
    deposits = [action for action in history if action.kind == ActionKind.DEPOSIT]
    assert sum(line.startswith("deposit ") for line in report) == len(deposits) == 3
    # The chain shows the transactions of a batch one by one, so that only the sums can be compared.
    proven = [action for action in history if action.status == ActionStatus.PROVEN]
    sent = sum(action.value for action in proven if action.kind == ActionKind.SENT)
    seen = sum(parse_amount(line.split()[1], 18) for line in report if line.startswith("sent "))
    assert seen == sent

"""Wallets connected to a recorded node."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.wallet.recorded import CHAIN_ID, PASSWORD, ROLLUP, WORK, CheckingProver, RecordedNode

from sotto import crypto
from sotto.wallet import Connection, Wallet, create_wallet

OpenWallet = Callable[..., Awaitable[Wallet]]


@pytest.fixture
def node() -> RecordedNode:
    """A node at genesis."""
    crypto.install_hash_backend()
    return RecordedNode()


@pytest.fixture
async def open_wallet(node: RecordedNode, tmp_path: Path) -> AsyncIterator[OpenWallet]:
    """Opens the wallet of a name, made at first use, connected to the recorded node."""
    async with AsyncExitStack() as stack:

        async def opener(name: str = "alice", phrase: str | None = None, l1: Any = None) -> Wallet:
            path = tmp_path / f"{name}.json"
            if not path.exists():
                create_wallet(path, PASSWORD, CHAIN_ID, ROLLUP, phrase=phrase, work=WORK)
            connection = Connection("http://node", transport=node.transport())
            opened = await Wallet.open(path, PASSWORD, connection, prover=CheckingProver())
            opened._context.settlement = l1
            return await stack.enter_async_context(opened)

        yield opener

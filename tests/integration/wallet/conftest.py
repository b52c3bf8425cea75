"""Wallets on a real L1; the node is a recorded one, which never has an epoch."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from tests.support.chain import KEYS, LocalChain, anvil, build_contracts, deploy
from tests.unit.wallet.recorded import PASSWORD, WORK, CheckingProver, RecordedNode

from sotto import crypto
from sotto.l1.deployment import read_deployment
from sotto.protocol.field import byte_word_to_json, to_byte_word
from sotto.protocol.l1 import compute_domain
from sotto.wallet import Connection, Wallet, create_wallet
from sotto.wallet.settlement import Settlement

OpenWallet = Callable[..., Awaitable[Wallet]]


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    """A new chain."""
    build_contracts()
    crypto.install_hash_backend()
    with anvil() as running:
        yield running


@pytest.fixture
async def open_wallet(chain: LocalChain, tmp_path: Path) -> AsyncIterator[OpenWallet]:
    """Opens the wallet of a name, of the same words for all names, with an L1 key."""
    deployment = read_deployment(deploy(chain, tmp_path, tokens=1))
    rollup = bytes.fromhex(deployment.address("Rollup")[2:])
    chain_id = chain.web3.eth.chain_id
    domain = byte_word_to_json(to_byte_word(compute_domain(chain_id, rollup)))
    token = {**deployment.assets[1].model_dump(), "symbol": "TUSD"}
    node = RecordedNode()

    def of_this_chain(path: str, answer: Any) -> Any:
        if path == "/v1/status":
            return {**answer, "chain_id": chain_id, "rollup": "0x" + rollup.hex(), "domain": domain}
        return [answer[0], token] if path == "/v1/assets" else answer

    node.tamper = of_this_chain
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    async with AsyncExitStack() as stack:

        async def opener(name: str, key: int = 1) -> Wallet:
            path = tmp_path / f"{name}.json"
            if not path.exists():
                create_wallet(path, PASSWORD, chain_id, rollup, phrase=words, work=WORK)
            connection = Connection("http://node", transport=node.transport())
            opened = await Wallet.open(path, PASSWORD, connection, prover=CheckingProver())
            account = Account.from_key(KEYS[key])
            opened._context.settlement = Settlement(chain.url, rollup, account, patience_seconds=1)
            return await stack.enter_async_context(opened)

        yield opener

"""What the demo plays on: a local Ethereum, the contracts, a node. Nothing of it outlives the demo."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from sotto import crypto
from sotto.l1.connection import connect
from sotto.l1.deployment import Deployment, read_deployment
from sotto.testing.chain import CHAIN_ID, SOURCE, anvil, funded_account, tool_environment
from sotto.testing.errors import SandboxError
from sotto.testing.node import LocalNode
from sotto.testing.processes import start

__all__ = ["CHAIN_ID", "FEE", "DemoError", "Stage", "open_stage"]

FEE: Final = 10**14
"""The node's fee: 0.0001 ETH a transaction."""

_ACCOUNTS: Final = 5
_DEPLOY_SECONDS: Final = 600.0

Say = Callable[[str], None]


class DemoError(SandboxError):
    """The demo cannot go on; the message says why."""

    hint = "the logs stay in the folder named above"


@dataclass(frozen=True)
class Stage:
    """A running chain and node. `accounts` are funded L1 accounts, `rollup` has 20 bytes."""

    l1: str
    node: LocalNode
    web3: AsyncWeb3[Any]
    deployment: Deployment
    accounts: tuple[LocalAccount, ...]

    @property
    def rollup(self) -> bytes:
        """Address of the rollup."""
        return bytes.fromhex(self.deployment.address("Rollup")[2:])


@contextlib.asynccontextmanager
async def open_stage(folder: Path, say: Say) -> AsyncIterator[Stage]:
    """Start everything in a folder, and end it with the context. Raises DemoError, SandboxError."""
    if not (SOURCE / "scripts" / "deploy.py").exists():
        raise DemoError("the demo deploys contracts, so it needs the source tree, not only the package")
    accounts = tuple(funded_account(number) for number in range(_ACCOUNTS))
    with contextlib.ExitStack() as children:
        say("Starting a local Ethereum (anvil) and deploying the contracts with ape ...")
        chain = children.enter_context(anvil(folder=folder))
        web3 = connect(chain.url)
        try:
            keys = asyncio.create_task(asyncio.to_thread(crypto.prepare_keys, "transfer"))
            deployment = await _deploy(folder, chain.url)
            say("Starting a Sotto node. Its first start makes the proving keys: minutes, then cached.")
            file = _deployment_file(folder)
            node = LocalNode(
                folder, chain.url, file, accounts[1], {1: FEE}, epoch_wait=1.0, poll_interval=0.1
            )
            children.enter_context(node)
            node.spawn()
            await asyncio.to_thread(node.wait_until_ready)
            await keys
            yield Stage(chain.url, node, web3, deployment, accounts)
        finally:
            await web3.provider.disconnect()


def _deployment_file(folder: Path) -> Path:
    return folder / "deployments" / f"{CHAIN_ID}.json"


async def _deploy(folder: Path, l1: str) -> Deployment:
    """Deploy by the script that every deployment uses, with a test token, into the demo's folder."""
    file = _deployment_file(folder)
    environment = tool_environment() | {"APE_FOUNDRY_HOST": l1, "SOTTO_DEPLOYMENTS": str(file.parent)}
    command = [
        str(Path(sys.executable).with_name("ape")),
        "run",
        "deploy",
        "--network",
        "ethereum:local:foundry",
        "--test-token",
    ]
    with start("deploy", command, folder, environment, SOURCE) as deploying:
        await deploying.wait(_DEPLOY_SECONDS)
    return read_deployment(file)

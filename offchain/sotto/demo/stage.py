"""What the demo plays on: a local Ethereum, the contracts, a node. Nothing of it outlives the demo."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import AsyncHTTPProvider, AsyncWeb3

from sotto import crypto
from sotto.demo.processes import Child, DemoError, free_port, start
from sotto.l1.deployment import Deployment, read_deployment

__all__ = ["CHAIN_ID", "FEE", "DemoError", "Stage", "open_stage"]

CHAIN_ID: Final = 31337
FEE: Final = 10**14
"""The node's fee: 0.0001 ETH a transaction."""

_MNEMONIC: Final = "test test test test test test test test test test test junk"
_SOURCE: Final = Path(__file__).resolve().parents[3]
_ANVIL_SECONDS: Final = 30.0
_DEPLOY_SECONDS: Final = 600.0
_NODE_SECONDS: Final = 1800.0
"""Without proving keys in the cache the node makes them first."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """A running chain and node. `accounts` are funded L1 accounts, `rollup` has 20 bytes."""

    l1: str
    node: str
    web3: AsyncWeb3[Any]
    deployment: Deployment
    accounts: tuple[LocalAccount, ...]
    processes: tuple[Child, ...]

    @property
    def rollup(self) -> bytes:
        """Address of the rollup."""
        return bytes.fromhex(self.deployment.address("Rollup")[2:])

    def check(self) -> None:
        """Raise DemoError if a process has ended."""
        for process in self.processes:
            process.check()


@contextlib.asynccontextmanager
async def open_stage(folder: Path, say: Say) -> AsyncIterator[Stage]:
    """Start everything in a folder, and end it with the context. Raises DemoError."""
    if not (_SOURCE / "scripts" / "deploy.py").exists():
        raise DemoError("the demo deploys contracts, so it needs the source tree, not only the package")
    accounts = _funded_accounts(5)
    port = free_port()
    l1 = f"http://127.0.0.1:{port}"
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(l1))
    with contextlib.ExitStack() as children:
        command = ["anvil", "--port", str(port), "--hardfork", "prague", "--chain-id", str(CHAIN_ID)]
        say("Starting a local Ethereum (anvil) and deploying the contracts with ape ...")
        anvil = children.enter_context(start("anvil", command, folder, _environment()))
        try:
            await _wait_for_l1(web3, anvil)
            keys = asyncio.create_task(asyncio.to_thread(crypto.prepare_keys, "transfer"))
            deployment = await _deploy(folder, l1)
            say("Starting a Sotto node. Its first start makes the proving keys: minutes, then cached.")
            config, url = _node_config(folder, l1, accounts[1])
            command = [sys.executable, "-m", "sotto.cli", "node", "run", "--config", str(config)]
            node = children.enter_context(start("node", command, folder, _environment()))
            await _wait_for_node(url, node)
            await keys
            yield Stage(l1, url, web3, deployment, accounts, (anvil, node))
        finally:
            await web3.provider.disconnect()


async def _deploy(folder: Path, l1: str) -> Deployment:
    """Deploy by the script that every deployment uses, with a test token, into the demo's folder."""
    deployments = folder / "deployments"
    environment = _environment() | {"APE_FOUNDRY_HOST": l1, "SOTTO_DEPLOYMENTS": str(deployments)}
    command = [
        str(Path(sys.executable).with_name("ape")),
        "run",
        "deploy",
        "--network",
        "ethereum:local:foundry",
        "--test-token",
    ]
    with start("deploy", command, folder, environment, _SOURCE) as deploying:
        await deploying.wait(_DEPLOY_SECONDS)
    return read_deployment(deployments / f"{CHAIN_ID}.json")


def _node_config(folder: Path, l1: str, proposer: LocalAccount) -> tuple[Path, str]:
    key = folder / "proposer.key"
    key.touch(mode=0o600)
    key.write_text("0x" + bytes(proposer.key).hex())
    port = free_port()
    settings: dict[str, Any] = {
        "l1_url": l1,
        "deployment": str(folder / "deployments" / f"{CHAIN_ID}.json"),
        "database": f"sqlite:///{folder / 'node.db'}",
        "port": port,
        "proposer_key_file": str(key),
        "epoch_wait": 1.0,
        "poll_interval": 0.1,
        "requests_per_minute": 100_000,
        "log_format": "json",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    path = folder / "node.toml"
    path.write_text("\n".join([*lines, "[fees]", f"1 = {FEE}", ""]))
    return path, f"http://127.0.0.1:{port}"


def _environment() -> dict[str, str]:
    tools = _SOURCE / "tools" / "bin"
    programs = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {"PATH": programs, "SOLCX_BINARY_PATH": str(tools), "PYTHONUNBUFFERED": "1"}


def _funded_accounts(count: int) -> tuple[LocalAccount, ...]:
    """The accounts that every local development chain funds; their keys are public."""
    Account.enable_unaudited_hdwallet_features()
    return tuple(
        Account.from_mnemonic(_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}") for number in range(count)
    )


async def _wait_for_l1(web3: AsyncWeb3[Any], anvil: Child) -> None:
    async with _deadline("anvil", _ANVIL_SECONDS):
        while not await web3.is_connected():
            anvil.check()
            await asyncio.sleep(0.05)


async def _wait_for_node(url: str, node: Child) -> None:
    async with _deadline("the node", _NODE_SECONDS), httpx.AsyncClient(base_url=url) as http:
        while True:
            node.check()
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get("/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _deadline(what: str, seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise DemoError(f"{what} did not start within {seconds:.0f} s") from error

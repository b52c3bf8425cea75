"""A local chain with the contracts, for tests: anvil, and a deployment through web3 from forge's artefacts.

`ape run deploy` is what people use, and has tests of its own; this one starts in a second.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import rlp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3

from sotto.protocol.trees import genesis

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = Path(os.environ.get("FOUNDRY_OUT", ROOT / "out"))
SIZES = (4, 16)
PARAMETERS = {
    "anchorLife": 300,
    "clockWindow": 64,
    "provingWindow": 600,
    "forcedDeadline": 7200,
    "freezeTime": 50400,
}
# The accounts of anvil's public test mnemonic.
KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class LocalChain:
    """A running anvil with its process id."""

    url: str
    web3: Web3
    process_id: int

    def mine(self, blocks: int = 1) -> None:
        """Add empty blocks."""
        self.web3.provider.make_request("anvil_mine", [hex(blocks)])  # type: ignore[arg-type]

    def transactions(self, depth: int) -> list[bytes]:
        """The signed transactions of the last blocks, oldest first."""
        head = self.web3.eth.block_number
        return [
            bytes.fromhex(self.request("eth_getRawTransactionByHash", [digest.to_0x_hex()])[2:])
            for number in range(head - depth + 1, head + 1)
            for digest in cast(list[HexBytes], self.web3.eth.get_block(number)["transactions"])
        ]

    def reorganise(self, depth: int, transactions: Sequence[tuple[bytes, int]] = ()) -> None:
        """Replace the last blocks by as many new ones.

        Args:
            transactions: what the new blocks hold: signed transactions, each with the place of its block from
                0 on. One whose nonce does not fit is left out; whatever is not named is gone.
        """
        pairs = [["0x" + raw.hex(), place] for raw, place in transactions]
        self.request("anvil_reorg", [depth, pairs])

    def request(self, method: str, parameters: list[Any]) -> Any:
        """Result of a JSON-RPC request. Raises AssertionError with the chain's error."""
        answer = self.web3.provider.make_request(method, parameters)  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]


@contextmanager
def anvil(*arguments: str) -> Iterator[LocalChain]:
    """A new local chain that mines each transaction at once."""
    port = free_port()
    command = ["anvil", "--silent", "--hardfork", "prague", "--port", str(port), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        web3 = Web3(HTTPProvider(url))
        deadline = time.monotonic() + 20
        while not web3.is_connected():
            assert process.poll() is None, "anvil ended"
            assert time.monotonic() < deadline, "anvil does not answer"
            time.sleep(0.05)
        yield LocalChain(url, web3, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def build_contracts() -> None:
    """Compile the contracts; unchanged ones cost nothing."""
    subprocess.run(["forge", "build", "--skip", "test", "--quiet"], cwd=ROOT, check=True)


def deploy(
    chain: LocalChain,
    folder: Path,
    tokens: int = 0,
    parameters: dict[str, int] | None = None,
    sizes: Sequence[int] = SIZES,
) -> Path:
    """Deploy everything and write the deployment file.

    Args:
        tokens: so many test tokens are listed besides ETH.
        parameters: instead of the defaults of docs/spec/06-l1.md.
        sizes: lanes of the epochs that there are verifiers for.
    """
    web3, times = chain.web3, {**PARAMETERS, **(parameters or {})}
    deployer = web3.eth.accounts[0]
    contracts: dict[str, dict[str, Any]] = {}

    def create(name: str, source: str, contract: str, *arguments: Any) -> str:
        artefact = json.loads((OUT / f"{source}.sol/{contract}.json").read_text())
        factory = web3.eth.contract(abi=artefact["abi"], bytecode=artefact["bytecode"]["object"])
        transaction = factory.constructor(*arguments).transact({"from": deployer})
        receipt = web3.eth.wait_for_transaction_receipt(transaction)
        assert receipt["status"] == 1, name
        address = str(receipt["contractAddress"])
        contracts[name] = {"address": address, "block": receipt["blockNumber"]}
        return address

    verifiers = [create(f"DirectVerifier{n}", f"DirectVerifier{n}", f"DirectVerifier{n}") for n in sizes]
    nonce = web3.eth.get_transaction_count(deployer)
    queue, bridge, rollup = (_created(deployer, nonce + i) for i in range(3))
    create("L1Queue", "L1Queue", "L1Queue", bridge)
    create("Bridge", "Bridge", "Bridge", queue, rollup, deployer, 10**27)
    state, nobody = genesis(), "0x" + "00" * 20
    create(
        "Rollup",
        "Rollup",
        "Rollup",
        (queue, bridge, verifiers, nobody, nobody, state.hash(), state.anchor(), tuple(times.values())),
    )
    assert contracts["Rollup"]["address"] == rollup, "addresses follow from nonces"
    assets: list[dict[str, Any]] = [{"asset": 1, "address": None, "symbol": "ETH", "decimals": 18}]
    for asset in range(2, 2 + tokens):
        token = create(f"Token{asset}", "TestToken", "TestToken")
        abi = json.loads((OUT / "Bridge.sol/Bridge.json").read_text())["abi"]
        listing = web3.eth.contract(address=to_checksum_address(bridge), abi=abi).functions.listAsset(
            asset, token, 10**30
        )
        web3.eth.wait_for_transaction_receipt(listing.transact({"from": deployer}))
        assets.append({"asset": asset, "address": token, "symbol": "TUSD", "decimals": 6})
    path = folder / f"{web3.eth.chain_id}.json"
    path.write_text(
        json.dumps(
            {
                "chain_id": web3.eth.chain_id,
                "contracts": contracts,
                "parameters": times,
                "assets": assets,
            }
        )
    )
    return path


def _created(sender: str, nonce: int) -> str:
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])

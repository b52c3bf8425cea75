"""Deployment in half a second, through web3 from forge's artefacts.

`ape run deploy` is what people use, and has tests of its own.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import rlp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from sotto.protocol.trees import genesis
from sotto.testing.chain import SOURCE, LocalChain, tool_environment
from sotto.testing.errors import SandboxError

SIZES: Final = (4, 16)
BLOB_SIZES: Final = (16,)
PARAMETERS: Final = {
    "anchorLife": 300,
    "clockWindow": 64,
    "provingWindow": 600,
    "forcedDeadline": 7200,
    "freezeTime": 50400,
}
NOBODY: Final = "0x" + "00" * 20
_OUT: Final = Path(os.environ.get("FOUNDRY_OUT", SOURCE / "out"))
_ETH_CAP: Final = 10**27
_TOKEN_CAP: Final = 10**30
_MINT: Final = bytes.fromhex("40c10f19")


def require_source() -> None:
    """Raise SandboxError where there is only the package: contracts are deployed from the source tree."""
    if not (SOURCE / "contracts" / "core" / "Rollup.sol").exists():
        raise SandboxError(
            "contracts are deployed from the source tree, which the package alone does not have"
        )


def build_contracts() -> None:
    """Compile the contracts; unchanged ones cost a moment. Raises SandboxError."""
    require_source()
    command = ["forge", "build", "--skip", "test", "--quiet"]
    environment = tool_environment()
    try:
        done = subprocess.run(
            command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise SandboxError("forge is not installed: run `make setup`") from error
    if done.returncode:
        raise SandboxError(f"the contracts do not compile: {(done.stderr or done.stdout).strip()[-2000:]}")


def deploy(
    chain: LocalChain,
    folder: Path,
    tokens: int = 0,
    parameters: dict[str, int] | None = None,
    sizes: Sequence[int] = SIZES,
    proposer_policy: str = NOBODY,
    blob_sizes: Sequence[int] | None = None,
) -> Path:
    """Deploy everything and write the deployment file into a folder. Raises SandboxError.

    Args:
        tokens: so many test tokens, of 6 decimals, are listed besides ETH.
        parameters: instead of the defaults of docs/spec/06-l1.md.
        sizes: lanes of the epochs that there are verifiers for.
        proposer_policy: address of the contract that says who may commit; without one, commits need proofs.
        blob_sizes: lanes of the epochs with verifiers for data in a blob; None: for what `sizes` has of them.
    """
    web3, times = chain.web3, {**PARAMETERS, **(parameters or {})}
    deployer = web3.eth.accounts[0]
    contracts: dict[str, dict[str, Any]] = {}

    def create(name: str, source: str, contract: str, *arguments: Any) -> str:
        artefact = _artefact(source, contract)
        factory = web3.eth.contract(abi=artefact["abi"], bytecode=artefact["bytecode"]["object"])
        transaction = factory.constructor(*arguments).transact({"from": deployer})
        receipt = web3.eth.wait_for_transaction_receipt(transaction)
        if receipt["status"] != 1:
            raise SandboxError(f"{name} cannot be created")
        address = str(receipt["contractAddress"])
        contracts[name] = {"address": address, "block": receipt["blockNumber"]}
        return address

    if blob_sizes is None:
        blob_sizes = [lanes for lanes in BLOB_SIZES if lanes in sizes]
    names = [*(f"DirectVerifier{n}" for n in sizes), *(f"BlobVerifier{n}" for n in blob_sizes)]
    verifiers = [create(name, name, name) for name in names]
    exit_verifier = create("ExitVerifier", "ExitVerifier", "ExitVerifier")
    nonce = web3.eth.get_transaction_count(deployer)
    queue, bridge, way, rollup = (_created(deployer, nonce + i) for i in range(4))
    create("L1Queue", "L1Queue", "L1Queue", bridge, rollup, verifiers[0])
    create("Bridge", "Bridge", "Bridge", queue, rollup, way, deployer, _ETH_CAP)
    create("Exit", "Exit", "Exit", rollup, bridge, exit_verifier)
    state = genesis()
    create(
        "Rollup",
        "Rollup",
        "Rollup",
        (
            queue,
            bridge,
            verifiers,
            proposer_policy,
            NOBODY,
            state.hash(),
            state.anchor(),
            tuple(times.values()),
        ),
    )
    if contracts["Rollup"]["address"] != rollup:
        raise SandboxError("the deployer has sent other transactions meanwhile")
    assets: list[dict[str, Any]] = [{"asset": 1, "address": None, "symbol": "ETH", "decimals": 18}]
    abi = _artefact("Bridge", "Bridge")["abi"]
    for asset in range(2, 2 + tokens):
        token = create(f"Token{asset}", "TestToken", "TestToken")
        listing = web3.eth.contract(address=to_checksum_address(bridge), abi=abi).functions.listAsset(
            asset, token, _TOKEN_CAP
        )
        web3.eth.wait_for_transaction_receipt(listing.transact({"from": deployer}))
        functions = web3.eth.contract(
            address=to_checksum_address(token), abi=_artefact("TestToken", "TestToken")["abi"]
        ).functions
        symbol, decimals = functions.symbol().call(), functions.decimals().call()
        assets.append({"asset": asset, "address": token, "symbol": symbol, "decimals": decimals})
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


def mint(chain: LocalChain, token: str, receiver: str, value: int) -> None:
    """Give an L1 account test tokens, in smallest units."""
    data = _MINT + bytes.fromhex(receiver[2:]).rjust(32, b"\0") + value.to_bytes(32)
    transaction = chain.web3.eth.send_transaction(
        {"from": chain.web3.eth.accounts[0], "to": to_checksum_address(token), "data": data}
    )
    chain.web3.eth.wait_for_transaction_receipt(transaction)


def digest_sources() -> str:
    """Hex digest of all that decides how a deployed and funded chain looks: contracts, circuits, formats."""
    digest = hashlib.sha256()
    for path in _deciding_files():
        content = path.read_bytes()
        name = str(path.relative_to(SOURCE)).encode()
        digest.update(len(name).to_bytes(8) + name + len(content).to_bytes(8) + content)
    return digest.hexdigest()


def _deciding_files() -> Iterator[Path]:
    require_source()
    for folder, pattern in (
        ("contracts", "**/*.sol"),
        ("circuits", "**/*.go"),
        ("offchain/sotto/protocol", "*.py"),
        ("offchain/sotto/wallet", "*.py"),
        ("offchain/sotto/testing", "*.py"),
    ):
        yield from sorted(path for path in (SOURCE / folder).glob(pattern) if ".cache" not in path.parts)
    for name in ("foundry.toml", "package-lock.json", "circuits/go.sum"):
        yield SOURCE / name


def _artefact(source: str, contract: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_OUT / f"{source}.sol/{contract}.json").read_text())
    return found


def _created(sender: str, nonce: int) -> str:
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])

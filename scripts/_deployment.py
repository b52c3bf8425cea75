# ruff: noqa: N818 - an error is named by its cause, as in the rest of the project
"""What the scripts share: presets, the deployment file, and the checks of a deployment's wiring."""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import click
from eth_utils.conversions import to_bytes
from eth_utils.crypto import keccak

from ape import project
from sotto.protocol import l1
from sotto.protocol.words import DataMode

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "deployments"
LOCAL_CHAINS: Final = frozenset({31337, 1337})
PARAMETERS: Final = ("anchorLife", "clockWindow", "provingWindow", "forcedDeadline", "freezeTime")
VERIFIERS: Final = {
    "DirectVerifier4": (4, DataMode.CALLDATA),
    "DirectVerifier16": (16, DataMode.CALLDATA),
    "BlobVerifier16": (16, DataMode.BLOB),
}
"""The fixed set in the rollup's order, with lanes and data mode. The queue uses the first one."""
CLIENT_VERIFIER: Final = next(iter(VERIFIERS))
ETH_ASSET: Final = 1
NOBODY: Final = "0x" + "00" * 20


class ScriptError(click.ClickException):
    """A cause that the user can do something about; shown in one line, with the name of its class."""

    def format_message(self) -> str:
        return f"{type(self).__name__}: {self.message}"


class PresetInvalid(ScriptError):
    """deployments/presets.json lacks something or is malformed."""


class DeploymentMissing(ScriptError):
    """There is no deployment file for the chain."""


class DeploymentStale(ScriptError):
    """The deployment file does not fit the chain."""


class WiringMismatch(ScriptError):
    """A contract says something else than the file or the specification."""


class LocalKeysRefused(ScriptError):
    """The verifiers hold insecure local keys, and the chain is not local."""


@dataclass(frozen=True)
class TokenListing:
    """An ERC-20 to list, and its cap in the smallest unit."""

    address: str
    cap: int


@dataclass(frozen=True)
class Preset:
    """Parameters of a deployment: times in L1 blocks, caps in the smallest unit."""

    parameters: dict[str, int]
    eth_cap: int
    tokens: list[TokenListing]


def folder() -> Path:
    """Where deployment files lie; SOTTO_DEPLOYMENTS moves it."""
    return Path(os.environ.get("SOTTO_DEPLOYMENTS", FOLDER))


def deployment_path(chain_id: int) -> Path:
    """File of the deployment on a chain."""
    return folder() / f"{chain_id}.json"


def read_preset(chain_id: int) -> Preset:
    """Preset of a chain, or the default one. Raises PresetInvalid."""
    try:
        presets = json.loads((FOLDER / "presets.json").read_text())
        chosen = presets.get(str(chain_id), presets["default"])
        preset = Preset(
            {name: int(chosen["parameters"][name]) for name in PARAMETERS},
            int(chosen["ethCap"]),
            [TokenListing(token["address"], int(token["cap"])) for token in chosen["tokens"]],
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise PresetInvalid(f"deployments/presets.json, chain {chain_id}: {cause}") from error
    # Epochs that no proof exists for may hold up the queue for so long (ADR 0008): nobody is to freeze then.
    held_up = preset.parameters["forcedDeadline"] + 2 * preset.parameters["provingWindow"]
    if preset.parameters["freezeTime"] <= held_up:
        raise PresetInvalid(
            f"deployments/presets.json, chain {chain_id}: freezeTime must be above {held_up} blocks, "
            "which is forcedDeadline + 2 * provingWindow"
        )
    return preset


def read_deployment(chain_id: int) -> dict[str, Any] | None:
    """The deployment file of a chain, or None. Raises DeploymentStale if it is no such file."""
    path = deployment_path(chain_id)
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        if found["chain_id"] != chain_id:
            raise DeploymentStale(f"{path} is of chain {found['chain_id']}")
        missing = {"contracts", "keys", "parameters", "assets"} - set(found)
        if missing:
            raise DeploymentStale(f"{path} lacks {', '.join(sorted(missing))}: move it away")
    except (ValueError, LookupError, TypeError) as error:
        raise DeploymentStale(f"{path} is no deployment file: move it away") from error
    return found


def require_deployment(provider: Any) -> dict[str, Any]:
    """The deployment on the connected chain. Raises DeploymentMissing, DeploymentStale."""
    chain_id = provider.chain_id
    found = read_deployment(chain_id)
    if found is None:
        raise DeploymentMissing(f"no deployment on chain {chain_id}: run `ape run deploy` first")
    stale = missing_code(provider, found)
    if stale:
        raise DeploymentStale(f"{deployment_path(chain_id)} names {', '.join(stale)}, absent from this chain")
    return found


def write_deployment(deployment: dict[str, Any]) -> Path:
    """Write the file at once, so that a killed run leaves the old one or the new one."""
    path = deployment_path(deployment["chain_id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".json.tmp")
    draft.write_text(json.dumps(deployment, indent=2) + "\n")
    draft.replace(path)
    return path


def code_hash(provider: Any, address: str) -> str:
    """keccak256 of the code at an address, 0x hex."""
    return "0x" + keccak(bytes(provider.web3.eth.get_code(address))).hex()


@cache
def compile_contracts() -> None:
    """Compile everything when any source changed since the last time.

    ape alone compiles only changed files, and would deploy a verifier with the keys that it imported before.
    """
    sources = sorted(path for path in project.contracts_folder.rglob("*.sol") if ".cache" not in path.parts)
    digest = keccak(
        b"".join(keccak(str(path).encode()) + keccak(path.read_bytes()) for path in sources)
    ).hex()
    stamp = project.manifest_path.with_name("compiled-sources")
    if stamp.exists() and stamp.read_text() == digest:
        return
    stamp.unlink(missing_ok=True)
    project.load_contracts(use_cache=False)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest)


@cache
def container(name: str) -> Any:
    """A contract of the project, kept: at each access ape looks for changed sources and may compile."""
    compile_contracts()
    return getattr(project, name)


def contract_at(deployment: dict[str, Any], name: str) -> Any:
    """The deployed contract of a name, through ape."""
    return container(name).at(deployment["contracts"][name]["address"])


def token_at(address: str) -> Any:
    """An ERC-20 with metadata and permits."""
    return container("TestToken").at(address, fetch_from_explorer=False)


def missing_code(provider: Any, deployment: dict[str, Any]) -> list[str]:
    """Names of contracts whose code is absent or another one than was deployed."""
    return [
        name
        for name, entry in deployment["contracts"].items()
        if code_hash(provider, entry["address"]) != entry["code_hash"]
    ]


def check_wiring(deployment: dict[str, Any]) -> None:
    """Compare what the contracts say of each other with the file and with the specification.

    Raises WiringMismatch, which names the first difference.
    """
    names = ("Rollup", "Bridge", "L1Queue", "Exit", "ExitVerifier")
    missing = {*names, *VERIFIERS} - set(deployment["contracts"])
    if missing:
        raise WiringMismatch(f"the deployment has no {', '.join(sorted(missing))}: it is of another release")
    rollup, bridge, queue, way, exits = (contract_at(deployment, name) for name in names)
    address = {name: entry["address"] for name, entry in deployment["contracts"].items()}

    def expect(what: str, actual: object, expected: object) -> None:
        if actual != expected:
            raise WiringMismatch(f"{what} is {actual}, expected {expected}")

    expect("rollup of the bridge", bridge.rollup(), address["Rollup"])
    expect("queue of the bridge", bridge.queue(), address["L1Queue"])
    expect("bridge of the rollup", rollup.bridge(), address["Bridge"])
    expect("queue of the rollup", rollup.queue(), address["L1Queue"])
    expect("bridge of the queue", queue.bridge(), address["Bridge"])
    expect("rollup of the queue", queue.rollup(), address["Rollup"])
    expect("verifier of the queue", queue.verifier(), address[CLIENT_VERIFIER])
    expect("exit of the bridge", bridge.exit(), address["Exit"])
    expect("rollup of the exit", way.rollup(), address["Rollup"])
    expect("bridge of the exit", way.bridge(), address["Bridge"])
    expect("verifier of the exit", way.verifier(), address["ExitVerifier"])
    expect("keys of ExitVerifier", exit_key_entry(exits), deployment["keys"]["ExitVerifier"])
    expect("proposer policy", rollup.proposerPolicy(), address.get("ProposerList", NOBODY))
    expect("set of verifiers", list(rollup.verifiers()), [address[name] for name in VERIFIERS])
    for name, (lanes, mode) in VERIFIERS.items():
        verifier = contract_at(deployment, name)
        expect(f"lanes of {name}", verifier.laneCount(), lanes)
        expect(f"lanes of {name} in the rollup", rollup.laneCount(verifier.address), lanes)
        expect(f"data mode of {name}", verifier.dataMode(), mode)
        expect(f"data mode of {name} in the rollup", rollup.dataMode(verifier.address), mode)
        expect(f"keys of {name}", key_entry(verifier), deployment["keys"][name])
    times = rollup.parameters()
    for name, expected in deployment["parameters"].items():
        expect(name, getattr(times, name), expected)
    domain = l1.compute_domain(deployment["chain_id"], to_bytes(hexstr=rollup.address))
    expect("domain", rollup.domain(), domain)
    genesis = l1.genesis_record(deployment["contracts"]["Rollup"]["block"])
    expect("record of genesis", bytes(rollup.epochs(0)).hex(), genesis.hash().hex())
    for asset in deployment["assets"]:
        listed = bridge.assets(asset["asset"]).token if asset["address"] else None
        expect(f"token of asset {asset['asset']}", listed, asset["address"])
        expect(f"listing of asset {asset['asset']}", bridge.isListed(asset["asset"]), True)


def key_entry(verifier: Any) -> dict[str, object]:
    """What the deployment file keeps of a verifier's keys: hashes that name the circuits."""
    transfer, rollup = verifier.circuitHashes()
    return {
        "transfer": "0x" + bytes(transfer).hex(),
        "rollup": "0x" + bytes(rollup).hex(),
        "local": verifier.localKeys(),
    }


def exit_key_entry(verifier: Any) -> dict[str, object]:
    """Likewise for the verifier of exits."""
    return {"exit": "0x" + bytes(verifier.circuitHash()).hex(), "local": verifier.localKeys()}

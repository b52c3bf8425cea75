"""The file `deployments/<chain id>.json`: addresses, parameters and listed assets of one deployment."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sotto.l1.errors import DeploymentInvalid
from sotto.protocol.words import DataMode, Layout


def _checksum(value: str) -> ChecksumAddress:
    if not is_address(value):
        raise ValueError(f"{value!r} is no address")
    return to_checksum_address(value)


VERIFIER_NAMES: Final = {DataMode.CALLDATA: "DirectVerifier", DataMode.BLOB: "BlobVerifier"}
"""Beginning of a verifier's name; its number of lanes follows."""

Address = Annotated[ChecksumAddress, AfterValidator(_checksum)]


class DeployedContract(BaseModel):
    """Where a contract is, the L1 block that created it, and keccak256 of its code as 0x hex."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    address: Address
    block: int = Field(ge=0)
    code_hash: str | None = None


class ListedAsset(BaseModel):
    """An asset that the bridge takes. ETH has asset 1 and no address."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    asset: int = Field(gt=0, lt=2**64)
    address: Address | None = None
    symbol: str
    decimals: int = Field(ge=0, le=77)


class Deployment(BaseModel):
    """One deployment.

    `DirectVerifier<N>` is the verifier for epochs of N lanes, `BlobVerifier<N>` that for those of them that
    have their data words in a blob.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    chain_id: int = Field(gt=0)
    contracts: dict[str, DeployedContract]
    parameters: dict[str, Any] = {}
    assets: tuple[ListedAsset, ...]

    def address(self, name: str) -> ChecksumAddress:
        """Address of a contract. Raises DeploymentInvalid if the file does not have it."""
        return self._contract(name).address

    def block(self, name: str) -> int:
        """L1 block of a contract's creation. Raises DeploymentInvalid if the file does not have it."""
        return self._contract(name).block

    def verifiers(self) -> dict[Layout, ChecksumAddress]:
        """Address of each verifier, smallest first."""
        found = {
            Layout(int(name.removeprefix(prefix)), data_mode): contract.address
            for data_mode, prefix in VERIFIER_NAMES.items()
            for name, contract in self.contracts.items()
            if name.startswith(prefix) and name.removeprefix(prefix).isdigit()
        }
        return dict(sorted(found.items()))

    def _contract(self, name: str) -> DeployedContract:
        if name not in self.contracts:
            raise DeploymentInvalid(f"the deployment has no contract {name}")
        return self.contracts[name]


def read_deployment(path: Path) -> Deployment:
    """Read a deployment file. Raises DeploymentInvalid with the cause."""
    try:
        return Deployment.model_validate(json.loads(path.read_text()))
    except OSError as error:
        raise DeploymentInvalid(
            f"{path} cannot be read: {error.strerror}; run `ape run deploy` first"
        ) from error
    except (ValueError, ValidationError) as error:
        raise DeploymentInvalid(f"{path} is no deployment file: {error}") from error

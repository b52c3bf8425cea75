"""Scripts run in the process of the tests, on the chain that `ape test` started."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts import _deployment as d
from scripts import deploy as deploy_script

from ape import networks
from sotto.protocol.address import Address, encode_address
from sotto.protocol.keys import derive
from sotto.protocol.l1 import compute_domain

ROOT = Path(__file__).resolve().parents[2]
OPTIONS: dict[str, Any] = {
    "alias": None,
    "owner": None,
    "proposers": (),
    "tokens": (),
    "test_token": False,
    "fresh": False,
}


def run_deploy(**options: Any) -> dict[str, Any]:
    """`ape run deploy` with options, on the connected chain; the file that it leaves."""
    deploy_script.cli.callback(**{**OPTIONS, **options})
    found = d.read_deployment(networks.provider.chain_id)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of deployment files, for all scripts of the session."""
    folder = tmp_path_factory.mktemp("deployments")
    os.environ["SOTTO_DEPLOYMENTS"] = str(folder)
    yield folder
    del os.environ["SOTTO_DEPLOYMENTS"]


@pytest.fixture
def own_folder(deployments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of deployment files."""
    monkeypatch.setenv("SOTTO_DEPLOYMENTS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def deployment(deployments: Path) -> dict[str, Any]:
    """A deployment with a test token, shared by a module."""
    return run_deploy(test_token=True)


def address_on(deployment: dict[str, Any], seed: bytes = b"somebody") -> str:
    """A Sotto address for a deployment."""
    rollup = bytes.fromhex(deployment["contracts"]["Rollup"]["address"][2:])
    domain = compute_domain(deployment["chain_id"], rollup)
    viewing = derive(seed * 8, domain).viewing
    return encode_address(Address(viewing.owner, viewing.incoming_public), domain)

"""The doctor in front of a real chain."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from eth_utils.crypto import keccak
from tests.integration.node.conftest import Stage
from tests.support.chain import KEYS

from sotto.l1.archive import ArchiveHeader
from sotto.l1.deployment import read_deployment
from sotto.node.config import NodeConfig
from sotto.node.doctor import Doctor, Level
from sotto.protocol.field import Field
from sotto.protocol.l1 import compute_domain
from sotto.protocol.words import Layout


async def levels(stage: Stage, folder: Path, **settings: object) -> dict[str, Level]:
    """Level of each check."""
    values = {
        "deployment": stage.deployment,
        "l1_url": stage.chain.url,
        "database": f"sqlite:///{folder / 'node.db'}",
        "proposer_key": KEYS[1],
        "port": 0,
    }
    doctor = Doctor(NodeConfig.model_validate({**values, **settings}))
    return {finding.check: finding.level async for finding in doctor.findings()}


async def test_a_deployment_is_checked_down_to_its_code(stage: Stage, tmp_path: Path) -> None:
    found = await levels(stage, tmp_path)
    assert found["contracts"] is Level.WARN  # this deployment file has no hashes
    for check in ("L1", "clock", "policy", "verifiers", "account", "database"):
        assert found[check] is Level.OK, check

    content = json.loads(stage.deployment.read_text())
    for contract in content["contracts"].values():
        code = stage.chain.web3.eth.get_code(contract["address"])
        contract["code_hash"] = "0x" + keccak(code).hex()
    stage.deployment.write_text(json.dumps(content))
    assert (await levels(stage, tmp_path))["contracts"] is Level.OK

    poor = await levels(stage, tmp_path, proposer_key="0x" + "42" * 32)
    assert poor["account"] is Level.FAIL
    verifiers = read_deployment(stage.deployment).verifiers()
    code = stage.chain.web3.eth.get_code(verifiers[Layout(4)])
    stage.chain.request("anvil_setCode", [verifiers[Layout(16)], "0x" + code.hex()])
    changed = await levels(stage, tmp_path)
    assert changed["contracts"] is Level.FAIL

    archive, other = tmp_path / "archive", tmp_path / "other"
    rollup = bytes.fromhex(read_deployment(stage.deployment).address("Rollup")[2:])
    domain = compute_domain(stage.chain.web3.eth.chain_id, rollup)
    archive.write_bytes(ArchiveHeader(domain, 1, 7, Field(5)).encode())
    other.write_bytes(ArchiveHeader(domain + 1, 1, 7, Field(5)).encode())
    url, port = stage.chain.url, urlsplit(stage.chain.url).netloc
    sources = await levels(stage, tmp_path, beacon=[url], blob_node=[url], archive_file=[archive, other])
    assert sources[f"beacon API {port}"] is sources[f"archive {archive}"] is Level.OK
    assert sources[f"node {port}"] is Level.WARN
    assert sources[f"archive {other}"] is Level.FAIL

    content["chain_id"] = 1
    stage.deployment.write_text(json.dumps(content))
    elsewhere = await levels(stage, tmp_path)
    assert elsewhere["L1"] is Level.FAIL
    assert "contracts" not in elsewhere

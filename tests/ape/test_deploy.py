"""`ape run deploy`: what it makes, what it leaves alone, and what it refuses."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scripts import _deployment as d
from web3 import HTTPProvider, Web3

from ape import accounts, networks, project
from conftest import ROOT, run_deploy
from sotto.l1.deployment import read_deployment
from sotto.protocol.l1 import compute_domain, genesis_record
from sotto.protocol.words import DataMode, Layout


@contextmanager
def running_anvil(*arguments: str) -> Iterator[str]:
    """URL of another chain."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(["anvil", "--silent", "--hardfork", "prague", "--port", str(port), *arguments])
    try:
        url = f"http://127.0.0.1:{port}"
        web3 = Web3(HTTPProvider(url))
        deadline = time.monotonic() + 30
        while not web3.is_connected():
            assert time.monotonic() < deadline, "anvil does not answer"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def ape_run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script as users start it."""
    command = [str(Path(sys.executable).with_name("ape")), "run", *arguments]
    env = os.environ | {"SOTTO_DEPLOYMENTS": str(folder), **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)


def test_the_file_is_what_node_and_wallet_read(deployment: dict[str, Any]) -> None:
    read = read_deployment(d.deployment_path(deployment["chain_id"]))
    names = {"DirectVerifier4", "DirectVerifier16", "BlobVerifier16", "ExitVerifier"}
    assert set(read.contracts) == names | {"L1Queue", "Bridge", "Exit", "Rollup"}
    assert list(read.verifiers()) == [Layout(4), Layout(16), Layout(16, DataMode.BLOB)]
    assert [(a.asset, a.symbol, a.decimals) for a in read.assets] == [(1, "ETH", 18), (2, "TUSD", 6)]
    assert read.parameters["anchorLife"] == 300
    rollup = d.container("Rollup").at(read.address("Rollup"))
    assert rollup.domain() == compute_domain(read.chain_id, bytes.fromhex(read.address("Rollup")[2:]))
    assert bytes(rollup.epochs(0)) == genesis_record(read.block("Rollup")).hash()
    assert all(entry["local"] for entry in deployment["keys"].values())


def test_a_freeze_that_garbage_could_bring_about_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = json.loads((d.FOLDER / "presets.json").read_text())
    monkeypatch.setattr(d, "FOLDER", tmp_path)
    for freeze_time, refused in ((8_400, True), (8_401, False)):
        presets["default"]["parameters"]["freezeTime"] = freeze_time
        (tmp_path / "presets.json").write_text(json.dumps(presets))
        if refused:
            with pytest.raises(d.PresetInvalid, match="above 8400 blocks"):
                d.read_preset(1)
        else:
            assert d.read_preset(1).parameters["freezeTime"] == freeze_time


def test_repeating_checks_and_changes_nothing(
    deployment: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    block = networks.provider.web3.eth.block_number
    assert run_deploy(test_token=True) == deployment
    assert "already deployed" in capsys.readouterr().out
    assert networks.provider.web3.eth.block_number == block


def test_an_interrupted_run_leaves_no_file_and_the_next_one_starts_afresh(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_deployment: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(d, "check_wiring", killed)
        with pytest.raises(KeyboardInterrupt):
            run_deploy()
    assert list(own_folder.iterdir()) == []
    run_deploy()
    assert [path.name for path in own_folder.iterdir()] == [f"{networks.provider.chain_id}.json"]


def test_a_restarted_local_chain_gets_a_new_deployment(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_deploy()
    networks.provider.web3.provider.make_request(
        "anvil_setCode", [first["contracts"]["Bridge"]["address"], "0x"]
    )
    second = run_deploy()
    assert "restarted" in capsys.readouterr().out
    assert second["contracts"] != first["contracts"]


def test_a_file_that_fits_no_public_chain_is_refused(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_deploy()
    networks.provider.web3.provider.make_request(
        "anvil_setCode", [first["contracts"]["Rollup"]["address"], "0x"]
    )
    monkeypatch.setattr(d, "LOCAL_CHAINS", frozenset())
    with pytest.raises(d.DeploymentStale, match="Rollup"):
        run_deploy()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"chain_id": 5}', '{"chain_id": 31337}'])
def test_a_damaged_file_is_named(own_folder: Path, content: str) -> None:
    d.deployment_path(networks.provider.chain_id).write_text(content)
    with pytest.raises(d.DeploymentStale):
        run_deploy()


def test_wrong_wiring_is_named(deployment: dict[str, Any]) -> None:
    wrong = json.loads(json.dumps(deployment))
    wrong["parameters"]["anchorLife"] = 299
    with pytest.raises(d.WiringMismatch, match="anchorLife is 300, expected 299"):
        d.check_wiring(wrong)
    wrong = json.loads(json.dumps(deployment))
    wrong["contracts"]["Rollup"]["block"] += 1
    with pytest.raises(d.WiringMismatch, match="record of genesis"):
        d.check_wiring(wrong)
    wrong = json.loads(json.dumps(deployment))
    wrong["keys"]["DirectVerifier4"]["rollup"] = "0x" + "00" * 32
    with pytest.raises(d.WiringMismatch, match="keys of DirectVerifier4"):
        d.check_wiring(wrong)
    wrong = json.loads(json.dumps(deployment))
    contracts = wrong["contracts"]
    contracts["BlobVerifier16"], contracts["DirectVerifier16"] = (
        contracts["DirectVerifier16"],
        contracts["BlobVerifier16"],
    )
    with pytest.raises(d.WiringMismatch, match="set of verifiers"):
        d.check_wiring(wrong)
    wrong = json.loads(json.dumps(deployment))
    del wrong["contracts"]["BlobVerifier16"]
    with pytest.raises(d.WiringMismatch, match="no BlobVerifier16"):
        d.check_wiring(wrong)


def test_tokens_are_checked_before_the_first_transaction(own_folder: Path) -> None:
    from scripts.deploy import TokenUnusable

    nonce = accounts.test_accounts[0].nonce
    for token in ("0x1234", "0x" + "11" * 20, "0x" + "11" * 20 + "=many"):
        with pytest.raises(TokenUnusable):
            run_deploy(tokens=(token,))
    with pytest.raises(TokenUnusable):
        run_deploy(test_token=True, owner=accounts.test_accounts[1].address)
    assert accounts.test_accounts[0].nonce == nonce


def test_a_changed_source_compiles_all_that_imports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = project.manifest_path.with_name("compiled-sources")
    known, calls = stamp.read_text(), []
    monkeypatch.setattr(type(project), "load_contracts", lambda _, **options: calls.append(options))
    for content, expected in ((known, 0), ("other", 1)):
        stamp.write_text(content)
        d.compile_contracts.cache_clear()
        d.compile_contracts()
        assert calls == [{"use_cache": False}] * expected
    assert stamp.read_text() == known


def test_another_owner_gets_the_bridge(own_folder: Path) -> None:
    owner = accounts.test_accounts[1]
    made = run_deploy(owner=owner.address)
    bridge = d.contract_at(made, "Bridge")
    assert bridge.owner() == owner.address
    bridge.setCap(1, 5, sender=owner)
    assert bridge.assets(1).cap == 5


def test_named_proposers_may_commit(own_folder: Path) -> None:
    owner, proposer = accounts.test_accounts[1].address, accounts.test_accounts[2].address
    made = run_deploy(owner=owner, proposers=(proposer.lower(),))
    policy = d.contract_at(made, "ProposerList")
    assert d.contract_at(made, "Rollup").proposerPolicy() == policy.address
    assert (policy.owner(), policy.isListed(proposer), policy.isListed(owner)) == (owner, True, False)
    wrong = json.loads(json.dumps(made))
    del wrong["contracts"]["ProposerList"]
    with pytest.raises(d.WiringMismatch, match="proposer policy"):
        d.check_wiring(wrong)


def test_proposers_are_checked_before_the_first_transaction(own_folder: Path) -> None:
    from scripts.deploy import ProposerInvalid

    nonce = accounts.test_accounts[0].nonce
    with pytest.raises(ProposerInvalid):
        run_deploy(proposers=("0x1234",))
    assert accounts.test_accounts[0].nonce == nonce


def test_a_running_chain_gets_a_deployment_by_its_address(tmp_path: Path) -> None:
    with running_anvil() as url:
        done = ape_run(tmp_path, "deploy", "--test-token", APE_FOUNDRY_HOST=url)
        assert done.returncode == 0, done.stdout + done.stderr
        made = read_deployment(tmp_path / "31337.json")
        web3 = Web3(HTTPProvider(url))
        assert all(web3.eth.get_code(contract.address) for contract in made.contracts.values())


def test_local_keys_are_refused_on_sepolia_before_any_transaction(tmp_path: Path) -> None:
    with running_anvil("--chain-id", "11155111") as url:
        done = ape_run(tmp_path, "deploy", "--account", "TEST::0", APE_FOUNDRY_HOST=url)
        assert done.returncode == 1
        assert "LocalKeysRefused" in done.stdout + done.stderr
        assert Web3(HTTPProvider(url)).eth.block_number == 0
    assert list(tmp_path.iterdir()) == []


def test_a_fork_of_a_running_chain(own_folder: Path) -> None:
    with running_anvil() as url:
        upstream = Web3(HTTPProvider(url))
        token_type = d.container("TestToken").contract_type
        factory = upstream.eth.contract(
            abi=[abi.model_dump(by_alias=True) for abi in token_type.abi],
            bytecode=token_type.deployment_bytecode.bytecode,
        )
        sender = upstream.eth.accounts[0]
        receipt = upstream.eth.wait_for_transaction_receipt(factory.constructor().transact({"from": sender}))
        token = receipt["contractAddress"]
        holder = accounts.test_accounts[3]
        minting = upstream.eth.contract(address=token, abi=factory.abi).functions.mint(holder.address, 777)
        upstream.eth.wait_for_transaction_receipt(minting.transact({"from": sender}))
        upstream.provider.make_request("anvil_mine", [hex(20)])
        block = upstream.eth.block_number

        fork = {"fork": {"ethereum": {"devnet": {"upstream_provider": url}}}}
        with networks.parse_network_choice("ethereum:devnet-fork:foundry", provider_settings=fork):
            assert networks.provider.web3.eth.block_number == block
            made = run_deploy(tokens=(f"{token}=1000",))
            assert made["assets"][1]["address"] == token
            bridge, own = d.contract_at(made, "Bridge"), d.token_at(token)
            assert own.balanceOf(holder) == 777
            own.approve(bridge, 777, sender=holder)
            bridge.deposit(2, 777, 1, bytes(93), sender=holder)
            assert bridge.assets(2).liabilities == own.balanceOf(bridge) == 777
            bridge.depositETH(1, bytes(93), value=10**18, sender=holder)
        assert upstream.eth.block_number == block, "the chain behind the fork is untouched"
        assert not upstream.eth.get_code(made["contracts"]["Bridge"]["address"])

"""A follower and a prover that know an address and an L1 endpoint, beside a node that makes epochs."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account
from tests.integration.node.conftest import STRANGER, SplitStage, prove, prove_once
from tests.support.chain import KEYS
from tests.support.follower import FollowerProcess
from tests.support.node import wait_until
from web3.exceptions import Web3Exception

from sotto.l1.deployment import read_deployment
from sotto.l1.errors import ContractRejected
from sotto.l1.interface import load, rejection

pytestmark = pytest.mark.slow

RANGES = ("/v1/state", "/v1/notes?start=0&count=256", "/v1/epochs", "/v1/assets")


@pytest.fixture
def follower(split: SplitStage, tmp_path: Path) -> Iterator[FollowerProcess]:
    """A follower that has not started."""
    process = FollowerProcess(tmp_path, split.chain.url, read_deployment(split.deployment).address("Rollup"))
    yield process
    process.close()


def assert_same(split: SplitStage, follower: FollowerProcess) -> None:
    """The follower serves what the node serves."""
    proven = split.l1_status()[1]
    wait_until(lambda: follower.get("/v1/status")["proven"] == proven)
    for path in RANGES[1:]:
        assert follower.get(path) == split.node.get(path), path
    ours, theirs = follower.get("/v1/state"), split.node.get("/v1/state")
    assert ours["proven"] == theirs["proven"]


def refuses_theft(split: SplitStage, l1_tx: str) -> None:
    """The calldata of a proof, with another beneficiary, is refused where the original one was taken."""
    web3: Any = split.chain.web3
    sent = web3.eth.get_transaction(l1_tx)
    contract = web3.eth.contract(address=sent["to"], abi=load("Rollup"))
    function, arguments = contract.decode_function_input(sent["input"])
    assert arguments["beneficiary"] == STRANGER.address
    stolen = dict(arguments) | {"beneficiary": Account.from_key(KEYS[1]).address}
    before = sent["blockNumber"] - 1
    call = {"from": web3.eth.accounts[1], "to": sent["to"]}
    web3.eth.call({**call, "data": sent["input"]}, before)
    data = contract.encode_abi(function.fn_name, kwargs=stolen)
    with pytest.raises(Web3Exception) as caught:
        web3.eth.call({**call, "data": data}, before)
    refused = rejection(caught.value)
    assert isinstance(refused, ContractRejected)
    assert refused.name == "ProofInvalid"


def test_a_stranger_proves_and_a_follower_serves_what_l1_has(
    split: SplitStage, follower: FollowerProcess
) -> None:
    node = split.node.start()
    split.withhold_proofs()
    queued = split.scenario.deposit(split.scenario.users[0], 10**15)
    split.deposit(queued)
    split.wait_for_l1(1, 0)
    [proven] = prove_once(split)
    assert proven["epoch"] == 1
    split.wait_for_l1(1, 1)
    refuses_theft(split, proven["l1_tx"])
    split.follow([queued])

    follower.start()
    assert_same(split, follower)
    before = split.chain.request("evm_snapshot", [])
    body = prove(split.pay())
    h = node.post([body]).json()["ids"][0]
    # A commit may be false: the follower shows that there is one, and no more.
    split.wait_for_l1(2, 1)
    wait_until(lambda: follower.get("/v1/status")["head"] == 2)
    assert follower.get("/v1/status")["proven"] == 1
    refused = httpx.post(follower.url + "/v1/transactions", json={"transactions": [body]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FollowsOnly")
    follower.end()
    # The node's own proof comes first this time.
    split.endpoint.heal()
    split.wait_for_l1(2, 2)
    assert prove_once(split) == []
    follower.start()
    assert_same(split, follower)
    assert follower.get(f"/v1/transactions/{h}")["status"] == "proven"

    # L1 loses the epoch, and gets it again.
    split.chain.request("evm_revert", [before])
    split.chain.mine(2)
    split.wait_for_l1(2, 2)
    wait_until(lambda: node.get("/v1/status")["proven"] == 2)
    assert_same(split, follower)
    assert "L1 reorganised" in follower.log()
    assert follower.end(signal.SIGTERM) == 0

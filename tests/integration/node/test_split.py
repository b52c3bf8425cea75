"""Epochs committed before they are proven: killed in between, lost by L1, pruned."""

import re
from typing import Any

import pytest
from tests.integration.node.conftest import FAR, PROVING_WINDOW, SplitStage, prove
from tests.support.node import NodeProcess, wait_until

pytestmark = pytest.mark.slow


def test_killed_between_commit_and_proof_and_robbed_of_either_it_settles_once(split: SplitStage) -> None:
    node = split.node
    split.start(3)
    before_commit = split.chain.request("evm_snapshot", [])
    split.withhold_proofs()
    first = split.pay()
    h = split.send(first)
    split.wait_for_l1(2, 1)
    wait_until(lambda: split.status(h) == "committed")
    # Another epoch is committed behind the pending one.
    second = split.pay()
    split.send(second)
    split.wait_for_l1(3, 1)
    node.kill()
    split.endpoint.heal()
    node.start()
    split.follow([first])
    split.follow([second])
    assert split.l1_status() == (3, 3)
    assert split.status(h) == "proven"

    # L1 loses proofs and commits: both come again, in the same order.
    split.chain.request("evm_revert", [before_commit])
    split.chain.mine(2)
    wait_until(lambda: "L1 reorganised" in node.log())
    split.wait_for_l1(3, 3)
    wait_until(lambda: split.status(h) == "proven")
    assert node.get("/v1/epochs", start=2, count=1)[0]["record_hash"] == split.l1_record_hash(2)

    # L1 loses a proof alone.
    split.withhold_proofs()
    third = split.pay()
    h = split.send(third)
    split.wait_for_l1(4, 3)
    after_commit = split.chain.request("evm_snapshot", [])
    split.endpoint.heal()
    split.wait_for_l1(4, 4)
    wait_until(lambda: split.status(h) == "proven")
    split.chain.request("evm_revert", [after_commit])
    split.chain.mine(1)
    wait_until(lambda: node.log().count("L1 reorganised") >= 2)
    split.wait_for_l1(4, 4)
    split.follow([third])


def test_a_pruned_epoch_comes_again_and_of_two_spends_of_a_note_one_lands(split: SplitStage) -> None:
    node = split.node
    split.start(2)
    assert split.prune()["error"]["code"] == "NothingPending"
    split.withhold_proofs()
    payer = split.scenario.users[0]
    one, two = split.scenario.spendable(payer)
    payee = split.scenario.users[1]
    old, other, again = (
        split.scenario.pay(payer, [split.scenario.take(note)], payee, 1000, expiry=FAR)
        for note in (one, two, one)
    )
    split.send(old)
    other_id = split.send(other)
    wait_until(lambda: split.l1_status()[0] >= 2 and split.status(other_id) == "committed")
    # With its proof the node would rather prove late than prune.
    wait_until(lambda: re.search(r"epoch proof made .*epoch=2\b", node.log()))
    split.deposit(split.scenario.deposit(payer, 10**15))
    assert split.prune()["error"]["code"] == "DeadlineAhead"
    split.chain.mine(PROVING_WINDOW + 1)
    pruned = split.prune()
    assert pruned["first"] == 2
    wait_until(lambda: any(entry.get("reason") == "pruned" for entry in entries(node)))
    # What the prune gave back is before what comes now: the note has its spend.
    refused = node.post([prove(again)])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "NullifierKnown")

    # The proposer loses its database, and the wallets send in another order.
    node.kill()
    for file in node.folder.glob("node.db*"):
        file.unlink()
    wait_until(lambda: split.l1_status()[1] == 1)
    if split.l1_status()[0] > 1:
        split.chain.mine(PROVING_WINDOW + 1)
        split.prune()
    split.endpoint.heal()
    node.start()
    again_id = split.send(again)
    other_id = split.send(other)
    refused = node.post([prove(old)])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "NullifierKnown")
    wait_until(lambda: {split.status(again_id), split.status(other_id)} == {"proven"})
    # The deposit kept its place, too.
    wait_until(lambda: node.get("/v1/status")["queue_cursor"] == 3)
    spent = [nullifier for entry in notes(node) for nullifier in entry["nullifiers"]]
    assert spent.count(f"0x{old.transaction.nullifiers[0]:064x}") == 1
    assert node.post([prove(old)]).status_code == 409
    assert node.get("/v1/pending") == []


def entries(node: NodeProcess) -> list[dict[str, Any]]:
    """Entries of all blocks."""
    return [entry for block in node.get("/v1/blocks", start=1, count=256) for entry in block["entries"]]


def notes(node: NodeProcess) -> list[dict[str, Any]]:
    """Entries of the note tree."""
    found: list[dict[str, Any]] = node.get("/v1/notes", start=0, count=256)["entries"]
    return found

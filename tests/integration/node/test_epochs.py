"""Deposits and payments through a real node, real proofs and real contracts."""

import pytest
from tests.integration.node.conftest import Stage, prove

pytestmark = pytest.mark.slow


def test_deposit_and_payment_reach_l1_with_equal_state(stage: Stage) -> None:
    node, scenario = stage.node.start(), stage.scenario
    stage.fund(2)
    signed = stage.pay()
    body = prove(signed)
    answer = node.post([body])
    assert answer.status_code == 200, answer.text
    h = answer.json()["ids"][0]
    assert int(h, 16) == signed.transaction.h
    epoch = stage.follow([signed])
    assert stage.l1_status() == (2, 2)

    status = node.get(f"/v1/transactions/{h}")
    assert (status["status"], status["epoch"], status["lane"]) == ("proven", 2, 0)
    assert status["l1_tx"] == epoch["l1_tx"]
    page = node.get("/v1/notes", start=0, count=256)
    assert [entry["kind"] for entry in page["entries"]] == [2, 2, 1]
    assert page["entries"][2]["node"] == epoch["first_node"]
    assert not page["complete"]

    # The same transaction again, also with another proof, is answered and does nothing.
    assert node.post([body]).json()["ids"] == [h]
    assert node.post([prove(signed)]).json()["ids"] == [h]
    second = stage.pay()
    bad = {**prove(second), "proof": body["proof"]}
    refused = node.post([bad])
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ProofInvalid")
    assert node.post([prove(second)]).status_code == 200
    stage.follow([second])
    assert scenario.state.epoch_id == 3
    assert node.stop() == 0

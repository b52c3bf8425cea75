"""What the scripts read of epochs from calldata alone."""

import json

import pytest
from scripts._epochs import withdrawals_in

from conftest import ROOT
from sotto.protocol.epoch import Withdrawal

VECTORS = ROOT / "tests" / "vectors"


@pytest.mark.parametrize(("name", "words"), [("epoch", "words"), ("blobs", "l1_words")])
def test_the_l1_words_tell_what_is_withdrawn(name: str, words: str) -> None:
    seen = 0
    for epoch in json.loads((VECTORS / f"{name}.json").read_text()):
        found = withdrawals_in(bytes.fromhex(epoch[words][2:]), epoch["lanes"])
        assert found == [
            Withdrawal(w["lane"], w["asset"], int(w["value"]), int(w["recipient"], 16))
            for w in epoch["withdrawals"]
        ]
        seen += len(found)
    assert seen


def test_short_words_tell_nothing() -> None:
    assert withdrawals_in(b"\1" * 100, 16) == []

"""Twenty-five epochs with real proofs: after each, L1 has the specification's roots and pays what it must."""

import pytest

from sotto import crypto
from sotto.protocol.notes import ETH
from sotto.protocol.transaction import Kind
from tests.differential.rig import open_rig
from tests.differential.settling import in_blob, settle_proven
from tests.support.scenario import TOKEN

SEED = 25
SIZES = [16 if epoch in (8, 16, 24) else 4 for epoch in range(25)]
IN_BLOB = 16
"""The epoch that has its data words in a blob."""


@pytest.mark.slow
def test_real_epochs() -> None:
    crypto.install_hash_backend()
    kinds: set[Kind] = set()
    with open_rig(SEED, users=3) as rig:
        for epoch, lanes in enumerate(SIZES):
            closed = rig.scenario.random_epoch(lanes)
            if epoch == IN_BLOB:
                closed = in_blob(closed)
            settle_proven(rig, closed)  # compares record, state root and status with L1
            kinds |= {lane.kind for lane in closed.result.words.lanes}
            for claim, withdrawal in zip(rig.claims(closed), closed.result.withdrawals, strict=True):
                payee = f"0x{withdrawal.recipient:040x}"
                before = rig.balance(withdrawal.asset, payee)
                rig.transact(claim, rig.accounts[3])
                assert rig.balance(withdrawal.asset, payee) == before + withdrawal.value
            for asset in (ETH, TOKEN):
                assert rig.owed(asset) == rig.liabilities(asset) == rig.balance(asset, rig.bridge.address)
        assert len(rig.records) == 1 + len(SIZES)
    assert kinds == set(Kind)

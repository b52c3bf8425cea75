"""Proofs for the rollup and of exits, verified by py_ecc with the keys that the contracts have."""

from itertools import combinations
from pathlib import Path

import pytest
from tests.e2e.conftest import RawStage
from tests.support.groth16 import VerifyingKey, read_key, verify

from sotto import crypto
from sotto.protocol.words import compute_m, compute_y, compute_z

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def keys() -> dict[str, VerifyingKey]:
    """Keys of the transfer and exit circuits and of the rollup circuit of 4 lanes."""
    folder = Path(__file__).resolve().parents[2] / "contracts" / "verification" / "keys"
    files = {"transfer": "TransferKey", "exit": "ExitKey", "rollup": "Rollup4Key"}
    return {name: read_key(folder / f"{file}.sol") for name, file in files.items()}


def rollup_inputs(raw: RawStage) -> list[int]:
    """The public inputs as the contract derives them from calldata."""
    result, commit = raw.honest.closed.result, raw.honest.commit
    domain = result.words.header.domain
    z = compute_z(domain, result.c, commit.words)
    y = compute_y(result.words.values(), z)
    beneficiary = bytes.fromhex(raw.honest.beneficiary[2:])
    return [commit.c, z, y, 0, 0, compute_m(domain, z, beneficiary)]


def test_all_circuits_share_one_phase_1(keys: dict[str, VerifyingKey]) -> None:
    for one, other in combinations(keys.values(), 2):
        assert (one.alpha, one.beta, one.gamma) == (other.alpha, other.beta, other.gamma)
        assert one.delta != other.delta


def test_client_proofs_hold_for_their_h_alone(raw: RawStage, keys: dict[str, VerifyingKey]) -> None:
    hashes = [signed.transaction.h for signed in raw.transactions]
    proofs = raw.honest.client_proofs
    assert len(proofs) == len(hashes) == 2
    for h, proof in zip(hashes, proofs, strict=True):
        assert verify(keys["transfer"], [h], proof)
    assert not verify(keys["transfer"], [hashes[1]], proofs[0])


def test_rollup_proof_holds_for_its_inputs_alone(raw: RawStage, keys: dict[str, VerifyingKey]) -> None:
    inputs = rollup_inputs(raw)
    assert verify(keys["rollup"], inputs, raw.honest.proof)
    for place in (0, 2, 5):
        wrong = [value + (i == place) for i, value in enumerate(inputs)]
        assert not verify(keys["rollup"], wrong, raw.honest.proof)


def test_exit_proof_holds_for_its_inputs_alone(keys: dict[str, VerifyingKey]) -> None:
    witness = Path(__file__).resolve().parents[1] / "vectors" / "exit-present.json"
    result = crypto.prove("exit", witness.read_bytes())
    assert verify(keys["exit"], result.public, result.proof)
    for place in (1, 3, 6):
        wrong = [value + (i == place) for i, value in enumerate(result.public)]
        assert not verify(keys["exit"], wrong, result.proof)

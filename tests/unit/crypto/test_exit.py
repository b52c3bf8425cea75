"""Proofs of the exit circuit through the native library, with the vectors of the executable specification."""

import json
from pathlib import Path
from typing import Any

import pytest

from sotto import crypto
from sotto.protocol.exit_witness import check_exit
from sotto.protocol.field import MODULUS

INPUTS = ["domain", "state", "nullifier", "asset and value", "recipient", "executor", "fee"]


@pytest.fixture(scope="module")
def witnesses(repository: Path) -> list[bytes]:
    """The exits of an account without leaf and of one with a leaf."""
    folder = repository / "tests/vectors"
    return [(folder / f"exit-{name}.json").read_bytes() for name in ("absent", "present")]


@pytest.fixture(scope="module")
def proofs(witnesses: list[bytes]) -> list[crypto.ProofResult]:
    return [crypto.prove("exit", witness) for witness in witnesses]


def test_witnesses_are_checked_and_proved(witnesses: list[bytes], proofs: list[crypto.ProofResult]) -> None:
    for witness, proof in zip(witnesses, proofs, strict=True):
        public = list(check_exit(json.loads(witness)))
        assert crypto.check_witness("exit", witness) == proof.public == public
        assert len(public) == len(INPUTS)
        assert crypto.verify("exit", public, proof.proof)


@pytest.mark.parametrize("place", range(len(INPUTS)), ids=INPUTS)
def test_each_public_input_counts(proofs: list[crypto.ProofResult], place: int) -> None:
    first, second = proofs
    changed = [(x + (i == place)) % MODULUS for i, x in enumerate(first.public)]
    assert not crypto.verify("exit", changed, first.proof)
    assert crypto.verify_batch("exit", [changed, second.public], [first.proof, second.proof]) == [False, True]


def test_batch_tells_which_are_false(proofs: list[crypto.ProofResult]) -> None:
    first, second = proofs
    publics = [first.public, second.public, second.public, first.public, second.public]
    batch = [first.proof, first.proof, second.proof, b"", bytes(256)]
    assert crypto.verify_batch("exit", publics, batch) == [True, False, True, False, False]
    for wrong in ([first.public[:6]], [[*first.public, 0]], [[*first.public[:6], MODULUS]]):
        with pytest.raises(crypto.MalformedInput):
            crypto.verify_batch("exit", wrong, [first.proof])


def test_proof_of_another_circuit_is_false(
    proofs: list[crypto.ProofResult], transfer: tuple[bytes, int]
) -> None:
    other = crypto.prove("transfer", transfer[0])
    assert not crypto.verify("exit", proofs[0].public, other.proof)
    assert not crypto.verify("transfer", other.public, proofs[0].proof)


def test_keys_are_those_that_contracts_know(repository: Path) -> None:
    info, transfer = crypto.prepare_keys("exit"), crypto.prepare_keys("transfer")
    library = (repository / "contracts/verification/keys/ExitKey.sol").read_text()
    assert f"CIRCUIT_HASH = 0x{info.circuit_hash.hex()};" in library
    assert f"PHASE1_ID = 0x{info.phase1_id.hex()};" in library
    assert info.phase1_id == transfer.phase1_id
    assert info.public_inputs == len(INPUTS)
    assert f"exit,{info.constraints},7," in (repository / "circuits/stats.csv").read_text()
    assert info.constraints <= 32_000
    assert crypto.prepare_verifying_key("exit") == info.circuit_hash


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (("request", "recipient"), "0x1"),
        (("request", "executor"), "0x1"),
        (("request", "fee"), "0x0"),
        (("request", "nullifier"), "0x1"),
        (("request", "value"), hex(1 << 120)),
        (("state",), "0x1"),
        (("trees", "root_size"), "0x1"),
        (("note", "index"), 2**32),
        (("note", "rho"), "0x1"),
        (("low", "next"), "0x1"),
        (("low", "index"), True),
        (("signature", "s"), "0x1"),
        (("more",), "0x1"),
    ],
)
def test_witness_that_breaks_a_rule_is_rejected(
    witnesses: list[bytes], part: tuple[str, ...], value: object
) -> None:
    document: dict[str, Any] = json.loads(witnesses[0])
    place = document
    for step in part[:-1]:
        place = place[step]
    place[part[-1]] = value
    changed = json.dumps(document).encode()
    with pytest.raises(crypto.WitnessRejected):
        crypto.check_witness("exit", changed)
    with pytest.raises(crypto.WitnessRejected):
        crypto.prove("exit", changed)

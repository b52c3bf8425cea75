"""The proof of an epoch whose data words are in a blob."""

import json
from pathlib import Path

import pytest

from sotto import crypto

CIRCUIT = "rollup16blob"


@pytest.fixture(scope="module")
def vectors(repository: Path) -> Path:
    return repository / "tests/vectors"


@pytest.mark.slow
def test_the_vector_is_proved_and_bound_to_every_public_input(vectors: Path) -> None:
    (case,) = json.loads((vectors / "blobs.json").read_text())
    expected = [case["c"], case["z"], case["y"], *case["y_data_limbs"], case["m"]]
    made = crypto.prove(CIRCUIT, (vectors / "rollup-16-blob.json").read_bytes())
    assert made.public == [int(word, 16) for word in expected]
    others = [[word + (place == at) for place, word in enumerate(made.public)] for at in range(6)]
    proofs = [made.proof] * 7
    assert crypto.verify_batch(CIRCUIT, [made.public, *others], proofs) == [True] + [False] * 6


def test_a_witness_of_the_other_data_mode_is_rejected(vectors: Path) -> None:
    for circuit, name in ((CIRCUIT, "rollup-16-mixed"), ("rollup16", "rollup-16-blob")):
        with pytest.raises(crypto.WitnessRejected):
            crypto.check_witness(circuit, (vectors / f"{name}.json").read_bytes())

"""Native code and circuits against the vectors that the executable specification emits."""

import json
from pathlib import Path
from typing import Any

import pytest

from sotto import crypto

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
TRANSFERS = sorted(path.name for path in VECTORS.glob("transfer-*.json"))
ROLLUPS = sorted(path.name for path in VECTORS.glob("rollup-*.json"))


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def number(value: str) -> int:
    return int(value, 0)


def numbers(values: list[str]) -> list[int]:
    return [number(value) for value in values]


def data(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


def test_permutations() -> None:
    for case in load("poseidon2.json")["permutations"]:
        assert crypto.permute(numbers(case["in"])) == numbers(case["out"])


def test_hashes_and_nodes() -> None:
    vectors = load("hash.json")
    for case in vectors["H"]:
        assert crypto.hash1(case["value"], *numbers(case["in"])) == number(case["out"])
    for case in vectors["node"]:
        assert crypto.compress_many([numbers(case["in"])]) == [number(case["out"])]
    zeros = numbers(vectors["zero_subtrees"])
    assert crypto.compress_many([[zero] * 4 for zero in zeros[:-1]]) == zeros[1:]


def test_signatures() -> None:
    vectors = load("eddsa.json")
    for case in vectors["signatures"]:
        x, y = numbers(case["key"])
        rx, ry = numbers(case["r"])
        h, s = number(case["h"]), number(case["s"])
        assert crypto.eddsa_public_key(data(case["seed"])) == (x, y)
        assert crypto.eddsa_sign(data(case["seed"]), h) == (rx, ry, s)
        assert crypto.eddsa_verify((x, y), h, (rx, ry, s))
    for name, key in vectors["refused_keys"].items():
        with pytest.raises(crypto.InvalidPoint):
            pytest.fail(f"{name}: {crypto.eddsa_verify(tuple(numbers(key)), 1, (0, 1, 0))}")  # type: ignore[arg-type]


def test_ciphertexts() -> None:
    vectors = load("ciphertext.json")
    secret, recipient = data(vectors["incoming"]), data(vectors["recipient"])
    assert crypto.x25519_public(secret) == recipient
    expected = []
    for case in vectors["ciphertexts"]:
        esk, reference = data(case["esk"]), data(case["reference"])
        value, asset = int(case["value"]), int(case["asset"])
        made = crypto.note_encrypt(esk, recipient, value, asset, reference)
        assert made == (data(case["ciphertext"]), number(case["r"]))
        expected.append(crypto.OpenedNote(value, asset, reference, made[1]))
        assert crypto.note_open(secret, made[0]) == expected[-1]
        assert crypto.note_open_sent(esk, recipient, made[0]) == expected[-1]
    joined = b"".join(data(case["ciphertext"]) for case in vectors["ciphertexts"])
    assert crypto.note_scan(secret, joined) == list(enumerate(expected))


@pytest.mark.parametrize("name", TRANSFERS)
def test_transfer_witnesses_satisfy_the_circuit(name: str) -> None:
    ids = {case["name"]: number(case["h"]) for case in load("transaction.json")}
    kind = name.removeprefix("transfer-").removesuffix(".json")
    assert crypto.check_witness("transfer", (VECTORS / name).read_bytes()) == [ids[kind]]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if "-16-" in name else []) for name in ROLLUPS]
)
def test_rollup_witnesses_satisfy_the_circuit(name: str) -> None:
    witness = load(name)
    c, z, y, m = (number(witness[key]) for key in "czym")
    low, high = (number(limb) for limb in witness.get("y_data", ("0x0", "0x0")))
    circuit = f"rollup{witness['lanes']}" + ("blob" if "y_data" in witness else "")
    assert crypto.check_witness(circuit, (VECTORS / name).read_bytes()) == [c, z, y, low, high, m]


def test_vectors_are_there() -> None:
    assert len(TRANSFERS) >= 4
    assert {name.split("-")[1] for name in ROLLUPS} == {"4", "16"}


@pytest.mark.slow
def test_rollup_of_the_vectors_is_proved() -> None:
    witness = load("rollup-4-mixed.json")
    result = crypto.prove("rollup4", (VECTORS / "rollup-4-mixed.json").read_bytes())
    assert result.public == [
        number(witness["c"]),
        number(witness["z"]),
        number(witness["y"]),
        0,
        0,
        number(witness["m"]),
    ]
    assert crypto.verify("rollup4", result.public, result.proof)
    other = [*result.public[:5], result.public[5] + 1]
    assert not crypto.verify("rollup4", other, result.proof)

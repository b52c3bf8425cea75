"""Proofs of the transfer circuit through the native library."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sotto import crypto
from sotto.crypto import circuits
from sotto.protocol.field import MODULUS


@pytest.fixture(scope="module")
def proof(transfer: tuple[bytes, int]) -> crypto.ProofResult:
    return crypto.prove("transfer", transfer[0])


def test_witness_is_checked_and_proved(transfer: tuple[bytes, int], proof: crypto.ProofResult) -> None:
    witness, h = transfer
    assert crypto.check_witness("transfer", witness) == [h]
    assert proof.public == [h]
    assert len(proof.proof) == 256
    assert crypto.verify("transfer", [h], proof.proof)
    assert not crypto.verify("transfer", [h + 1], proof.proof)


def test_proofs_differ_each_time(transfer: tuple[bytes, int], proof: crypto.ProofResult) -> None:
    assert crypto.prove("transfer", transfer[0]).proof != proof.proof


def test_batch_tells_which_are_false(transfer: tuple[bytes, int], proof: crypto.ProofResult) -> None:
    h, good = transfer[1], proof.proof
    proofs = [
        good,
        good,
        good[:-1] + bytes([good[-1] ^ 1]),
        b"",
        bytes(256),
        b"\xff" * 256,
        good + b"x",
        good,
    ]
    publics = [[h], [h + 1], [h], [h], [h], [h], [h], [h]]
    assert crypto.verify_batch("transfer", publics, proofs) == [True] + [False] * 6 + [True]
    assert crypto.verify_batch("transfer", [], []) == []


def test_keys_are_those_that_contracts_know(repository: Path) -> None:
    info = crypto.prepare_keys("transfer")
    library = (repository / "contracts/verification/keys/TransferKey.sol").read_text()
    assert f"CIRCUIT_HASH = 0x{info.circuit_hash.hex()};" in library
    assert f"PHASE1_ID = 0x{info.phase1_id.hex()};" in library
    assert info.public_inputs == 1
    stats = (repository / "circuits/stats.csv").read_text()
    assert f"transfer,{info.constraints},1," in stats
    assert crypto.prepare_verifying_key("transfer") == info.circuit_hash


def test_loading_keys_reports_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuits, "_REPORT_SECONDS", 1e-6)
    seconds: list[float] = []
    assert crypto.prepare_keys("transfer", seconds.append) == crypto.prepare_keys("transfer")
    assert seconds == sorted(seconds)
    with pytest.raises(crypto.MalformedInput):
        crypto.prepare_keys("unknown", seconds.append)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (("tx", "expiry"), "0x01"),
        (("tx", "nullifiers"), ["0x01", "0x02"]),
        (("outputs", 0, "value"), "0x01"),
        (("signature", "s"), "0x01"),
        (("inputs", 0, "real"), 1),
        (("inputs", 0, "real"), False),
        (("account", "index"), 4),
        (("account", "index"), 2**28),
    ],
)
def test_witness_that_breaks_a_rule_is_rejected(
    transfer: tuple[bytes, int], part: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(transfer[0])
    place = document
    for step in part[:-1]:
        place = place[step]
    place[part[-1]] = value
    changed = json.dumps(document).encode()
    with pytest.raises(crypto.WitnessRejected):
        crypto.check_witness("transfer", changed)
    with pytest.raises(crypto.WitnessRejected):
        crypto.prove("transfer", changed)


def _leaves(node: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    if isinstance(node, dict):
        return [at] + [leaf for key, item in node.items() for leaf in _leaves(item, (*at, key))]
    if isinstance(node, list):
        return [at] + [leaf for key, item in enumerate(node) for leaf in _leaves(item, (*at, key))]
    return [at]


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["0x", "0x" + "f" * 64, f"0x{MODULUS:064x}", "0x" + "0" * 65, "0xG", 2**64, -1, 1e300]),
    st.lists(st.none(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


@settings(max_examples=60)
@given(st.data())
def test_mutated_witnesses_end_in_a_typed_error(transfer: tuple[bytes, int], data: st.DataObject) -> None:
    document = json.loads(transfer[0])
    path = data.draw(st.sampled_from(_leaves(document)[1:]))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = data.draw(junk)
    changed = json.dumps(document).encode()
    try:
        assert crypto.check_witness("transfer", changed) == [transfer[1]]
    except crypto.WitnessRejected:
        assert changed != transfer[0]


@given(st.binary(max_size=300))
def test_garbage_is_no_witness(garbage: bytes) -> None:
    for circuit in ("transfer", "exit", "rollup4", "rollup16", "rollup16blob"):
        with pytest.raises(crypto.WitnessRejected):
            crypto.check_witness(circuit, garbage)


@pytest.mark.parametrize("nested", [b"[" * 1_000_000, b'{"a":' * 1_000_000, b"[" * 2**24])
def test_deep_documents_are_no_witness(nested: bytes) -> None:
    with pytest.raises(crypto.WitnessRejected):
        crypto.check_witness("transfer", nested)


def test_arguments_are_checked(transfer: tuple[bytes, int], proof: crypto.ProofResult) -> None:
    witness, h = transfer
    for call in (
        lambda: crypto.prepare_keys("unknown"),
        lambda: crypto.prepare_keys(""),
        lambda: crypto.prepare_verifying_key("unknown"),
        lambda: crypto.prepare_keys("transfer\0"),
        lambda: crypto.prepare_keys(None),  # type: ignore[arg-type]
        lambda: crypto.prove("rollup5", witness),
        lambda: crypto.prove("transfer", witness.decode()),  # type: ignore[arg-type]
        lambda: crypto.check_witness("transfer", bytes(2**24 + 1)),
        lambda: crypto.verify("transfer", [h + MODULUS], proof.proof),
        lambda: crypto.verify("transfer", [-1], proof.proof),
        lambda: crypto.verify("transfer", [], proof.proof),
        lambda: crypto.verify("transfer", [h, h], proof.proof),
        lambda: crypto.verify("transfer", [h], None),  # type: ignore[arg-type]
        lambda: crypto.verify("transfer", None, proof.proof),  # type: ignore[arg-type]
        lambda: crypto.verify("transfer", [h], "x" * 256),  # type: ignore[arg-type]
        lambda: crypto.verify_batch("transfer", [[h]], []),
        lambda: crypto.verify_batch("transfer", [[h], [h, h]], [proof.proof] * 2),
    ):
        with pytest.raises(crypto.MalformedInput):
            call()

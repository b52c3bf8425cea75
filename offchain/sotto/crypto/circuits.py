"""Groth16 proofs of the protocol's circuits (docs/spec: 04-transaction, 05-epoch, 07-witness, 13-exit).

Circuits go by name: ``transfer``, ``exit``, ``rollup4``, ``rollup16`` and, for data in a blob (14-blobs),
``rollup16blob``. Keys are those for local chains: anyone can forge proofs under them. They are loaded once
per process, on first use, and kept; who only verifies loads the verifying key alone.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from sotto.crypto._encoding import WORD, decode_elements, encode_elements
from sotto.crypto._library import fetch, invoke
from sotto.crypto.errors import MalformedInput

PROOF_SIZE: Final = 256

_REPORT_SECONDS: Final = 1.0
_KEY_INFO_SIZE: Final = 2 * WORD + 2 * 8


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a circuit's keys belong to.

    Attributes
    ----------
    circuit_hash, phase1_id
        32 bytes each, as in the exported Solidity library of the verifying key.
    constraints, public_inputs
        Size of the constraint system and number of public inputs.
    """

    circuit_hash: bytes
    phase1_id: bytes
    constraints: int
    public_inputs: int


@dataclass(frozen=True, slots=True)
class ProofResult:
    """A proof of 256 bytes, in the order that the contracts take, and its public inputs."""

    proof: bytes
    public: list[int]


def prepare_keys(circuit: str, report: Callable[[float], None] | None = None) -> KeyInfo:
    """Load a circuit's keys, or make them if the cache has none: seconds for transfer, a minute for rollup16.

    Parameters
    ----------
    report
        Called once a second, as long as it lasts, with the seconds so far.

    Raises
    ------
    MalformedInput
        There is no circuit of this name.
    KeysUnavailable
        The keys can be neither loaded nor made.
    """
    info, name = bytearray(_KEY_INFO_SIZE), _name(circuit)
    if report is None:
        invoke("sotto_keys_prepare", name, info)
    else:
        begun = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(invoke, "sotto_keys_prepare", name, info)
            while not wait((loading,), _REPORT_SECONDS).done:
                report(time.monotonic() - begun)
            loading.result()
    return KeyInfo(
        circuit_hash=bytes(info[:WORD]),
        phase1_id=bytes(info[WORD : 2 * WORD]),
        constraints=int.from_bytes(info[2 * WORD : 2 * WORD + 8], "big"),
        public_inputs=int.from_bytes(info[2 * WORD + 8 :], "big"),
    )


def prepare_verifying_key(circuit: str) -> bytes:
    """Load what `verify_batch` needs of a circuit, in milliseconds, and return its circuit hash, 32 bytes.

    All keys are made if the cache has none, as by `prepare_keys`; `verify_batch` does the same on first use.

    Raises
    ------
    MalformedInput
        There is no circuit of this name.
    KeysUnavailable
        The key can be neither loaded nor made.
    """
    info = bytearray(2 * WORD)
    invoke("sotto_verifying_key_prepare", _name(circuit), info)
    return bytes(info[:WORD])


def prove(circuit: str, witness: bytes) -> ProofResult:
    """Prove a witness file; one proof is computed at a time, with all cores.

    Raises
    ------
    MalformedInput
        There is no circuit of this name, or the witness is no bytes or over 16 MiB.
    WitnessRejected
        The witness has another shape or does not satisfy the circuit. The message may quote secret values.
    KeysUnavailable
        The keys can be neither loaded nor made.
    """
    result = fetch("sotto_prove", _name(circuit), _witness(witness))
    return ProofResult(proof=result[:PROOF_SIZE], public=decode_elements(result[PROOF_SIZE:]))


def check_witness(circuit: str, witness: bytes) -> list[int]:
    """Return the public inputs of a witness that satisfies its circuit, without proving and without keys.

    Raises
    ------
    MalformedInput
        There is no circuit of this name, or the witness is no bytes or over 16 MiB.
    WitnessRejected
        The witness has another shape or does not satisfy the circuit. The message may quote secret values.
    """
    return decode_elements(fetch("sotto_check_witness", _name(circuit), _witness(witness)))


def verify(circuit: str, public: Sequence[int], proof: bytes) -> bool:
    """Tell whether a proof holds for public inputs; see `verify_batch`."""
    return verify_batch(circuit, [public], [proof])[0]


def verify_batch(circuit: str, publics: Sequence[Sequence[int]], proofs: Sequence[bytes]) -> list[bool]:
    """Tell for each proof whether it holds for its public inputs.

    One product of pairings checks all of them; false ones are found by bisection. A proof that is not
    well-formed is false, so that a peer cannot make a batch fail.

    Raises
    ------
    MalformedInput
        There is no circuit of this name, a public input is not a field element, or the numbers of proofs or
        inputs do not fit.
    KeysUnavailable
        The keys can be neither loaded nor made.
    """
    name = _name(circuit)
    try:
        if len(publics) != len(proofs) or len({len(public) for public in publics}) > 1:
            raise MalformedInput("each proof needs the same number of public inputs")
        inputs = encode_elements(x for public in publics for x in public)
        # Zeros are no proof: they encode points at infinity, which are refused.
        encoded = b"".join([proof if len(proof) == PROOF_SIZE else bytes(PROOF_SIZE) for proof in proofs])
    except TypeError as error:
        raise MalformedInput(f"not sequences of public inputs and proofs: {error}") from error
    if not proofs:
        return []
    valid = bytearray(len(proofs))
    invoke("sotto_verify_batch", name, inputs, encoded, valid)
    return [flag == 1 for flag in valid]


def _name(circuit: str) -> bytes:
    if not isinstance(circuit, str):
        raise MalformedInput("a circuit goes by its name")
    return circuit.encode(errors="replace")


def _witness(witness: bytes) -> bytes:
    if not isinstance(witness, bytes):
        raise MalformedInput("a witness is the bytes of a JSON document")
    return witness

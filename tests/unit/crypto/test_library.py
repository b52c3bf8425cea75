"""The boundary itself: wrong sizes, panics, threads, forks."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.crypto.conftest import make_transfer

from sotto import crypto
from sotto.crypto import _library

# Number of byte arguments of each export (inputs and fixed outputs), and what stands before or after them.
EXPORTS = {
    "sotto_hash_many": ([1], 3, []),
    "sotto_compress_many": ([], 2, []),
    "sotto_permute": ([], 2, []),
    "sotto_tree_update": ([2], 3, []),
    "sotto_eddsa_public_key": ([], 2, []),
    "sotto_eddsa_sign": ([], 3, []),
    "sotto_eddsa_verify": ([], 3, []),
    "sotto_x25519_public": ([], 2, []),
    "sotto_note_encrypt": ([], 4, []),
    "sotto_note_open": ([], 3, []),
    "sotto_note_open_sent": ([], 4, []),
    "sotto_note_scan": ([], 2, [1]),
    "sotto_keys_prepare": ([], 2, []),
    "sotto_verifying_key_prepare": ([], 2, []),
    "sotto_check_witness": ([], 2, []),
    "sotto_prove": ([], 2, []),
    "sotto_verify_batch": ([], 4, []),
}
GROWING = {"sotto_tree_update", "sotto_note_scan", "sotto_check_witness", "sotto_prove"}

sizes = st.sampled_from([0, 1, 4, 8, 31, 32, 33, 43, 64, 75, 80, 93, 96, 125, 128, 256, 300])
blob = st.one_of(
    st.binary(max_size=300),
    sizes.map(bytes),
    sizes.map(lambda n: b"\xff" * n),
    st.just(b"transfer"),
)


def test_every_export_is_listed() -> None:
    declared = {name for name in dir(_library._loaded()) if name.startswith("sotto_")}
    assert declared - {"sotto_free"} == set(EXPORTS)


@given(st.sampled_from(sorted(EXPORTS)), st.data())
def test_arbitrary_bytes_end_in_a_typed_error(name: str, data: st.DataObject) -> None:
    before, blobs, after = EXPORTS[name]
    arguments: list[Any] = [data.draw(st.integers(0, 2**32 - 1)) for _ in before]
    arguments += [data.draw(st.one_of(blob, blob.map(bytearray))) for _ in range(blobs)]
    arguments += [data.draw(st.integers(0, 2**32 - 1)) for _ in after]
    call: Callable[..., object] = _library.fetch if name in GROWING else _library.invoke
    with suppress(crypto.MalformedInput, crypto.InvalidPoint, crypto.WitnessRejected):
        call(name, *arguments)


@pytest.mark.parametrize("size", [1, 2**31, 2**40, 2**63, 2**64 - 1])
def test_null_pointers_and_impossible_sizes_are_refused(size: int) -> None:
    library, ffi = _library._loaded(), _library._ffi
    for name, (before, blobs, after) in EXPORTS.items():
        message = ffi.new("sotto_buffer *")
        growing = [ffi.new("sotto_buffer *")] if name in GROWING else []
        arguments = [1] * len(before) + [ffi.NULL, size] * blobs + [1] * len(after)
        assert getattr(library, name)(*arguments, *growing, message) == 2, name
        assert message.size > 0
        library.sotto_free(message.data)


def test_message_may_be_left_out() -> None:
    library, ffi = _library._loaded(), _library._ffi
    assert library.sotto_permute(ffi.NULL, 1, ffi.NULL, 1, ffi.NULL) == 2


def test_panic_becomes_an_error() -> None:
    library, ffi = _library._loaded(), _library._ffi
    secret = ffi.from_buffer("uint8_t[]", bytes([1] * 32))
    message = ffi.new("sotto_buffer *")
    # A null result buffer is the one mistake that Go meets as a fault of memory.
    assert library.sotto_note_scan(secret, 32, ffi.NULL, 0, 0, ffi.NULL, message) == 6
    assert b"internal error" in bytes(ffi.buffer(message.data, message.size))
    library.sotto_free(message.data)
    assert crypto.note_scan(bytes([1] * 32), b"") == []


def test_threads_share_the_library() -> None:
    secret = bytes([7] * 32)
    key = crypto.x25519_public(secret)
    ciphertext = crypto.note_encrypt(bytes([8] * 32), key, 5, 1)[0]
    expected = [crypto.compress(i, 0, 0, 0) for i in range(300)]

    def work(number: int) -> None:
        assert crypto.compress_many([(i, 0, 0, 0) for i in range(300)]) == expected
        assert len(crypto.note_scan(secret, ciphertext * 50, number % 3)) == 50
        signature = crypto.eddsa_sign(secret, number)
        assert crypto.eddsa_verify(crypto.eddsa_public_key(secret), number, signature)
        with pytest.raises(crypto.MalformedInput):
            crypto.compress_many([(-1, 0, 0, 0)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))


def test_threads_prove_at_once() -> None:
    witnesses = [make_transfer(expiry) for expiry in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda w: crypto.prove("transfer", w[0]), witnesses))
    assert [result.public for result in results] == [[h] for _, h in witnesses]
    publics, proofs = [result.public for result in results], [result.proof for result in results]
    assert crypto.verify_batch("transfer", publics, proofs) == [True] * 4
    assert crypto.verify_batch("transfer", publics[1:] + publics[:1], proofs) == [False] * 4


def test_interpreter_runs_while_native_code_computes() -> None:
    ciphertexts = bytes(93) * 20_000
    done = threading.Event()

    def scan() -> None:
        crypto.note_scan(bytes([1] * 32), ciphertexts, 1)
        done.set()

    thread = threading.Thread(target=scan)
    thread.start()
    turns = 0
    while not done.wait(0.001):
        turns += 1
    thread.join()
    assert turns > 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_is_told_instead_of_hanging() -> None:
    program = """
import os, sys
from sotto import crypto
crypto.compress(1, 2, 3, 4)
child = os.fork()
if child == 0:
    try:
        crypto.compress(1, 2, 3, 4)
    except crypto.InternalError:
        os._exit(7)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 7


def test_missing_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(_library, "_library", None)
    monkeypatch.setattr(_library, "LIBRARY_PATH", tmp_path / "libsotto.so")
    with pytest.raises(crypto.NativeLibraryMissing, match="make native"):
        crypto.compress(1, 2, 3, 4)


def test_keys_that_cannot_be_stored_are_reported(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("")
    program = """
from sotto import crypto
try:
    crypto.prepare_keys("transfer")
except crypto.KeysUnavailable:
    print("told")
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SOTTO_CACHE": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert result.stdout == "told\n"

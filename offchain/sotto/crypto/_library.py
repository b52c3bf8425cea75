"""Loading of libsotto and the one way of calling it (circuits/lib, interface in circuits/lib/sotto.h)."""

import os
import threading
from pathlib import Path
from typing import Any, Final

import cffi

from sotto.crypto.errors import (
    CryptoError,
    InternalError,
    InvalidPoint,
    KeysUnavailable,
    MalformedInput,
    NativeLibraryMissing,
    WitnessRejected,
)

LIBRARY_PATH: Final = Path(__file__).resolve().parent / "_native" / "libsotto.so"

_OK: Final = 0
_NOT_FOUND: Final = 1
_ERRORS: Final[dict[int, type[CryptoError]]] = {
    2: MalformedInput,
    3: InvalidPoint,
    4: WitnessRejected,
    5: KeysUnavailable,
    6: InternalError,
}

_DECLARATIONS: Final = """
typedef struct { uint8_t *data; size_t size; } sotto_buffer;
void sotto_free(uint8_t *);

int32_t sotto_hash_many(uint64_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_compress_many(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_permute(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_tree_update(uint32_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *,
                          sotto_buffer *);

int32_t sotto_eddsa_public_key(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_eddsa_sign(uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_eddsa_verify(uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);

int32_t sotto_x25519_public(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_note_encrypt(uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t,
                           sotto_buffer *);
int32_t sotto_note_open(uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_note_open_sent(uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t,
                             sotto_buffer *);
int32_t sotto_note_scan(uint8_t *, size_t, uint8_t *, size_t, uint32_t, sotto_buffer *, sotto_buffer *);

int32_t sotto_keys_prepare(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_verifying_key_prepare(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *);
int32_t sotto_check_witness(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *, sotto_buffer *);
int32_t sotto_prove(uint8_t *, size_t, uint8_t *, size_t, sotto_buffer *, sotto_buffer *);
int32_t sotto_verify_batch(uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t, uint8_t *, size_t,
                           sotto_buffer *);
"""

Argument = bytes | bytearray | int

_ffi: Final[Any] = cffi.FFI()
_ffi.cdef(_DECLARATIONS)
_lock = threading.Lock()
_library: Any = None
_forked = False


def _after_fork() -> None:
    global _forked, _lock
    # The Go runtime's threads exist in the parent only; a call in the child would never return. A child that
    # forked before the library was loaded is free to load its own.
    _lock = threading.Lock()
    _forked = _library is not None


os.register_at_fork(after_in_child=_after_fork)


def _loaded() -> Any:
    global _library
    if _forked:
        raise InternalError("libsotto was loaded before this process forked: start workers with 'spawn'")
    if _library is None:
        with _lock:
            if _library is None:
                try:
                    _library = _ffi.dlopen(str(LIBRARY_PATH))
                except OSError as error:
                    raise NativeLibraryMissing(f"{error}: run `make native`") from error
    return _library


def invoke(function: str, *arguments: Argument) -> bool:
    """Call an exported function, with the interpreter lock released.

    Parameters
    ----------
    function
        Name of the export.
    arguments
        ``bytes`` are inputs and ``bytearray`` outputs, passed as pointer and size; ``int`` stays.

    Returns
    -------
    bool
        False when the function reports that nothing was found.

    Raises
    ------
    CryptoError
        The class that belongs to the status, with the native message.
    """
    return _call(function, arguments, None)


def fetch(function: str, *arguments: Argument) -> bytes:
    """Call an exported function whose result has no size known in advance, and return it; see `invoke`."""
    library = _loaded()
    result = _ffi.new("sotto_buffer *")
    try:
        _call(function, arguments, result)
        return bytes(_ffi.buffer(result.data, result.size)) if result.size else b""
    finally:
        library.sotto_free(result.data)


def _call(function: str, arguments: tuple[Argument, ...], result: Any) -> bool:
    library = _loaded()
    flat: list[Any] = []
    for argument in arguments:
        if isinstance(argument, int):
            flat.append(argument)
        elif isinstance(argument, bytes | bytearray):
            flat += (_ffi.from_buffer("uint8_t[]", argument), len(argument))
        else:
            raise MalformedInput(f"{type(argument).__name__} where bytes are needed")
    if result is not None:
        flat.append(result)
    message = _ffi.new("sotto_buffer *")
    try:
        try:
            status: int = getattr(library, function)(*flat, message)
        except OverflowError as error:
            raise MalformedInput(f"{function}: {error}") from error
        if status == _OK:
            return True
        if status == _NOT_FOUND:
            return False
        text = bytes(_ffi.buffer(message.data, message.size)).decode(errors="replace") if message.size else ""
        raise _ERRORS.get(status, InternalError)(text or f"{function} returned status {status}")
    finally:
        library.sotto_free(message.data)

"""What can go wrong in the native code, by cause."""


class CryptoError(Exception):
    """Base of every error of this package."""


class MalformedInput(CryptoError):  # noqa: N818
    """An argument has a wrong length, type or range; the caller passed something that no peer may send."""


class InvalidPoint(CryptoError):  # noqa: N818
    """A well-formed key is off its curve, the identity, or of low order: refuse whoever sent it."""


class WitnessRejected(CryptoError):  # noqa: N818
    """A witness has not its circuit's shape or does not satisfy it; the message says which and where."""


class KeysUnavailable(CryptoError):  # noqa: N818
    """Keys of a circuit can neither be loaded nor made: check the folder SOTTO_CACHE and its space."""


class NativeLibraryMissing(CryptoError):  # noqa: N818
    """The native library is not built or does not load: run `make native`."""


class InternalError(CryptoError):
    """The native code failed in a way that no input explains; report it."""

"""EdDSA on Baby Jubjub (docs/spec/01-field-hash.md, Signature)."""

from typing import Final

from sotto.crypto._encoding import WORD, decode_elements, encode_elements, fixed_bytes
from sotto.crypto._library import invoke
from sotto.crypto.errors import MalformedInput

SEED_SIZE: Final = 32


def eddsa_public_key(seed: bytes) -> tuple[int, int]:
    """Return the public key (x, y) of a 32-byte seed, or raise `MalformedInput`."""
    out = bytearray(2 * WORD)
    invoke("sotto_eddsa_public_key", fixed_bytes("seed", seed, SEED_SIZE), out)
    x, y = decode_elements(out)
    return x, y


def eddsa_sign(seed: bytes, h: int) -> tuple[int, int, int]:
    """Sign a field element; the same seed and `h` give the same signature (R.x, R.y, S).

    Raises
    ------
    MalformedInput
        The seed is not 32 bytes or `h` is not a field element.
    """
    out = bytearray(3 * WORD)
    invoke("sotto_eddsa_sign", fixed_bytes("seed", seed, SEED_SIZE), encode_elements([h]), out)
    rx, ry, s = decode_elements(out)
    return rx, ry, s


def eddsa_verify(public_key: tuple[int, int], h: int, signature: tuple[int, int, int]) -> bool:
    """Tell whether a well-formed signature (R.x, R.y, S) of the field element `h` is valid.

    Raises
    ------
    MalformedInput
        A coordinate or `h` is not a field element, or S is not below the order of the subgroup.
    InvalidPoint
        The key or R is off the curve, or the key is the identity or outside the prime-order subgroup.
    """
    try:
        (x, y), (rx, ry, s) = public_key, signature
    except (TypeError, ValueError) as error:
        raise MalformedInput(f"a key is (x, y) and a signature (R.x, R.y, S): {error}") from error
    return invoke(
        "sotto_eddsa_verify", encode_elements([x, y]), encode_elements([h]), encode_elements([rx, ry, s])
    )

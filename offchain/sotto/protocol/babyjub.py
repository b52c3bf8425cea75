"""EdDSA on Baby Jubjub in twisted Edwards form with a = -1, over F (spec 01).

Curve: -x^2 + y^2 = 1 + d x^2 y^2, order 8 l. Not constant-time: sign only where nobody else can time it.
"""

from dataclasses import dataclass
from hashlib import sha512
from typing import Final

from sotto.protocol.errors import (
    IntegerOutOfRange,
    PointIsIdentity,
    PointNotOnCurve,
    PointOutsideSubgroup,
    SecretIsZero,
    SeedLengthWrong,
    SignatureInvalid,
    WordLengthWrong,
)
from sotto.protocol.field import MODULUS, Field, decode_field, encode_field, to_field
from sotto.protocol.hash import H, Tag

D: Final = 12181644023421730124874158521699555681764249180949974110617291017600649128846
ORDER: Final = 2736030358979909402780800718157159386076813972158567259200215660948447373041
"""l, the prime order of the subgroup."""

SEED_BYTES: Final = 32
_KEY_PREFIX: Final = b"sotto/eddsa/key"
_NONCE_PREFIX: Final = b"sotto/eddsa/nonce"

_Extended = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, T = XY/Z


@dataclass(frozen=True, slots=True)
class Point:
    """Affine coordinates; made from outside values only by `to_point` or `to_public_key`."""

    x: Field
    y: Field


IDENTITY: Final = Point(Field(0), Field(1))
BASE: Final = Point(
    Field(9671717474070082183213120605117400219616337014328744928644933853176787189663),
    Field(16950150798460657717958625567821834550301663161624707787222815936182638968203),
)


@dataclass(frozen=True, slots=True)
class Signature:
    """R on the curve and S in [0, l)."""

    r: Point
    s: int


def to_point(x: int, y: int) -> Point:
    """A point of the curve. Raises NonCanonicalField, PointNotOnCurve."""
    point = Point(to_field(x), to_field(y))
    xx, yy = x * x, y * y
    if (yy - xx - 1 - D * xx * yy) % MODULUS:
        raise PointNotOnCurve(f"({x}, {y})")
    return point


def to_public_key(x: int, y: int) -> Point:
    """A public key. Raises also PointIsIdentity, PointOutsideSubgroup."""
    point = to_point(x, y)
    if point == IDENTITY:
        raise PointIsIdentity("public key")
    if multiply(ORDER, point) != IDENTITY:
        raise PointOutsideSubgroup(f"({x}, {y})")
    return point


def encode_public_key(key: Point) -> bytes:
    """x || y, two field words."""
    return encode_field(key.x) + encode_field(key.y)


def decode_public_key(data: bytes) -> Point:
    """Inverse of `encode_public_key`, with the checks of `to_public_key`."""
    if len(data) != 64:
        raise WordLengthWrong(f"a public key has 64 bytes, not {len(data)}")
    return to_public_key(decode_field(data[:32]), decode_field(data[32:]))


def to_signature(x: int, y: int, s: int) -> Signature:
    """A signature. Raises NonCanonicalField, PointNotOnCurve, IntegerOutOfRange."""
    if not 0 <= s < ORDER:
        raise IntegerOutOfRange("S is not below the order of the subgroup")
    return Signature(to_point(x, y), s)


def _add(p: _Extended, q: _Extended) -> _Extended:
    """Complete addition for a = -1 (Hisil, Wong, Carter, Dawson 2008, section 3.1)."""
    m = MODULUS
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a = (y1 - x1) * (y2 - x2) % m
    b = (y1 + x1) * (y2 + x2) % m
    c = 2 * D * t1 % m * t2 % m
    d = 2 * z1 * z2 % m
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % m, g * h % m, f * g % m, e * h % m


def _to_extended(p: Point) -> _Extended:
    return p.x, p.y, 1, p.x * p.y % MODULUS


def _to_affine(p: _Extended) -> Point:
    inverse = pow(p[2], -1, MODULUS)
    return Point(Field(p[0] * inverse % MODULUS), Field(p[1] * inverse % MODULUS))


def add(p: Point, q: Point) -> Point:
    """Sum of two points of the curve."""
    return _to_affine(_add(_to_extended(p), _to_extended(q)))


def multiply(scalar: int, point: Point) -> Point:
    """`scalar` times a point, for any scalar >= 0."""
    result, base = _to_extended(IDENTITY), _to_extended(point)
    while scalar:
        if scalar & 1:
            result = _add(result, base)
        base = _add(base, base)
        scalar >>= 1
    return _to_affine(result)


def secret_scalar(seed: bytes) -> int:
    """The secret scalar of a 32-byte seed. Raises SeedLengthWrong, SecretIsZero."""
    if len(seed) != SEED_BYTES:
        raise SeedLengthWrong(f"a key seed has 32 bytes, not {len(seed)}")
    scalar = int.from_bytes(sha512(_KEY_PREFIX + seed).digest()) % ORDER
    if scalar == 0:
        raise SecretIsZero("key seed")
    return scalar


def public_key(seed: bytes) -> Point:
    """The public key of a 32-byte seed. Raises SeedLengthWrong, SecretIsZero."""
    return multiply(secret_scalar(seed), BASE)


def challenge(r: Point, key: Point, h: Field) -> int:
    """k = H(SIGNATURE; R, A, h) as integer in [0, p)."""
    return H(Tag.SIGNATURE, r.x, r.y, key.x, key.y, h)


def sign(seed: bytes, h: Field) -> Signature:
    """Sign an element of F; the same seed and h always give the same signature."""
    scalar = secret_scalar(seed)
    nonce = int.from_bytes(sha512(_NONCE_PREFIX + seed + encode_field(h)).digest()) % ORDER
    r = multiply(nonce, BASE)
    return Signature(r, (nonce + challenge(r, multiply(scalar, BASE), h) * scalar) % ORDER)


def verify(key: Point, h: Field, signature: Signature) -> None:
    """Check 8 S B = 8 (R + k A). Raises SignatureInvalid.

    The key must come from `to_public_key`, or be known to lie on the curve: 8 A is then checked here.
    """
    if multiply(8, key) == IDENTITY:
        raise SignatureInvalid("the key has small order")
    k = challenge(signature.r, key, h)
    left = multiply(8 * signature.s, BASE)
    right = multiply(8, add(signature.r, multiply(k, key)))
    if left != right:
        raise SignatureInvalid("8 S B is not 8 (R + k A)")

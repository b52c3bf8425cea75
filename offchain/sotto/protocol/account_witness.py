"""What witness files of all client proofs share: points, signatures, the account that signs (spec 04, 07)."""

from sotto.protocol import accounts, babyjub
from sotto.protocol.babyjub import Point, Signature
from sotto.protocol.errors import (
    AccountLeafNotFound,
    AccountNotAbsent,
    KeySetMismatch,
    SignatureInvalid,
    SigningKeyNotFirst,
    SigningKeyNotInSet,
)
from sotto.protocol.field import Field
from sotto.protocol.hash import H, Tag
from sotto.protocol.merkle import fold
from sotto.protocol.rollup_witness import path_to_json, to_hex
from sotto.protocol.transfer import AccountOpening
from sotto.protocol.trees import ACCOUNT_DEPTH, strictly_between
from sotto.protocol.witness_json import Reader


def point_to_json(point: Point) -> list[str]:
    """Both coordinates."""
    return [to_hex(point.x), to_hex(point.y)]


def signature_to_json(signature: Signature) -> dict[str, object]:
    """R and S."""
    return {"r": point_to_json(signature.r), "s": to_hex(signature.s)}


def account_to_json(account: AccountOpening) -> dict[str, object]:
    """The opening of an account leaf."""
    return {
        "low": to_hex(account.low),
        "next": to_hex(account.next),
        "set": to_hex(account.key_set),
        "keys": [to_hex(x) for x in account.keys],
        "index": account.index,
        "path": path_to_json(account.path),
    }


def check_account(
    entry: Reader, account_root: Field, account: Field, first_key: Point, signing_key: Point
) -> None:
    """Rule 4 of the transfer circuit: the account leaf, and that the signing key may sign.

    Raises AccountLeafNotFound, AccountNotAbsent, KeySetMismatch, SigningKeyNotInSet, SigningKeyNotFirst.
    """
    low, following, key_set = entry.field("low"), entry.field("next"), entry.field("set")
    keys = entry.fields("keys", accounts.MAX_KEYS)
    leaf = H(Tag.ACCOUNT_LEAF, low, following, key_set)
    if fold(leaf, entry.index("index", ACCOUNT_DEPTH), entry.path("path", ACCOUNT_DEPTH)) != account_root:
        raise AccountLeafNotFound(f"{leaf:#x}")
    entry.end()
    if low == account:
        if key_set != H(Tag.KEY_SET, *keys):
            raise KeySetMismatch(f"{key_set:#x}")
        if accounts.key_hash(signing_key) not in keys:
            raise SigningKeyNotInSet("none of the account's keys")
    else:
        if not strictly_between(low, account, following):
            raise AccountNotAbsent(f"{account:#x}")
        if signing_key != first_key:
            raise SigningKeyNotFirst("the account has no leaf")


def check_signature(entry: Reader, key: Point, h: Field) -> None:
    """Rule 5 of the transfer circuit: h is signed by `key`. Raises PointNotOnCurve, SignatureInvalid."""
    r, s = entry.point("r"), entry.field("s")
    entry.end()
    if s >= babyjub.ORDER:
        raise SignatureInvalid("S is not below the order of the subgroup")
    babyjub.to_point(key.x, key.y)
    babyjub.verify(key, h, Signature(babyjub.to_point(r.x, r.y), s))

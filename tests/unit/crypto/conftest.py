"""A witness that satisfies the transfer circuit, made by the specification and native hashes alone."""

import json
from typing import Any

import pytest

from sotto.crypto import compress, eddsa_public_key, eddsa_sign, hash1
from sotto.protocol.field import MODULUS
from sotto.protocol.hash import Tag

SEED = bytes(range(32))
NULLIFIER_KEY = 77
NOTE_DEPTH, ACCOUNT_DEPTH = 16, 14


def to_hex(value: int) -> str:
    return f"0x{value:064x}"


def hexed(value: Any) -> Any:
    """Integers as field elements, at any depth; what must stay a JSON number is a float before."""
    if isinstance(value, float):
        return int(value)
    if isinstance(value, int):
        return to_hex(value)
    if isinstance(value, dict):
        return {key: hexed(item) for key, item in value.items()}
    return [hexed(item) for item in value]


def make_transfer(expiry: int = 100) -> tuple[bytes, int]:
    """A transfer of nothing by an account without leaf, and its h: two dummy inputs, three empty notes."""
    key = eddsa_public_key(SEED)
    account = hash1(Tag.ACCOUNT_ID, *key, hash1(Tag.NULLIFIER_KEY, NULLIFIER_KEY))

    ring = [i * (MODULUS // 4) for i in range(4)]
    leaves = [hash1(Tag.ACCOUNT_LEAF, ring[i], ring[(i + 1) % 4], 0) for i in range(4)]
    path, node, zero = [leaves], compress(*leaves), 0
    for _ in range(ACCOUNT_DEPTH - 1):
        zero = compress(zero, zero, zero, zero)
        path.append([node, zero, zero, zero])
        node = compress(node, zero, zero, zero)
    low = max(i for i in range(4) if ring[i] < account)

    nullifiers = [hash1(Tag.NULLIFIER_DUMMY, NULLIFIER_KEY, random) for random in (1, 2)]
    partials = [11, 12, 13]
    commitments = [
        hash1(Tag.NOTE, partial, 0, hash1(Tag.RHO, nullifiers[0], j)) for j, partial in enumerate(partials)
    ]
    note_root, epoch = 5, 3
    anchor = hash1(Tag.ANCHOR, epoch, note_root, node)
    ext_hash = hash1(Tag.EXTENSION, 1, *[0] * 11)
    fields = [1, 9, anchor, 0, 0, *nullifiers, *commitments, 0, 0, 0, 0, 0, expiry, 0, ext_hash]
    h = hash1(Tag.TRANSACTION, *fields)
    rx, ry, s = eddsa_sign(SEED, h)
    zeros = [[0] * 4] * NOTE_DEPTH
    document = {
        "tx": {
            "kind": 1,
            "domain": 9,
            "anchor": anchor,
            "named": [0, 0],
            "nullifiers": nullifiers,
            "commitments": commitments,
            "public_value": 0,
            "public_asset": 0,
            "recipient": 0,
            "fee": 0,
            "fee_asset": 0,
            "expiry": expiry,
            "operation": 0,
            "ext_hash": ext_hash,
        },
        "asset": 0,
        "nullifier_key": NULLIFIER_KEY,
        "first_key": key,
        "signing_key": key,
        "signature": {"r": [rx, ry], "s": s},
        "epoch_id": epoch,
        "note_root": note_root,
        "account_root": node,
        "account": {
            "low": ring[low],
            "next": ring[(low + 1) % 4],
            "set": 0,
            "keys": [0] * 4,
            "index": float(low),
            "path": path,
        },
        "operation": {"previous": 0, "next": 0},
        "inputs": [
            {
                "real": 0.0,
                "asset": 0,
                "value": 0,
                "data": 0,
                "r": 0,
                "rho": 0,
                "random": random,
                "index": 0.0,
                "path": zeros,
            }
            for random in (1, 2)
        ],
        "outputs": [{"asset": 0, "value": 0, "partial": partial} for partial in partials],
    }
    return json.dumps(hexed(document)).encode(), h


@pytest.fixture(scope="session")
def transfer() -> tuple[bytes, int]:
    """Witness file and h."""
    return make_transfer()

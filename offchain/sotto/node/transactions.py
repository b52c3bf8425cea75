"""Waiting transactions between database rows, the API's JSON and the pool."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic_core import to_json

from sotto.node.pool import Bundle, PoolTransaction
from sotto.node.tables import TransactionRow, TransactionStatus, TransactionValues
from sotto.protocol.accounts import Operation
from sotto.protocol.errors import JsonMalformed
from sotto.protocol.field import Field, field_from_json, field_to_json
from sotto.protocol.transaction import ProvenTransaction, transaction_from_json, transaction_to_json

_OPERATION_KEYS = {"id", "previous", "next"}


def operation_to_json(operation: Operation) -> dict[str, str]:
    """Preimage of an operation as the API carries it."""
    return {
        "id": field_to_json(operation.account),
        "previous": field_to_json(operation.previous),
        "next": field_to_json(operation.new),
    }


def operation_from_json(data: object) -> Operation:
    """Inverse of `operation_to_json`. Raises JsonMalformed, NonCanonicalField, NewKeySetZero."""
    if not isinstance(data, Mapping) or set(data) != _OPERATION_KEYS:
        raise JsonMalformed("an operation is an object with exactly the keys id, previous, next")
    return Operation(
        field_from_json(data["id"]), field_from_json(data["previous"]), field_from_json(data["next"])
    )


def rows_of(members: Sequence[PoolTransaction]) -> list[TransactionValues]:
    """Rows of a new bundle, in order, as values: an object for each would take longer than the database."""
    bundle, now = members[0].h.to_bytes(32), time.time()
    return [
        {
            "id": member.h.to_bytes(32),
            "bundle": bundle,
            "body": to_json(
                transaction_to_json(ProvenTransaction(member.transaction, member.proof))
            ).decode(),
            "operation": None
            if member.operation is None
            else to_json(operation_to_json(member.operation)).decode(),
            "proof": member.proof,
            "status": TransactionStatus.RECEIVED,
            "received_at": now,
        }
        for member in members
    ]


def members_of(rows: Iterable[TransactionRow]) -> Iterator[tuple[TransactionRow, PoolTransaction]]:
    """Each row with its transaction."""
    for row in rows:
        proven = transaction_from_json(json.loads(row.body))
        operation = None if row.operation is None else operation_from_json(json.loads(row.operation))
        yield row, PoolTransaction(Field(int.from_bytes(row.id)), proven.transaction, proven.proof, operation)


def bundles_of(rows: Iterable[TransactionRow]) -> list[Bundle]:
    """Bundles of rows in order of arrival."""
    grouped: dict[bytes, list[PoolTransaction]] = {}
    for row, member in members_of(rows):
        grouped.setdefault(row.bundle, []).append(member)
    return [Bundle(tuple(members)) for members in grouped.values()]

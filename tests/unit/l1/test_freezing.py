"""For what a rollup may be frozen, and from which block on."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sotto.l1.freezing import freeze_reason
from sotto.l1.history import CommittedRecord, History
from sotto.protocol.l1 import genesis_record

LIFE = 100


def history(queued: list[int], cursor: int, pending: int | None) -> History:
    """A rollup with items queued in these blocks, and an epoch committed in block `pending`."""

    async def value(found: Any) -> Any:
        return found

    records = [CommittedRecord(genesis_record(1), bytes(32))]
    if pending is not None:
        records.append(CommittedRecord(replace(genesis_record(1), id=1, commit_block=pending), bytes(32)))
    found = SimpleNamespace(
        block=50,
        head=len(records) - 1,
        proven=0,
        records=lambda _first: value(records),
        rollup=SimpleNamespace(
            parameters=lambda: value(SimpleNamespace(freeze_time=LIFE)),
            cursor=lambda _block: value(cursor),
        ),
        queue=SimpleNamespace(
            length=lambda _block: value(len(queued)), item=lambda index: value((0, queued[index]))
        ),
    )
    return cast(History, found)


@pytest.mark.parametrize(
    ("queued", "cursor", "pending", "from_block", "is_epoch"),
    [
        ([7], 0, None, 7 + LIFE, False),
        ([3, 7], 1, None, 7 + LIFE, False),
        ([], 0, 9, 9 + LIFE, True),
        ([7], 0, 9, 7 + LIFE, False),
        ([9], 0, 7, 7 + LIFE, True),
        ([5], 1, 9, 9 + LIFE, True),
    ],
)
async def test_the_oldest_counts(
    queued: list[int], cursor: int, pending: int | None, from_block: int, is_epoch: bool
) -> None:
    reason = await freeze_reason(history(queued, cursor, pending))
    assert reason is not None
    assert (reason.from_block, reason.pending is not None) == (from_block, is_epoch)
    assert str(from_block) in str(reason)


async def test_nothing_waits() -> None:
    assert await freeze_reason(history([3], 1, None)) is None

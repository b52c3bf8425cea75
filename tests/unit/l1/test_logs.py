"""Reading logs from sources that limit their answers."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_utils.address import to_checksum_address
from web3.exceptions import Web3RPCError

from sotto.l1.errors import L1Unavailable
from sotto.l1.logs import LogReader

END = 400_000
ADDRESS = to_checksum_address(bytes(20))


class Source:
    """A source with a limit of blocks, which refuses some questions for another reason."""

    def __init__(self, limit: int, refused: range = range(0)) -> None:
        self.eth = SimpleNamespace(get_logs=self._get_logs)
        self._limit = limit
        self._refused = refused
        self.sizes: list[int] = []

    async def _get_logs(self, question: dict[str, Any]) -> list[Any]:
        size = question["toBlock"] - question["fromBlock"] + 1
        self.sizes.append(size)
        if size > self._limit or len(self.sizes) - 1 in self._refused:
            raise Web3RPCError("refused")
        return []


async def read(source: Source, reader: LogReader | None = None) -> int:
    """The number of parts in which all blocks are read, one after the other."""
    end, parts = 0, 0
    async for last, _ in (reader or LogReader(cast(Any, source))).read(ADDRESS, 1, END):
        assert last > end
        end, parts = last, parts + 1
    assert end == END
    return parts


async def test_a_source_is_asked_for_about_as_many_blocks_as_it_gives() -> None:
    source = Source(limit=3_000)
    parts = await read(source)
    assert END / parts > 3_000 / 2
    assert len(source.sizes) < parts * 4 / 3


async def test_a_passing_refusal_does_not_make_questions_small_for_good() -> None:
    source = Source(limit=END, refused=range(6))
    reader = LogReader(cast(Any, source))
    await read(source, reader)
    largest = source.sizes[0]
    assert min(source.sizes) < 20
    assert max(source.sizes[6:]) == largest
    asked = len(source.sizes)
    assert asked < 40
    await read(source, reader)
    assert len(source.sizes) - asked == END / largest


async def test_who_refuses_a_single_block_does_not_answer() -> None:
    source = Source(limit=0)
    with pytest.raises(L1Unavailable):
        await read(source)
    assert source.sizes[-1] == 1

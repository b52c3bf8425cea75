"""Reads the logs of many blocks from a source that limits its answers."""

from collections.abc import AsyncIterator
from typing import Any, Final

from eth_typing import BlockNumber, ChecksumAddress
from web3 import AsyncWeb3
from web3.exceptions import Web3RPCError
from web3.types import LogReceipt

from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import HistoryMismatch

_RANGE: Final = 50_000
"""Blocks of a question at most; a source that refuses so many is asked for fewer."""


class LogReader:
    """Asks one source."""

    def __init__(self, source: AsyncWeb3[Any]) -> None:
        self._source = source
        self._range = _RANGE

    async def read(
        self, address: ChecksumAddress, start: int, end: int
    ) -> AsyncIterator[tuple[int, list[LogReceipt]]]:
        """The logs of a contract in blocks `start` to `end`, in order, each part with the block it ends at.

        Raises L1Unavailable, and HistoryMismatch for an answer that is none.
        """
        while start <= end:
            last = min(start + self._range - 1, end)
            try:
                logs = await self._source.eth.get_logs(
                    {"address": address, "fromBlock": BlockNumber(start), "toBlock": BlockNumber(last)}
                )
            except Web3RPCError as error:
                # Sources limit blocks or results of a question, each with a text of its own.
                if self._range == 1:
                    raise translate(error) from error
                self._range = max(1, self._range // 4)
                continue
            except TRANSPORT_ERRORS as error:
                raise translate(error) from error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise HistoryMismatch(f"the logs of blocks {start} to {last}: {str(error)[:200]}") from error
            # What was refused may have been a question too many in a second, not too many blocks. By half,
            # as each attempt at more than the source gives costs a question.
            self._range = min(self._range + self._range // 2 + 1, _RANGE)
            yield last, logs
            start = last + 1

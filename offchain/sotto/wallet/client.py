"""Calls of the node API (spec 09). Answers are bounded in size and parsed strictly."""

from collections.abc import Sequence
from typing import Any, Final, Self

import httpx
from pydantic_core import from_json

from sotto.protocol.field import Field, field_to_json
from sotto.wallet import messages
from sotto.wallet.amounts import Asset
from sotto.wallet.errors import NodeInterrupted, NodeMalformed, NodeRejected, NodeUnreachable
from sotto.wallet.messages import Entry, EpochMessage, Fee, NodeStatus, NotesPage, TransactionStatus

RANGE_GRID: Final = 256
MAX_NOTES: Final = 4096
MAX_EPOCHS: Final = 256

_NOT_FOUND: Final = 404
_MAX_ANSWER: Final = 64 << 20
_TIMEOUT: Final = httpx.Timeout(30, connect=5)


class NodeClient:
    """One node at a base address such as `http://127.0.0.1:8080`.

    Every call raises NodeUnreachable, NodeRejected, NodeMalformed.
    """

    def __init__(self, base: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=base, timeout=_TIMEOUT, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def status(self) -> NodeStatus:
        """`GET /v1/status`."""
        return messages.parse("status", messages.parse_status, await self._get("/v1/status"))

    async def fees(self) -> tuple[Fee, ...]:
        """`GET /v1/fees`."""
        return messages.parse("fees", messages.parse_fees, await self._get("/v1/fees"))

    async def assets(self) -> tuple[Asset, ...]:
        """`GET /v1/assets`."""
        return messages.parse("assets", messages.parse_assets, await self._get("/v1/assets"))

    async def epochs(self, start: int, count: int) -> tuple[EpochMessage, ...]:
        """Proven epochs from id `start` on, at most `count` (up to 256)."""
        return messages.parse(
            "epochs", messages.parse_epochs, await self._get(f"/v1/epochs?start={start}&count={count}")
        )

    async def notes(self, start: int, count: int) -> NotesPage:
        """Entries of an aligned range of height-1 nodes."""
        page = messages.parse(
            "notes", messages.parse_notes, await self._get(f"/v1/notes?start={start}&count={count}")
        )
        if (page.start, page.count) != (start, count):
            raise NodeMalformed(f"asked for nodes {start}+{count}, got {page.start}+{page.count}")
        return page

    async def attachments(self, start: int, count: int) -> dict[int, bytes]:
        """Attachments of an aligned range of height-1 nodes, by node."""
        path = f"/v1/attachments?start={start}&count={count}"
        return messages.parse("attachments", messages.parse_attachments, await self._get(path))

    async def pending(self) -> tuple[Entry, ...]:
        """Transactions in the node's pool, in order."""
        return messages.parse("pending", messages.parse_pending, await self._get("/v1/pending"))

    async def open_epoch(self) -> int | None:
        """The epoch that blocks are being added to, None if there is none or the node has no blocks."""
        try:
            data = await self._get("/v1/state")
        except NodeRejected as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return messages.parse("state", messages.parse_open_epoch, data)

    async def transaction(self, h: Field) -> TransactionStatus | None:
        """What the node says about a transaction, None when it does not know it."""
        try:
            data = await self._get(f"/v1/transactions/{field_to_json(h)}")
        except NodeRejected as error:
            if error.code == "TransactionUnknown":
                return None
            raise
        return messages.parse("transaction", messages.parse_transaction, data)

    async def blob_words(self, versioned_hash: bytes) -> bytes | None:
        """What the node says were the data words in a blob, None when it does not know it."""
        response, data = await self._exchange("GET", f"/v1/blobs/0x{versioned_hash.hex()}", None)
        if response.is_success:
            return data
        if response.status_code == _NOT_FOUND:
            return None
        raise _rejection(response.status_code, None)

    async def submit(
        self,
        transactions: Sequence[dict[str, object]],
        operations: Sequence[dict[str, object]] = (),
        attachments: Sequence[bytes | None] = (),
    ) -> None:
        """Hand over one transaction or a bundle.

        Args:
            operations: preimage of each account operation, in order.
            attachments: one for each transaction, or none at all.
        """
        body: dict[str, object] = {"transactions": list(transactions)}
        if operations:
            body["operations"] = list(operations)
        if any(attachment is not None for attachment in attachments):
            body["attachments"] = [None if data is None else "0x" + data.hex() for data in attachments]
        await self._request("POST", "/v1/transactions", body)

    async def _get(self, path: str) -> Any:
        return await self._request("GET", path, None)

    async def _exchange(self, method: str, path: str, body: Any) -> tuple[httpx.Response, bytes]:
        try:
            async with self._http.stream(method, path, json=body) as response:
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > _MAX_ANSWER:
                        raise NodeMalformed(f"the answer to {path} is larger than {_MAX_ANSWER} bytes")
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.UnsupportedProtocol,
            httpx.InvalidURL,
        ) as error:
            raise NodeUnreachable(f"{self._http.base_url}: {str(error) or type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise NodeInterrupted(f"{self._http.base_url}: {str(error) or type(error).__name__}") from error
        return response, bytes(data)

    async def _request(self, method: str, path: str, body: Any) -> Any:
        response, data = await self._exchange(method, path, body)
        try:
            # The standard parser recurses on the C stack: with a raised recursion limit, a deeply
            # nested answer would end the process.
            answer = from_json(data, allow_inf_nan=False)
        except ValueError as error:
            raise NodeMalformed(f"the answer to {path} is no JSON (status {response.status_code})") from error
        if response.is_success:
            return answer
        raise _rejection(response.status_code, answer)


def _rejection(status: int, answer: Any) -> NodeRejected:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return NodeRejected(f"Http{status}", "the node gives no cause", status)
    text = str(error.get("message", ""))[:500]
    hint = str(error.get("hint", ""))[:500]
    return NodeRejected(str(error.get("code", f"Http{status}"))[:64], f"{text} {hint}".strip(), status)

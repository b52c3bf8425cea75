"""An L1 endpoint that fails on demand: an HTTP proxy in front of a real chain.

What goes wrong is a `Disturbance`. Without one every request is passed on as it is.
"""

import asyncio
import json
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, cast

import httpx
from eth_utils.abi import function_abi_to_4byte_selector

from sotto.l1 import interface
from tests.faults.background import BackgroundServer

Call = dict[str, Any]

_BY_STATE = {
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getTransactionCount": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getStorageAt": 2,
}
"""Methods that look at the state of a block, and the place of that block in their parameters."""

_NEWEST = ("latest", "pending", "safe", None)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    body: bytes
    status: int = 200


class Upstream(Protocol):
    """The chain behind the proxy."""

    async def __call__(self, call: Call) -> Reply:
        """Its answer to a call."""


class Disturbance(Protocol):
    """What happens to a call; None drops its connection without an answer."""

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """The answer to one call."""


class Cut:
    """Connections break before anything is passed on."""

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        return None


class Hang:
    """Requests are taken and never answered; their connections break when the endpoint is healed."""

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        await asyncio.Event().wait()
        return None


@dataclass
class Errors:
    """A share of the calls fails in one of the ways in which providers fail."""

    random: Random
    share: float = 1.0

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if self.random.random() >= self.share:
            return await upstream(call)
        return self.random.choice(replies(call))


@dataclass
class Slow:
    """Every call takes a while, before or after it has its effect."""

    random: Random
    seconds: float = 1.0

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        before, after = self.random.uniform(0, self.seconds), self.random.uniform(0, self.seconds)
        await asyncio.sleep(before)
        reply = await upstream(call)
        await asyncio.sleep(after)
        return reply


@dataclass
class LostAnswers:
    """Transactions are taken, but the answers to them are lost, and some of the others too."""

    random: Random
    share: float = 0.2

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        reply = await upstream(call)
        lost = call["method"] == "eth_sendRawTransaction" or self.random.random() < self.share
        return None if lost else reply


@dataclass
class NoLogs:
    """Says that blocks have no logs, as some gateways do where a replica does not have the block yet."""

    random: Random
    share: float = 1.0

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        left_out = call["method"] == "eth_getLogs" and self.random.random() < self.share
        return _rpc_result(call, []) if left_out else await upstream(call)


class NoProofs:
    """Commits pass, and nothing that proves."""

    def __init__(self) -> None:
        self._selectors = [
            function_abi_to_4byte_selector(cast(Any, entry)).hex()
            for entry in interface.load("Rollup")
            if entry.get("name") in ("prove", "commitAndProve")
        ]

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        sends = call["method"] in ("eth_sendRawTransaction", "eth_estimateGas")
        is_proof = sends and any(selector in json.dumps(call["params"]) for selector in self._selectors)
        return None if is_proof else await upstream(call)


@dataclass
class StaleHead:
    """A replica that stopped at a block: it knows nothing later, but passes transactions on.

    Attributes:
        block: the last one that it knows.
        share: so many calls reach it; the others reach a replica that is up to date.
    """

    block: int
    random: Random
    share: float = 1.0

    async def answer(self, call: Call, upstream: Upstream) -> Reply | None:
        """See Disturbance."""
        if self.random.random() >= self.share:
            return await upstream(call)
        method, parameters = call["method"], list(call.get("params", []))
        if method == "eth_blockNumber":
            return _rpc_result(call, hex(self.block))
        if method == "eth_getBlockByNumber":
            if parameters[0] in _NEWEST:
                parameters[0] = hex(self.block)
        elif method == "eth_getLogs" and "blockHash" in parameters[0]:
            # By EIP-234 an unknown block is an error, not a block without logs.
            block = await upstream(
                {**call, "method": "eth_getBlockByHash", "params": [parameters[0]["blockHash"], False]}
            )
            if self._is_ahead(json.loads(block.body).get("result")):
                return _rpc_error(call, -32000, "unknown block")
        elif method == "eth_getLogs":
            parameters[0] = self._range(parameters[0])
        elif method in _BY_STATE:
            place = _BY_STATE[method]
            parameters += [None] * (place + 1 - len(parameters))
            if parameters[place] in _NEWEST or self._is_later(parameters[place]):
                parameters[place] = hex(self.block)
        reply = await upstream({**call, "params": parameters})
        return self._without_future(call, reply)

    def _range(self, wanted: dict[str, Any]) -> dict[str, Any]:
        end = wanted.get("toBlock")
        return {**wanted, "toBlock": hex(self.block)} if end in _NEWEST or self._is_later(end) else wanted

    def _is_later(self, block: object) -> bool:
        return isinstance(block, str) and block.startswith("0x") and int(block, 16) > self.block

    def _without_future(self, call: Call, reply: Reply) -> Reply:
        """Blocks, transactions and receipts above the head do not exist yet."""
        result = json.loads(reply.body).get("result")
        if isinstance(result, list):
            known = [item for item in result if not self._is_ahead(item)]
            return reply if len(known) == len(result) else _rpc_result(call, known)
        return _rpc_result(call, None) if self._is_ahead(result) else reply

    def _is_ahead(self, result: object) -> bool:
        if not isinstance(result, dict):
            return False
        return any(self._is_later(result.get(key)) for key in ("number", "blockNumber"))


class FaultyEndpoint(BackgroundServer):
    """The proxy. `disturb` and `heal` may be called from any thread."""

    def __init__(self, l1_url: str) -> None:
        self._l1_url = l1_url
        self._disturbance: Disturbance | None = None
        self._disturbed: set[asyncio.Task[Reply | None]] = set()
        self._client: httpx.AsyncClient | None = None
        self.calls = 0
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"

    def disturb(self, disturbance: Disturbance) -> None:
        """Let all calls from now on go through a disturbance."""

        async def change() -> None:
            self._disturbance = disturbance

        self.call(change)

    def heal(self) -> None:
        """Work again; what hangs is dropped."""

        async def change() -> None:
            self._disturbance = None
            for task in list(self._disturbed):
                task.cancel()

        self.call(change)

    async def shutdown(self) -> None:
        """See BackgroundServer."""
        if self._client is not None:
            await self._client.aclose()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See BackgroundServer."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_content_length(head))
            self.calls += 1
            reply = await self._answer(json.loads(body))
            if reply is None:
                writer.transport.abort()
                return
            writer.write(_http(reply))
            await writer.drain()

    async def _answer(self, call: Call) -> Reply | None:
        disturbance = self._disturbance
        if disturbance is None:
            return await self._upstream(call)
        task = asyncio.create_task(disturbance.answer(call, self._upstream))
        self._disturbed.add(task)
        try:
            await asyncio.wait([task])
            return None if task.cancelled() else task.result()
        finally:
            task.cancel()
            self._disturbed.discard(task)

    async def _upstream(self, call: Call) -> Reply:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=None))
        try:
            answer = await self._client.post(self._l1_url, json=call)
        except httpx.TransportError as error:
            raise ConnectionError(str(error)) from error
        return Reply(answer.content, answer.status_code)


def replies(call: Call) -> tuple[Reply, ...]:
    """The ways in which gateways and providers fail, and some that only hostile ones think of."""
    return (
        Reply(b"", 500),
        Reply(b"<html><body>502 Bad Gateway</body></html>", 502),
        Reply(b"upstream connect error", 503),
        _rpc_error(call, -32005, "daily request count exceeded", 429),
        _rpc_error(call, -32603, "internal error"),
        _rpc_error(call, -32000, "header not found"),
        Reply(b"<html>maintenance</html>"),
        Reply(b'{"jsonrpc":"2.0","id":1,"resu'),
        Reply(b"\xff\xfe"),
        Reply(b""),
        Reply(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
        _rpc_error(call, 3, "execution reverted", data="0xzz"),
        _rpc_error(call, 3, "execution reverted", data={"data": "0x123"}),
    )


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _http(reply: Reply) -> bytes:
    return (
        f"HTTP/1.1 {reply.status} Status\r\ncontent-type: application/json\r\n"
        f"content-length: {len(reply.body)}\r\n\r\n"
    ).encode() + reply.body


def _rpc_result(call: Call, result: object) -> Reply:
    return Reply(json.dumps({"jsonrpc": "2.0", "id": call.get("id"), "result": result}).encode())


def _rpc_error(call: Call, code: int, message: str, status: int = 200, data: object = None) -> Reply:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Reply(json.dumps({"jsonrpc": "2.0", "id": call.get("id"), "error": error}).encode(), status)

"""Whatever an endpoint does instead of answering, the L1 side says L1Unavailable: the node goes on."""

import contextlib
import gc
import http.client
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import Wei

from sotto.l1.blobs import BlobReference, RpcBlobs
from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import L1Error, L1Unavailable
from sotto.l1.logs import LogReader
from sotto.l1.watcher import BlockAdded, Watcher
from tests.faults.endpoint import (
    Call,
    Cut,
    Errors,
    FaultyEndpoint,
    LostAnswers,
    Reply,
    StaleHead,
    Upstream,
    replies,
)
from tests.support.chain import LocalChain, anvil

CALL: Call = {"id": 1, "method": "eth_blockNumber", "params": []}

NO_ANSWERS = (
    Reply(b'{"jsonrpc":"2.0","id":1,"result":' + b"9" * 5_000 + b"}"),
    Reply(b'{"jsonrpc":"2.0","id":1,"result":1e999}'),
    Reply(b'{"jsonrpc":"2.0","id":1,"result":[5]}'),
    Reply(b'{"jsonrpc":"2.0","id":1,"result":{"blockNumber":"0xzz"}}'),
    Reply(b'{"jsonrpc":"2.0","id":1,"method":"eth_subscription","params":5}'),
)
"""Right answers to no question."""


class Fixed:
    """Always the same answer."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def answer(self, call: Call, upstream: Upstream) -> Reply:
        """See Disturbance."""
        return self._reply


@pytest.fixture
def chain() -> Iterator[LocalChain]:
    """A chain of ten blocks."""
    with anvil() as running:
        running.mine(10)
        yield running


@pytest.fixture
def endpoint(chain: LocalChain) -> Iterator[FaultyEndpoint]:
    """The proxy in front of it."""
    with FaultyEndpoint(chain.url) as proxy:
        yield proxy


@pytest.fixture
async def web3(endpoint: FaultyEndpoint) -> AsyncIterator[AsyncWeb3[Any]]:
    """A connection through the proxy."""
    connection: AsyncWeb3[Any] = AsyncWeb3(
        AsyncHTTPProvider(endpoint.url, exception_retry_configuration=None)
    )
    yield connection
    await connection.provider.disconnect()


@pytest.mark.parametrize("reply", replies(CALL))
async def test_failures_of_the_endpoint_have_one_name(
    endpoint: FaultyEndpoint, web3: AsyncWeb3[Any], reply: Reply
) -> None:
    endpoint.disturb(Fixed(reply))
    watcher = Watcher(web3, {}, 0)
    with pytest.raises(L1Unavailable):
        await anext(watcher.changes())
    endpoint.heal()
    assert isinstance(await anext(watcher.changes()), BlockAdded)


@pytest.mark.parametrize("reply", [*replies(CALL), *NO_ANSWERS])
async def test_who_reads_the_past_has_a_name_for_whatever_is_answered(
    endpoint: FaultyEndpoint, web3: AsyncWeb3[Any], reply: Reply
) -> None:
    endpoint.disturb(Fixed(reply))
    with pytest.raises(L1Error):
        await anext(LogReader(web3).read(to_checksum_address(bytes(20)), 1, 5))
    with pytest.raises(L1Error):
        await RpcBlobs(web3).find(BlobReference(1, 16, bytes(32), 5))


async def test_dropped_connections_are_an_unavailable_l1(
    endpoint: FaultyEndpoint, web3: AsyncWeb3[Any]
) -> None:
    endpoint.disturb(Cut())
    with pytest.raises(TRANSPORT_ERRORS) as failure:
        await web3.eth.block_number
    assert isinstance(translate(failure.value), L1Unavailable)


async def test_lost_answers_belong_to_transactions_that_l1_took(
    chain: LocalChain, endpoint: FaultyEndpoint, web3: AsyncWeb3[Any]
) -> None:
    account = chain.web3.eth.accounts[0]
    transaction = {"from": account, "to": account, "value": Wei(1)}
    sent = chain.web3.eth.send_transaction(transaction)  # type: ignore[arg-type]
    chain.web3.eth.wait_for_transaction_receipt(sent)
    raw = chain.transactions(1)[0]
    chain.reorganise(1)
    endpoint.disturb(LostAnswers(Random(1), share=0))
    with pytest.raises(TRANSPORT_ERRORS):
        await web3.eth.send_raw_transaction(raw)
    assert chain.web3.eth.get_transaction_receipt(sent)["status"] == 1


async def test_a_stale_head_shows_an_older_chain_without_contradictions(
    chain: LocalChain, endpoint: FaultyEndpoint, web3: AsyncWeb3[Any]
) -> None:
    account = chain.web3.eth.accounts[0]
    head = chain.web3.eth.block_number
    sent = chain.web3.eth.send_transaction({"from": account, "to": account, "value": Wei(1)})
    chain.web3.eth.wait_for_transaction_receipt(sent)
    endpoint.disturb(StaleHead(head, Random(1)))
    assert await web3.eth.block_number == head
    assert (await web3.eth.get_block("latest"))["number"] == head
    assert await web3.eth.get_transaction_count(account) == 0
    questions = (
        web3.eth.get_transaction_receipt(sent),
        web3.eth.get_block(head + 1),
        web3.eth.get_logs({"blockHash": chain.web3.eth.get_block(head + 1)["hash"]}),
    )
    for question in questions:
        with pytest.raises(TRANSPORT_ERRORS):
            await question
    endpoint.heal()
    assert await web3.eth.get_transaction_count(account) == 1


async def test_a_share_of_the_calls_fails(endpoint: FaultyEndpoint, web3: AsyncWeb3[Any]) -> None:
    endpoint.disturb(Errors(Random(5), share=0.5))
    failed = 0
    for _ in range(20):
        try:
            await web3.eth.chain_id
        except TRANSPORT_ERRORS:
            failed += 1
    assert 0 < failed < 20


def test_an_endpoint_closes_amid_requests(chain: LocalChain) -> None:
    def ask(port: int, enough: threading.Event) -> None:
        while not enough.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("POST", "/", json.dumps(CALL))
                connection.getresponse()

    with ThreadPoolExecutor(4) as threads:
        for _ in range(12):
            enough = threading.Event()
            with FaultyEndpoint(chain.url) as endpoint:
                endpoint.disturb(Cut())
                asking = [threads.submit(ask, endpoint.port, enough) for _ in range(4)]
                time.sleep(0.02)
                endpoint.heal()
            enough.set()
            for one in asking:
                one.result(30)
    # What was left unawaited fails the test by pytest's settings.
    gc.collect()

"""Requests that no honest client sends: each is refused or its connection closed, and the node goes on."""

import json
import socket
import time
from collections.abc import Iterator

import pytest
from tests.integration.node.bounds import bounded_memory
from tests.support.chain import anvil, deploy
from tests.support.node import NodeProcess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """One node with its usual limits."""
    folder = tmp_path_factory.mktemp("hostile")
    with anvil() as chain:
        running = NodeProcess(folder, chain.url, deploy(chain, folder, sizes=(4,)))
        try:
            yield running.start()
        finally:
            running.close()


def request_with(body: bytes, header: bytes = b"") -> bytes:
    """A submission as bytes."""
    return (
        b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"connection: close\r\ncontent-length: %d\r\n%s\r\n%s" % (len(body), header, body)
    )


HOSTILE = {
    "deep lists": request_with(b'{"transactions":' + b"[" * 1_000_000),
    "deep objects": request_with(b'{"a":' * 200_000),
    "deep and balanced": request_with(b'{"transactions":' + b"[" * 400_000 + b"]" * 400_000 + b"}"),
    "long number": request_with(b'{"transactions":[' + b"9" * 1_000_000 + b"]}"),
    "not a number": request_with(b'{"transactions":[NaN]}'),
    "a lone surrogate": request_with(b'{"transactions":[{"\\ud800":1}]}'),
    "not UTF-8": request_with(b"\xff" * 1000),
    "many keys": request_with(json.dumps({"transactions": [{f"k{i}": i for i in range(50_000)}]}).encode()),
    "many transactions": request_with(json.dumps({"transactions": [{}] * 200_000}).encode()),
    "large header": request_with(b"{}", b"x-large: " + b"a" * (4 << 20) + b"\r\n"),
    "many headers": request_with(b"{}", b"x-many: 1\r\n" * 100_000),
    "negative length": b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n{}",
    "two lengths": b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\n"
    b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}    ",
    "no HTTP": bytes(range(256)) * 100,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_requests_are_refused(node: NodeProcess, case: str) -> None:
    """Each gets an error of the client's or a closed connection, and the node goes on."""
    with (
        bounded_memory(node),
        socket.create_connection(
            ("127.0.0.1", node.port), timeout=60, source_address=("127.0.1.1", 0)
        ) as connection,
    ):
        answer = b""
        try:
            connection.sendall(HOSTILE[case])
            while chunk := connection.recv(65536):
                answer += chunk
                if answer.split(b" ")[1:2] and b"\r\n\r\n" in answer:
                    break
        except ConnectionError:
            pass
    if answer:
        assert answer.split(b" ")[1].startswith(b"4"), answer[:500]
    time.sleep(0.05)
    assert node.is_ready()

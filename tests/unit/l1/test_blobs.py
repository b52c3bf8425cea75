"""Sources of blobs that lie, withhold, stall and flood, and one that helps."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from math import inf
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from structlog.testing import capture_logs

from sotto.l1 import blobs
from sotto.l1.blobs import MAX_BLOBS, BeaconBlobs, BlobReader, BlobReference, NodeBlobs
from sotto.l1.errors import BlobsMissing, BlobSourceFailed, BlobUnreadable, L1Unavailable
from sotto.protocol.blob import BLOB_BYTES
from sotto.protocol.data import read_blob
from sotto.protocol.field import byte_word_to_json, to_byte_word
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.words import data_words

GENESIS, SLOT_SECONDS, SLOT = 1_600_000_000, 12, 777
BLOCK = 55
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(scope="module")
def blob() -> CommittedBlob:
    """With words that are all below 2^248."""
    return CommittedBlob.of(range(data_words(16)))


@pytest.fixture
def wanted(blob: CommittedBlob) -> BlobReference:
    """The blob of epoch 9."""
    return BlobReference(9, 16, blob.versioned_hash, BLOCK)


class Given:
    """A source that gives something."""

    def __init__(self, name: str, *found: bytes, error: Exception | None = None) -> None:
        self.name, self.found, self.error, self.asked = name, found, error, 0

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.found


async def test_who_lies_is_passed_over_and_named(blob: CommittedBlob, wanted: BlobReference) -> None:
    words = read_blob(blob.data, 16)
    other = CommittedBlob.of([5]).data
    changed = bytes([words[0] ^ 1]) + words[1:]
    liars = [Given("liar", lie) for lie in (other, b"", b"\xff" * BLOB_BYTES, words[:-1], changed)]
    honest, spare = Given("honest", other, blob.data), Given("spare", words)
    assert await BlobReader([*liars, honest, spare]).data_words(wanted) == words
    assert ([liar.asked for liar in liars], honest.asked, spare.asked) == ([1] * 5, 1, 0)
    assert await BlobReader([spare]).data_words(wanted) == words
    with pytest.raises(BlobsMissing, match="BlobMismatch: liar gave something else") as caught:
        await BlobReader(liars).data_words(wanted)
    assert caught.value.hashes == {9: blob.versioned_hash}


async def test_what_is_withheld_is_listed_with_every_reason(wanted: BlobReference) -> None:
    sources = [Given("empty"), Given("down", error=L1Unavailable("no answer"))]
    with pytest.raises(BlobsMissing) as caught:
        await BlobReader(sources).data_words(wanted)
    text = str(caught.value)
    assert f"epoch 9: 0x{wanted.hash.hex()}" in text
    assert "empty does not have it" in text
    assert "no answer" in text
    with pytest.raises(BlobsMissing, match="no source is named"):
        await BlobReader([]).data_words(wanted)


@pytest.mark.parametrize("error", [OverflowError("so large"), RecursionError(), AttributeError("items")])
async def test_a_source_that_fails_as_nobody_foresaw_is_passed_over(
    error: Exception, blob: CommittedBlob, wanted: BlobReference
) -> None:
    odd, honest = Given("odd", error=error), Given("honest", blob.data)
    with capture_logs() as lines:
        assert await BlobReader([odd, honest]).data_words(wanted) == read_blob(blob.data, 16)
    [line] = lines
    assert line["source"] == "odd"
    assert type(error).__name__ in line["cause"]
    with pytest.raises(BlobsMissing, match=f"odd: {type(error).__name__}: {error}") as caught:
        await BlobReader([odd]).data_words(wanted)
    [cause] = caught.value.causes
    assert isinstance(cause, BlobSourceFailed)
    assert cause.__cause__ is error


async def test_a_blob_of_garbage_is_told_from_a_lie() -> None:
    garbage = CommittedBlob.of([1] * (data_words(16) + 1))
    wanted = BlobReference(9, 16, garbage.versioned_hash, BLOCK)
    spare = Given("spare")
    with pytest.raises(BlobUnreadable, match="coefficient 392"):
        await BlobReader([Given("honest", garbage.data), spare]).data_words(wanted)
    assert spare.asked == 0


async def test_no_more_blobs_than_a_block_has_are_looked_at(
    blob: CommittedBlob, wanted: BlobReference
) -> None:
    flood = Given("flood", *[b""] * MAX_BLOBS, blob.data)
    with pytest.raises(BlobsMissing):
        await BlobReader([flood]).data_words(wanted)


def reply(content: bytes, status: int = 200) -> httpx.Response:
    """An answer that is not read yet, as one from the network."""

    async def parts() -> AsyncIterator[bytes]:
        yield content

    return httpx.Response(status, content=parts())


def json_reply(data: object) -> httpx.Response:
    """An answer of the beacon API."""
    return reply(json.dumps({"data": data}).encode())


def beacon(answer: Answer, specification: Any = None, genesis: Any = None) -> BeaconBlobs:
    """A beacon API that answers questions for blobs so."""

    async def get_block(number: int) -> dict[str, int]:
        assert number == BLOCK
        return {"timestamp": GENESIS + SLOT * SLOT_SECONDS}

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/eth/v1/config/spec":
            return json_reply(specification or {"SECONDS_PER_SLOT": "12"})
        if request.url.path == "/eth/v1/beacon/genesis":
            return json_reply(genesis or {"genesis_time": str(GENESIS)})
        return answer(request)

    web3 = cast(Any, SimpleNamespace(eth=SimpleNamespace(get_block=get_block)))
    return BeaconBlobs("http://beacon.test/", web3, httpx.MockTransport(handle))


async def test_the_beacon_api_is_asked_by_slot_and_hash(blob: CommittedBlob, wanted: BlobReference) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return json_reply(["0x" + blob.data.hex()])

    assert await beacon(answer).find(wanted) == [blob.data]
    assert asked == [f"/eth/v1/beacon/blobs/{SLOT}?versioned_hashes=0x{wanted.hash.hex()}"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[" * 10_000,
        b"[]",
        b"7",
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": [5]}',
        b'{"data": ["0x00"]}',
        json.dumps({"data": ["0x" + "zz" * BLOB_BYTES]}).encode(),
        b'{"data": [' + b" " * (MAX_BLOBS * 2 * BLOB_BYTES + 10_000) + b"]}",
    ],
)
async def test_an_answer_that_is_none_has_a_name(text: bytes, wanted: BlobReference) -> None:
    source = beacon(lambda _request: reply(text))
    with pytest.raises(BlobsMissing):
        await BlobReader([source]).data_words(wanted)


@pytest.mark.parametrize(
    "specification", [{"SECONDS_PER_SLOT": "0"}, {"SECONDS_PER_SLOT": "x"}, {"OTHER": 1}, [1], "x"]
)
async def test_a_clock_that_is_none_has_a_name(specification: Any, wanted: BlobReference) -> None:
    source = beacon(lambda _request: httpx.Response(404), specification)
    with pytest.raises(BlobSourceFailed):
        await source.find(wanted)


@pytest.mark.parametrize(
    "number",
    [
        b"1e999",
        b"-1e999",
        b"Infinity",
        b"NaN",
        b"-5",
        b"18446744073709551616",
        pytest.param(b"-" + b"9" * 4300, id="long"),
    ],
)
async def test_a_clock_of_numbers_that_cannot_be_has_a_name(number: bytes, wanted: BlobReference) -> None:
    for seconds, genesis in ((number, b"5"), (b"12", number)):
        told = b'{"data":{"SECONDS_PER_SLOT":%s,"genesis_time":%s}}' % (seconds, genesis)

        def handle(_request: httpx.Request, told: bytes = told) -> httpx.Response:
            return reply(told)

        source = BeaconBlobs("http://beacon.test", cast(Any, None), httpx.MockTransport(handle))
        with pytest.raises(BlobSourceFailed):
            await source.find(wanted)
        with pytest.raises(BlobSourceFailed):
            await source.check()


async def test_no_key_in_an_address_is_shown_and_no_redirect_followed(wanted: BlobReference) -> None:
    elsewhere = httpx.Response(302, headers={"Location": "http://inside.test/"})
    source = NodeBlobs("http://user:secret@node.test/key", httpx.MockTransport(lambda _request: elsewhere))
    with pytest.raises(BlobSourceFailed, match=r"node node\.test answers .* with 302") as caught:
        await source.find(wanted)
    assert "secret" not in str(caught.value)


async def test_a_busy_source_is_asked_again(
    blob: CommittedBlob, wanted: BlobReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "BUSY_SECONDS", 0.001)
    answers = [reply(b"", 429), reply(b"", 429), reply(read_blob(blob.data, 16))]
    source = NodeBlobs("http://node.test", httpx.MockTransport(lambda _request: answers.pop(0)))
    assert await BlobReader([source]).data_words(wanted)
    monkeypatch.setattr(blobs, "ANSWER_SECONDS", 0.05)
    source = NodeBlobs("http://node.test", httpx.MockTransport(lambda _request: reply(b"", 429)))
    with pytest.raises(BlobsMissing, match="TimeoutError"):
        await BlobReader([source]).data_words(wanted)


async def test_another_node_gives_words_and_no_more(blob: CommittedBlob, wanted: BlobReference) -> None:
    words = read_blob(blob.data, 16)

    def node(content: bytes, status: int = 200) -> NodeBlobs:
        return NodeBlobs("http://node.test", httpx.MockTransport(lambda _r: reply(content, status)))

    assert await BlobReader([node(words)]).data_words(wanted) == words
    assert await node(b"", 404).find(wanted) == []
    with pytest.raises(BlobSourceFailed, match="larger than"):
        await node(words + b"\x00").find(wanted)
    with pytest.raises(BlobSourceFailed, match="503"):
        await node(b"", 503).find(wanted)


async def test_a_check_says_whether_a_source_can_be_used() -> None:
    def node(status: object) -> NodeBlobs:
        answer = json.dumps(status).encode()
        return NodeBlobs("http://node.test", httpx.MockTransport(lambda _request: reply(answer)))

    status = {"proven": 7, "domain": byte_word_to_json(to_byte_word(5))}
    assert await node(status).check(5) == "7 epochs are proven"
    with pytest.raises(BlobSourceFailed, match="of another rollup"):
        await node(status).check(6)
    for malformed in ({}, [], {**status, "domain": "0x5"}, {**status, "proven": inf}):
        with pytest.raises(BlobSourceFailed, match="no node of Sotto"):
            await node(malformed).check(5)
    assert await beacon(lambda _request: httpx.Response(404)).check() == "slots of 12 s"
    with pytest.raises(BlobSourceFailed, match="does not tell when slots begin"):
        await beacon(lambda _request: httpx.Response(404), [1]).check()

"""Where the data words of epochs are read from when L1 has them in blobs (spec 14, Where blobs are kept).

Sources are strangers: each answer is bounded in size and time, and compared with the hash that L1 names. So a
source can withhold, and then the error says what is missing; one that gives anything else is passed over, and
its name is logged.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx
import structlog
from pydantic_core import from_json
from web3 import AsyncWeb3
from web3.exceptions import Web3RPCError
from web3.types import RPCEndpoint

from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import BlobMismatch, BlobsMissing, BlobSourceFailed, BlobUnreadable, L1Error
from sotto.protocol.blob import BLOB_BYTES
from sotto.protocol.data import check_data, read_blob
from sotto.protocol.errors import BlobNotCanonical, ProtocolError
from sotto.protocol.field import byte_word_from_json, to_byte_word
from sotto.protocol.kzg import commit, versioned_hash
from sotto.protocol.words import data_words_length

log = structlog.get_logger(category="blobs")

ANSWER_SECONDS: Final = 60.0
"""For a whole answer, however slowly it comes."""

BUSY_SECONDS: Final = 1.0
"""Pause before a source that has had too many requests is asked again."""

MAX_BLOBS: Final = 64
"""Blobs of an answer that are looked at; some servers give all of a block."""

_TIMEOUT: Final = httpx.Timeout(15, connect=5)
_MAX_JSON: Final = MAX_BLOBS * (2 * BLOB_BYTES + 16) + 4096
_MAX_META: Final = 1 << 20
_TIMES: Final = 1 << 64
"""Times in seconds are below this, as the consensus specification has them in uint64."""

_NOT_FOUND: Final = 404
_OK: Final = 200
_TOO_MANY: Final = 429
_BLOB_BY_HASH: Final = RPCEndpoint("anvil_getBlobByHash")


@dataclass(frozen=True, slots=True)
class BlobReference:
    """The blob of an epoch, as its commit on L1 names it.

    Attributes:
        lanes: of the epoch; they fix how many data words there are.
        hash: versioned hash, 32 bytes.
        block: number of the L1 block of the commit.
    """

    epoch: int
    lanes: int
    hash: bytes
    block: int


class BlobSource(Protocol):
    """Something that may have blobs, or the data words that were in them."""

    name: str
    """For people: what it is and where."""

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """What may be the blob, or its data words (page 05); nothing of it is believed. Raises L1Error."""
        ...


class BlobReader:
    """Asks sources in their order until one has what L1 names."""

    def __init__(self, sources: Sequence[BlobSource]) -> None:
        self._sources = tuple(sources)
        self._failing: set[str] = set()

    async def data_words(self, wanted: BlobReference) -> bytes:
        """The data words of an epoch as bytes (page 05).

        Raises BlobsMissing with each source's reason, and BlobUnreadable when the blob itself holds none.
        """
        causes: list[Exception] = []
        for source in self._sources:
            try:
                words = await _ask(source, wanted)
            except BlobUnreadable:
                raise
            except BlobMismatch as error:
                log.error("source of blobs lies", source=source.name, epoch=wanted.epoch, cause=str(error))
                causes.append(error)
            except L1Error as error:
                # Once, not for each of thousands of epochs.
                if source.name not in self._failing:
                    log.warning(
                        "source without blob", source=source.name, epoch=wanted.epoch, cause=str(error)
                    )
                self._failing.add(source.name)
                causes.append(error)
            else:
                self._failing.discard(source.name)
                return words
        raise BlobsMissing({wanted.epoch: wanted.hash}, causes)


async def _ask(source: BlobSource, wanted: BlobReference) -> bytes:
    """The data words that a source has. Raises L1Error."""
    try:
        found = (await source.find(wanted))[:MAX_BLOBS]
        return await asyncio.to_thread(_choose, found, wanted, source.name)
    except L1Error:
        raise
    except Exception as error:
        # Nobody foresees all that a stranger can answer, and the sources behind may have the blob.
        cause = f"{type(error).__name__}: {str(error)[:200]}"
        raise BlobSourceFailed(f"{source.name}: {cause}") from error


def _choose(found: Sequence[bytes], wanted: BlobReference, name: str) -> bytes:
    """The data words among what a source gave. Raises BlobSourceFailed, BlobMismatch, BlobUnreadable."""
    if not found:
        raise BlobSourceFailed(f"{name} does not have it")
    for data in found:
        words = read_candidate(data, wanted)
        if words is not None:
            return words
    raise BlobMismatch(f"{name} gave something else than blob 0x{wanted.hash.hex()}")


def read_candidate(data: bytes, wanted: BlobReference) -> bytes | None:
    """The data words in a blob, or in themselves, if L1 names them; None if it names others.

    Raises BlobUnreadable for the blob that L1 names, when it holds no data words.
    """
    if len(data) == BLOB_BYTES:
        try:
            if versioned_hash(commit(data)) != wanted.hash:
                return None
        except (BlobNotCanonical, RuntimeError, ValueError):
            # The library has no type of its own for an element that is not below n.
            return None
        try:
            return read_blob(data, wanted.lanes)
        except ProtocolError as error:
            raise BlobUnreadable(f"epoch {wanted.epoch}: {error}") from error
    if len(data) != data_words_length(wanted.lanes):
        return None
    try:
        check_data(data, wanted.lanes, wanted.hash)
    except ProtocolError:
        return None
    return data


class RpcBlobs:
    """Blobs from the RPC of an execution client that keeps them, as anvil does."""

    def __init__(self, web3: AsyncWeb3[Any]) -> None:
        self._web3 = web3
        self.name = "L1 client"

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        try:
            answer = await self._web3.manager.coro_request(_BLOB_BY_HASH, ["0x" + wanted.hash.hex()])
        except Web3RPCError as error:
            raise BlobSourceFailed(f"the L1 client keeps no blobs: {str(error)[:200]}") from error
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise BlobSourceFailed(f"{self.name}: the answer is none: {str(error)[:200]}") from error
        return [] if answer is None else [_hex(answer, self.name)]


class _HttpSource:
    """A source behind a base address.

    Args:
        transport: for tests.
    """

    kind = ""

    def __init__(self, base: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base = base.rstrip("/")
        self._transport = transport
        # Reading the certificates for each request would take longer than the request.
        self._tls = httpx.create_ssl_context()
        # The rest of an address may hold a key.
        self.name = f"{self.kind} {urlsplit(base).netloc.rpartition('@')[2]}"

    async def _get(self, path: str, most: int) -> bytes | None:
        """An answer of at most so many bytes, None for 404. Raises BlobSourceFailed."""
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                httpx.AsyncClient(timeout=_TIMEOUT, verify=self._tls, transport=self._transport) as client,
            ):
                while True:
                    # A small compressed answer could become a large one.
                    headers = {"Accept-Encoding": "identity"}
                    async with client.stream("GET", self._base + path, headers=headers) as response:
                        if response.status_code != _TOO_MANY:
                            return await self._body(response, path, most)
                    # Who reads all epochs of a rollup asks for more than a node or provider gives at once.
                    await asyncio.sleep(BUSY_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise BlobSourceFailed(f"{self.name}: {str(error) or type(error).__name__}") from error

    async def _body(self, response: httpx.Response, path: str, most: int) -> bytes | None:
        if response.status_code == _NOT_FOUND:
            return None
        if response.status_code != _OK:
            raise BlobSourceFailed(f"{self.name} answers {path} with {response.status_code}")
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > most:
                raise BlobSourceFailed(f"{self.name}: the answer is larger than {most} bytes")
        return bytes(data)

    async def _json(self, path: str, most: int) -> Any:
        """`data` of a JSON answer, None for 404. Raises BlobSourceFailed."""
        text = await self._get(path, most)
        if text is None:
            return None
        try:
            return from_json(text, allow_inf_nan=False)["data"]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise BlobSourceFailed(f"{self.name}: the answer is not the JSON of the beacon API") from error


class BeaconBlobs(_HttpSource):
    """Blobs from the beacon API of a consensus client.

    Args:
        base: address of the API.
        web3: knows the time of the commit's block, from which its slot follows.
    """

    kind = "beacon API"

    def __init__(
        self, base: str, web3: AsyncWeb3[Any], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(base, transport)
        self._web3 = web3
        self._clock: tuple[int, int] | None = None

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        slot = await self._slot(wanted.block)
        path = f"/eth/v1/beacon/blobs/{slot}?versioned_hashes=0x{wanted.hash.hex()}"
        found = await self._json(path, _MAX_JSON)
        if found is None:
            return []
        if not isinstance(found, list):
            raise BlobSourceFailed(f"{self.name}: the answer is no list of blobs")
        return [_hex(blob, self.name) for blob in found[:MAX_BLOBS]]

    async def check(self) -> str:
        """What the API tells of itself. Raises BlobSourceFailed if it cannot be used."""
        _, seconds = await self._genesis()
        return f"slots of {seconds} s" if seconds else "no slots: blocks are asked for by number"

    async def _slot(self, block: int) -> int:
        if self._clock is None:
            self._clock = await self._genesis()
        genesis, seconds = self._clock
        if not seconds:
            return block
        try:
            time = (await self._web3.eth.get_block(block))["timestamp"]
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        return (int(time) - genesis) // seconds

    async def _genesis(self) -> tuple[int, int]:
        """Time of slot 0 and seconds of a slot; 0 seconds on a chain that has no slots, as anvil's, where
        the API takes numbers of blocks."""
        specification = await self._json("/eth/v1/config/spec", _MAX_META)
        genesis = await self._json("/eth/v1/beacon/genesis", _MAX_META)
        if specification is None and genesis is not None:
            return 0, 0
        try:
            clock = int(genesis["genesis_time"]), int(specification["SECONDS_PER_SLOT"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BlobSourceFailed(f"{self.name} does not tell when slots begin") from error
        # Numbers of thousands of digits have no text in Python.
        if not 0 <= clock[0] < _TIMES or not 1 <= clock[1] < _TIMES:
            raise BlobSourceFailed(f"{self.name} names a time or length of slots that cannot be")
        return clock


class NodeBlobs(_HttpSource):
    """Data words from another node of Sotto (`GET /v1/blobs/{versioned hash}`, spec 09)."""

    kind = "node"

    async def find(self, wanted: BlobReference) -> Sequence[bytes]:
        """See BlobSource."""
        words = await self._get(f"/v1/blobs/0x{wanted.hash.hex()}", data_words_length(wanted.lanes))
        return [] if words is None else [words]

    async def check(self, domain: int) -> str:
        """How far the node is. Raises BlobSourceFailed unless it is one of this rollup."""
        text = await self._get("/v1/status", _MAX_META)
        try:
            status = from_json(text or b"", allow_inf_nan=False)
            proven, theirs = status["proven"], byte_word_from_json(status["domain"])
        except (ValueError, KeyError, TypeError, IndexError, ProtocolError) as error:
            raise BlobSourceFailed(f"{self.name} is no node of Sotto") from error
        if theirs != to_byte_word(domain):
            raise BlobSourceFailed(f"{self.name} is of another rollup or chain")
        return f"{proven} epochs are proven"


def _hex(text: object, name: str) -> bytes:
    """The bytes of a blob in an answer. Raises BlobSourceFailed."""
    if not isinstance(text, str) or len(text) != 2 + 2 * BLOB_BYTES or not text.startswith("0x"):
        raise BlobSourceFailed(f"{name}: the answer holds something that is no blob")
    try:
        return bytes.fromhex(text[2:])
    except ValueError as error:
        raise BlobSourceFailed(f"{name}: a blob is not hexadecimal") from error

"""A signer in another process, reached through a Unix socket (docs/spec/11-signer.md)."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from pydantic_core import from_json

from sotto.protocol import accounts, babyjub
from sotto.protocol.babyjub import Point, Signature, to_public_key, to_signature
from sotto.protocol.errors import ProtocolError
from sotto.protocol.keys import ViewingKeys
from sotto.wallet.errors import SignerMalformed, SignerRefused, SignerUnreachable
from sotto.wallet.signer import SigningRequest
from sotto.wallet.signing_request import encode_request

VERSION: Final = 1
MAX_LINE: Final = 1 << 16
"""Bytes of a request or an answer."""

_APPROVAL_SECONDS: Final = 900.0


class RemoteSigner:
    """Asks a signer process. Make one with `connect`."""

    def __init__(self, socket: Path, keys: Sequence[Point]) -> None:
        self._socket = socket
        self._keys = tuple(keys)

    @classmethod
    async def connect(cls, socket: Path, view: ViewingKeys) -> Self:
        """Ask which keys a signer has.

        Raises SignerUnreachable, SignerMalformed when they are not this wallet's.
        """
        answer = await _ask(socket, {"version": VERSION, "what": "keys"})
        try:
            found = [to_public_key(int(x, 16), int(y, 16)) for x, y in answer["keys"]]
            owner = int(answer["owner"], 16)
        except (KeyError, TypeError, ValueError, ProtocolError) as error:
            raise SignerMalformed(f"keys: {type(error).__name__}") from error
        if owner != view.owner:
            raise SignerMalformed("the signer has the keys of another wallet or deployment")
        return cls(socket, found)

    @property
    def keys(self) -> Sequence[Point]:
        """See Signer."""
        return self._keys

    async def sign(self, key: Point, request: SigningRequest) -> Signature:
        """See Signer. Raises SignerUnreachable, SignerRefused, SignerMalformed."""
        asked = {
            "version": VERSION,
            "what": "sign",
            "request": encode_request(accounts.key_hash(key), request),
        }
        answer = await _ask(self._socket, asked)
        try:
            x, y, s = (int(word, 16) for word in answer["signature"])
            signature = to_signature(x, y, s)
            babyjub.verify(key, request.plan.transaction.h, signature)
        except (KeyError, TypeError, ValueError, ProtocolError) as error:
            raise SignerMalformed(f"signature: {type(error).__name__}") from error
        return signature


async def _ask(socket: Path, request: dict[str, Any]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_APPROVAL_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket, limit=MAX_LINE)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                await writer.drain()
                line = await reader.readuntil(b"\n")
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise SignerUnreachable(f"{socket}: {str(error) or type(error).__name__}") from error
    except asyncio.LimitOverrunError as error:
        raise SignerMalformed("the answer is too long") from error
    try:
        answer = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise SignerMalformed("the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise SignerMalformed("the answer is no object")
    if "error" in answer:
        raise SignerRefused(str(answer["error"])[:500])
    return answer

"""The process that holds the spending key: it reviews requests, asks its user or a policy, and signs."""

import asyncio
import contextlib
import json
import os
import socket as sockets
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic_core import from_json

from sotto.protocol import accounts
from sotto.protocol.babyjub import public_key
from sotto.protocol.field import Field
from sotto.protocol.keys import derive
from sotto.wallet.errors import PolicyViolated, SigningRequestRefused, WalletError
from sotto.wallet.keyfile import Secret
from sotto.wallet.remote import MAX_LINE, VERSION
from sotto.wallet.signer import sign
from sotto.wallet.signing_request import Reviewed, review

_OWNER_ONLY: Final = 0o600
_REQUEST_SECONDS: Final = 10.0


class Approver(Protocol):
    """Decides whether a transaction is signed."""

    async def approve(self, reviewed: Reviewed) -> None:
        """Return to sign. Raises PolicyViolated, SigningRequestRefused."""


@dataclass
class Policy:
    """Limits within which transactions are signed without asking.

    Attributes:
        transaction: highest amount that may leave in one transaction, by asset; others: none.
        total: highest amount that may leave while the process runs, fees included, by asset; others: none.
        fee: highest fee of one transaction, by asset; others: none.
        receivers: Sotto and L1 addresses (lower case), None for any.
    """

    transaction: Mapping[int, int]
    total: Mapping[int, int]
    fee: Mapping[int, int]
    receivers: frozenset[str] | None = None
    _spent: Counter[int] = field(default_factory=Counter)
    _signed: set[Field] = field(default_factory=set)

    async def approve(self, reviewed: Reviewed) -> None:
        """See Approver. A transaction that was signed before is signed again, and counted once."""
        if reviewed.keys:
            raise PolicyViolated("a change of the account's keys needs a person")
        for asset, value in reviewed.leaving.items():
            self._check("in one transaction", asset, value, self.transaction)
        if reviewed.fee:
            self._check("as a fee", reviewed.fee_asset, reviewed.fee, self.fee)
        if self.receivers is not None:
            named = {receiver.address for receiver in reviewed.receivers}
            if reviewed.recipient:
                named.add(f"0x{reviewed.recipient:040x}")
            if not named <= self.receivers:
                raise PolicyViolated(f"{min(named - self.receivers)} is no receiver of the list")
        if reviewed.h in self._signed:
            return
        spent = self._spent + Counter(reviewed.leaving) + Counter({reviewed.fee_asset: reviewed.fee})
        for asset, value in spent.items():
            self._check("in all", asset, value, self.total)
        self._spent = spent
        self._signed.add(reviewed.h)

    def _check(self, what: str, asset: int, value: int, limits: Mapping[int, int]) -> None:
        limit = limits.get(asset, 0)
        if value > limit:
            raise PolicyViolated(f"{value} smallest units of asset {asset} {what}, at most {limit}")


class SigningService:
    """Answers on a Unix socket. One request after the other is put before the approver."""

    def __init__(self, secret: Secret, approver: Approver) -> None:
        keys = derive(secret.seed, secret.domain)
        self._view = keys.viewing
        self._seeds = {
            accounts.key_hash(public_key(seed)): seed
            for seed in reversed([keys.account_seed, *secret.signing_keys])
        }
        self._approver = approver
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen as long as the context lasts. The socket is for its owner only; an old one is replaced.

        Raises OSError.
        """
        _remove(path)
        # The permissions are right from the first moment on: nobody else can connect in between.
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._serve, path, limit=MAX_LINE)
        finally:
            os.umask(mask)
        try:
            yield
        finally:
            server.close()
            _remove(path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _peer(writer) != os.getuid():
                return
            async with asyncio.timeout(_REQUEST_SECONDS):
                line = await reader.readuntil(b"\n")
            answer = await self.answer(line)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # Whoever asked does not speak the protocol, or has left.
            return
        finally:
            writer.close()

    async def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to a request."""
        try:
            request = from_json(line, allow_inf_nan=False)
            if not isinstance(request, dict) or request.get("version") != VERSION:
                raise SigningRequestRefused("format", f"this signer speaks version {VERSION}")
            if request.get("what") == "keys" and set(request) == {"version", "what"}:
                return self._keys()
            if request.get("what") == "sign" and set(request) == {"version", "what", "request"}:
                return await self._sign(request["request"])
            raise SigningRequestRefused("format", "unknown request")
        except ValueError:
            return {"error": "format: no JSON"}
        except WalletError as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _keys(self) -> dict[str, Any]:
        points = [public_key(seed) for seed in self._seeds.values()]
        return {"owner": hex(self._view.owner), "keys": [[hex(point.x), hex(point.y)] for point in points]}

    async def _sign(self, data: Any) -> dict[str, Any]:
        reviewed = await asyncio.to_thread(review, data, self._view)
        seed = self._seeds.get(reviewed.key)
        if seed is None:
            raise SigningRequestRefused("key", "it is not one of this signer")
        async with self._lock:
            await self._approver.approve(reviewed)
        signature = sign(seed, reviewed.h)
        words = (signature.r.x, signature.r.y, signature.s)
        return {"h": hex(reviewed.h), "signature": [hex(word) for word in words]}


def _remove(path: Path) -> None:
    """Remove a socket, and nothing else."""
    if path.is_socket():
        path.unlink(missing_ok=True)


def _peer(writer: asyncio.StreamWriter) -> int:
    """User id of the other end."""
    connection: sockets.socket = writer.get_extra_info("socket")
    size = struct.calcsize("3i")
    _process, user, _group = struct.unpack(
        "3i", connection.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, size)
    )
    return int(user)

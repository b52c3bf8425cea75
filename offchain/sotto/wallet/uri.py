"""Payment URIs: `sotto:` with what a receiver asks for (docs/spec/10-payment-uri.md)."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from sotto.protocol.ciphertext import REFERENCE_BYTES
from sotto.protocol.notes import ASSET_BITS
from sotto.wallet.errors import PaymentUriExpired, PaymentUriInvalid

SCHEME: Final = "sotto:"
MAX_CHARACTERS: Final = 2048
MAX_MEMO_BYTES: Final = 381

_ADDRESS: Final = re.compile(r"[a-z0-9]{1,200}|[A-Z0-9]{1,200}")
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,39})(\.[0-9]{1,77})?")
_NATURAL: Final = re.compile(r"[1-9][0-9]{0,19}")
_ENCODED: Final = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*")
_REFERENCE: Final = re.compile(rf"[0-9a-f]{{{2 * REFERENCE_BYTES}}}")
_EXPIRES_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a receiver asks for; only the address is certain to be there.

    Attributes:
        address: Sotto address. Whether it is one, and of which deployment, the payer's wallet finds out.
        asset: number of the asset.
        amount: in whole units of the asset, as text; never without asset.
        memo: for the payment's memo.
        reference: 20 bytes for the payment's reference.
        expires: Unix seconds after which it should not be paid.
    """

    address: str
    asset: int | None = None
    amount: str | None = None
    memo: str = ""
    reference: bytes | None = None
    expires: int | None = None

    def check_time(self, now: float) -> None:
        """Raise PaymentUriExpired if `now`, in Unix seconds, is too late."""
        if self.expires is not None and now > self.expires:
            raise PaymentUriExpired(f"it was valid until {self.expires} (Unix seconds)")


def encode_uri(request: PaymentRequest) -> str:
    """The one URI that a wallet writes for a request. Raises PaymentUriInvalid for what no URI can say."""
    parts = []
    if request.asset is not None:
        parts.append(f"asset={request.asset}")
    if request.amount is not None:
        parts.append(f"amount={request.amount}")
    if request.memo:
        parts.append(f"memo={quote(request.memo, safe='')}")
    if request.reference is not None:
        parts.append(f"reference={request.reference.hex()}")
    if request.expires is not None:
        parts.append(f"expires={request.expires}")
    text = SCHEME + request.address + ("?" + "&".join(parts) if parts else "")
    if parse_uri(text) != request:
        raise PaymentUriInvalid("the request has parts that a URI cannot say")
    return text


def parse_uri(text: str) -> PaymentRequest:
    """Inverse of `encode_uri`, in any order of the parts. Raises PaymentUriInvalid."""
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise PaymentUriInvalid(f"more than {MAX_CHARACTERS} characters, or others than ASCII")
    if text[: len(SCHEME)].lower() != SCHEME:
        raise PaymentUriInvalid(f"it does not begin with {SCHEME}")
    address, mark, query = text[len(SCHEME) :].partition("?")
    if not _ADDRESS.fullmatch(address):
        raise PaymentUriInvalid("no address follows the scheme")
    parts = _parts(query) if mark else {}
    if "amount" in parts and "asset" not in parts:
        raise PaymentUriInvalid("an amount needs an asset")
    return PaymentRequest(
        address,
        _natural(parts, "asset", ASSET_BITS),
        _amount(parts.get("amount")),
        _memo(parts.get("memo")),
        _reference(parts.get("reference")),
        _natural(parts, "expires", _EXPIRES_BITS),
    )


def _parts(query: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key not in ("asset", "amount", "memo", "reference", "expires"):
            # What is not understood could change what is meant.
            raise PaymentUriInvalid(f"unknown part {key[:40]!r}")
        if key in parts or not value:
            raise PaymentUriInvalid(f"{key} is empty or there twice")
        parts[key] = value
    return parts


def _natural(parts: dict[str, str], key: str, bits: int) -> int | None:
    value = parts.get(key)
    if value is None:
        return None
    if not _NATURAL.fullmatch(value) or int(value) >> bits:
        raise PaymentUriInvalid(f"{key} is no whole number above zero of {bits} bits")
    return int(value)


def _amount(value: str | None) -> str | None:
    if value is not None and (not _AMOUNT.fullmatch(value) or not set(value) & set("123456789")):
        raise PaymentUriInvalid("the amount is no decimal number above zero")
    return value


def _memo(value: str | None) -> str:
    if value is None:
        return ""
    if not _ENCODED.fullmatch(value):
        raise PaymentUriInvalid("the memo is not percent-encoded")
    data = unquote_to_bytes(value)
    if len(data) > MAX_MEMO_BYTES:
        raise PaymentUriInvalid(f"the memo has {len(data)} bytes, at most {MAX_MEMO_BYTES} are possible")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PaymentUriInvalid("the memo is not UTF-8") from error


def _reference(value: str | None) -> bytes | None:
    if value is None:
        return None
    if not _REFERENCE.fullmatch(value):
        raise PaymentUriInvalid(f"the reference is not {2 * REFERENCE_BYTES} lower-case hex digits")
    return bytes.fromhex(value)

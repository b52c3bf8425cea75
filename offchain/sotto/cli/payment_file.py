"""Files with payments to many receivers: CSV or JSON, read strictly."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic_core import from_json

from sotto.protocol.ciphertext import REFERENCE_BYTES
from sotto.wallet.errors import BatchFileInvalid

MAX_BYTES: Final = 4 << 20
MAX_PAYMENTS: Final = 10_000

_KEYS: Final = ("address", "amount", "memo", "reference")
_REQUIRED: Final = {"address", "amount"}


@dataclass(frozen=True, slots=True)
class Row:
    """One receiver; `amount` in whole units of the asset, as text."""

    address: str
    amount: str
    memo: str = ""
    reference: bytes = bytes(REFERENCE_BYTES)


def read_payments(path: Path) -> list[Row]:
    """The payments of a file named .csv or .json. Raises BatchFileInvalid."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BatchFileInvalid(f"{path}: {error}") from error
    if len(data) > MAX_BYTES:
        raise BatchFileInvalid(f"{path} has more than {MAX_BYTES} bytes")
    if path.suffix.lower() not in (".csv", ".json"):
        raise BatchFileInvalid(f"{path} is named neither .csv nor .json")
    rows = list((_json if path.suffix.lower() == ".json" else _csv)(text))
    if not 0 < len(rows) <= MAX_PAYMENTS:
        raise BatchFileInvalid(f"{len(rows)} payments, 1 to {MAX_PAYMENTS} are possible")
    return rows


def refuse_duplicates(rows: list[Row]) -> None:
    """Raise BatchFileInvalid if an address is there twice: more often a mistake than meant."""
    seen: set[str] = set()
    for row in rows:
        address = row.address.strip().lower()
        if address in seen:
            raise BatchFileInvalid(f"{row.address[:24]}... is there twice; allow it with --allow-duplicates")
        seen.add(address)


def _csv(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(reader, [])
        if not set(head) >= _REQUIRED or not set(head) <= set(_KEYS) or len(set(head)) != len(head):
            raise BatchFileInvalid(f"the first row names the columns: {', '.join(_KEYS)}")
        for cells in reader:
            if cells:
                if len(cells) != len(head):
                    raise BatchFileInvalid(f"line {reader.line_num} has {len(cells)} columns")
                yield _row(dict(zip(head, cells, strict=True)), f"line {reader.line_num}")
    except csv.Error as error:
        raise BatchFileInvalid(f"line {reader.line_num}: {error}") from error


def _json(text: str) -> Iterator[Row]:
    try:
        # Its limit of nesting is its own; that of `json` is the interpreter's, which libraries raise beyond
        # what the stack holds.
        items = from_json(text)
    except ValueError as error:
        raise BatchFileInvalid(f"no JSON: {str(error)[:200]}") from error
    if not isinstance(items, list):
        raise BatchFileInvalid("the JSON is no list of payments")
    for number, item in enumerate(items):
        if not isinstance(item, dict) or not set(item) >= _REQUIRED or not set(item) <= set(_KEYS):
            raise BatchFileInvalid(f"payment {number} is no object with the keys {', '.join(_KEYS)}")
        if not all(isinstance(value, str) for value in item.values()):
            raise BatchFileInvalid(f"payment {number}: write every value, amounts too, as text")
        yield _row(item, f"payment {number}")


def _row(item: Mapping[str, str], place: str) -> Row:
    text = item.get("reference", "").removeprefix("0x")
    try:
        reference = bytes.fromhex(text) if text else bytes(REFERENCE_BYTES)
    except ValueError:
        reference = b""
    if len(reference) != REFERENCE_BYTES:
        raise BatchFileInvalid(f"{place}: a reference has {2 * REFERENCE_BYTES} hex digits")
    return Row(item["address"].strip(), item["amount"].strip(), item.get("memo", ""), reference)

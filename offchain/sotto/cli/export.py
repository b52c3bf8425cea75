"""The history as CSV, for spreadsheets and bookkeeping."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sotto.cli.output import escape
from sotto.protocol.field import Field, field_to_json
from sotto.wallet.amounts import Asset, format_amount
from sotto.wallet.state import Action, ActionKind, Payment

COLUMNS: Final = (
    "number",
    "time",
    "kind",
    "direction",
    "status",
    "amount",
    "symbol",
    "asset",
    "smallest_units",
    "fee",
    "fee_symbol",
    "fee_smallest_units",
    "counterparty",
    "reference",
    "memo",
    "epoch",
    "lane",
    "id",
    "l1_transaction",
    "claim",
    "cause",
)
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_INCOMING: Final = (ActionKind.DEPOSIT, ActionKind.RECEIVED)


def history_csv(actions: Sequence[Action], assets: Mapping[int, Asset]) -> str:
    """CSV (RFC 4180) with one row for each payment; the fee of an action is in its first row.

    Amounts are exact decimals without sign. No cell begins like a formula, whatever others have written.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for action in actions:
        for row in _rows(action, assets):
            writer.writerow([defuse(cell) for cell in row])
    return out.getvalue()


def defuse(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, and without control characters."""
    shown = escape(cell)
    return "'" + shown if shown.lstrip().startswith(_FORMULA) else shown


def _rows(action: Action, assets: Mapping[int, Asset]) -> Iterator[list[str]]:
    payments = action.payments or [Payment(address="", value=action.value)]
    for number, payment in enumerate(payments):
        partner = f"0x{action.l1_recipient:040x}" if action.l1_recipient else payment.address
        fee = action.fee if number == 0 else 0
        yield [
            str(action.number),
            ""
            if action.created is None
            else datetime.fromtimestamp(action.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            str(action.kind),
            "in" if action.kind in _INCOMING else "" if action.kind == ActionKind.ACCOUNT else "out",
            str(action.status),
            *_amount(payment.value, action.asset, assets),
            str(action.asset),
            str(payment.value),
            *(_amount(fee, action.fee_asset, assets) if fee else ("", "")),
            str(fee) if fee else "",
            partner,
            "" if not int(payment.reference, 16) else payment.reference,
            payment.memo,
            "" if action.epoch is None else str(action.epoch),
            "" if action.lane is None else str(action.lane),
            field_to_json(Field(action.h)),
            action.l1_transaction,
            action.claimed,
            action.cause,
        ]


def _amount(value: int, asset: int, assets: Mapping[int, Asset]) -> tuple[str, str]:
    known = assets.get(asset)
    return ("", "") if known is None else (format_amount(value, known.decimals), known.symbol)

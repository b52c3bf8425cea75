"""Rows and JSON of balances and actions."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sotto.protocol.field import Field, field_to_json
from sotto.wallet.amounts import Asset, format_amount
from sotto.wallet.receipts import L1Receipt
from sotto.wallet.state import Action, ActionKind, ActionStatus, Balance

Assets = Mapping[int, Asset]


def shown_amount(value: int, asset: int, assets: Assets) -> str:
    """Amount with symbol; smallest units of an asset that is not known."""
    known = assets.get(asset)
    if known is None:
        return f"{value} of asset {asset}"
    return f"{format_amount(value, known.decimals)} {known.symbol}"


def amount_data(value: int, asset: int, assets: Assets) -> dict[str, object]:
    """JSON of an amount."""
    known = assets.get(asset)
    return {
        "asset": asset,
        "symbol": known.symbol if known else None,
        "amount": format_amount(value, known.decimals) if known else None,
        "smallest_units": str(value),
    }


def symbol_of(asset: int, assets: Assets) -> str:
    """Symbol of an asset, or its number."""
    return assets[asset].symbol if asset in assets else f"asset {asset}"


def balance_data(balances: Mapping[int, Balance], assets: Assets) -> list[dict[str, object]]:
    """JSON of balances."""
    return [
        {
            "asset": asset,
            "symbol": assets[asset].symbol if asset in assets else None,
            "available": amount_data(balance.available, asset, assets),
            "pending_in": amount_data(balance.pending_in, asset, assets),
            "pending_out": amount_data(balance.pending_out, asset, assets),
            "claimed_spent": amount_data(balance.claimed_spent, asset, assets),
        }
        for asset, balance in sorted(balances.items())
    ]


def balance_rows(balances: Mapping[int, Balance], assets: Assets) -> list[list[str]]:
    """Rows of balances."""
    return [
        [
            symbol_of(asset, assets),
            shown_amount(balance.available, asset, assets),
            shown_amount(balance.pending_in, asset, assets),
            shown_amount(balance.pending_out, asset, assets),
        ]
        for asset, balance in sorted(balances.items())
    ]


def action_data(action: Action, assets: Assets) -> dict[str, object]:
    """JSON of a line of the history."""
    return {
        "number": action.number,
        "kind": str(action.kind),
        "id": field_to_json(Field(action.h)),
        "status": str(action.status),
        "cause": action.cause,
        "value": amount_data(action.value, action.asset, assets),
        "fee": amount_data(action.fee, action.fee_asset, assets) if action.fee else None,
        "payments": [
            {
                "address": payment.address or None,
                "value": amount_data(payment.value, action.asset, assets),
                "reference": payment.reference,
                "memo": payment.memo or None,
            }
            for payment in action.payments
        ],
        "created": None
        if action.created is None
        else datetime.fromtimestamp(action.created, UTC).isoformat(),
        "epoch": action.epoch,
        "lane": action.lane,
        "l1_recipient": f"0x{action.l1_recipient:040x}" if action.l1_recipient else None,
        "l1_transaction": action.l1_transaction or None,
        "queue_index": action.queue_index,
        "claimed": action.claimed or None,
    }


def action_row(action: Action, assets: Assets) -> list[str]:
    """Row of a line of the history."""
    partner = ", ".join(_short(payment.address) for payment in action.payments if payment.address)
    if action.kind == ActionKind.WITHDRAWN:
        claimed = "claimed" if action.claimed else "not claimed"
        partner = f"0x{action.l1_recipient:040x}, {claimed}"
    memos = [f'"{payment.memo}"' for payment in action.payments if payment.memo]
    partner = " ".join([partner, *memos]).strip()
    status = str(action.status) + (f" ({action.cause})" if action.cause else "")
    if action.status == ActionStatus.PENDING and action.queue_index is not None:
        status += f" (item {action.queue_index} of the queue on L1)"
    return [
        str(action.number),
        str(action.kind),
        shown_amount(action.value, action.asset, assets),
        shown_amount(action.fee, action.fee_asset, assets) if action.fee else "",
        status,
        "" if action.epoch is None else str(action.epoch),
        partner,
    ]


def receipt_data(receipt: L1Receipt) -> dict[str, object]:
    """JSON of an L1 transaction."""
    return {"transaction": receipt.hash, "gas": receipt.gas, "block": receipt.block}


def _short(address: str) -> str:
    return f"{address[:14]}...{address[-6:]}" if len(address) > 24 else address

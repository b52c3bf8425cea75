"""Exports of the history: exact, complete, and harmless in a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cli.conftest import Run, document
from tests.unit.wallet.recorded import ETHER, RecordedNode

from sotto.cli import codes
from sotto.cli.export import COLUMNS, defuse, history_csv
from sotto.wallet.amounts import Asset
from sotto.wallet.state import Action, ActionKind, ActionStatus, Payment

TOKEN = Asset(2, "0x" + "22" * 20, "=1+1", 6)
ASSETS = {1: Asset(1, None, "ETH", 18), 2: TOKEN}


def rows(text: str) -> list[dict[str, str]]:
    """The rows as a reader of CSV sees them."""
    return list(csv.DictReader(io.StringIO(text)))


def test_each_payment_has_its_row_and_the_fee_is_counted_once() -> None:
    action = Action(
        number=3,
        kind=ActionKind.SENT,
        h=7,
        asset=2,
        value=3_000_001,
        fee=10**12,
        fee_asset=1,
        payments=[
            Payment(address="sotto1a", value=1, reference="0a" * 20),
            Payment(address="=HYPERLINK(1)", value=3_000_000),
        ],
        status=ActionStatus.PROVEN,
        created=1_700_000_000,
        epoch=5,
        lane=0,
        cause="@x\n\x1b[2J",
    )
    first, second = rows(history_csv([action], ASSETS))
    assert tuple(first) == COLUMNS
    assert (first["amount"], first["smallest_units"], first["symbol"]) == ("0.000001", "1", "'=1+1")
    assert (second["amount"], second["smallest_units"]) == ("3", "3000000")
    assert (first["fee"], first["fee_symbol"], first["fee_smallest_units"]) == (
        "0.000001",
        "ETH",
        str(10**12),
    )
    assert (second["fee"], second["fee_symbol"], second["fee_smallest_units"]) == ("", "", "")
    assert first["time"] == "2023-11-14T22:13:20Z"
    assert (first["direction"], first["reference"], second["reference"]) == ("out", "0a" * 20, "")
    assert second["counterparty"] == "'=HYPERLINK(1)"
    assert first["cause"] == "'@x\\n\\x1b[2J"


def test_unknown_asset_has_no_amount_but_its_units() -> None:
    (row,) = rows(history_csv([Action(number=0, kind=ActionKind.RECEIVED, h=1, asset=9, value=5)], ASSETS))
    assert (row["amount"], row["symbol"], row["smallest_units"], row["direction"]) == ("", "", "5", "in")


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    shown = defuse(text)
    assert shown.isprintable() or not shown
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_commands(run: Run, wallet: Path, node: RecordedNode, node_url: str, tmp_path: Path) -> None:
    here = ("--wallet", str(wallet), "--node", node_url)
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 2 * ETHER + 1)
    node.close()
    (row,) = rows(run("wallet", "history", *here, "--csv").stdout)
    assert (row["kind"], row["amount"], row["status"]) == ("deposit", "2.000000000000000001", "proven")
    for name, flag in (("a.csv", "--csv"), ("a.json", "--json")):
        out = tmp_path / name
        assert run("wallet", "history", *here, flag, "--out", str(out)).exit_code == codes.OK
        assert out.stat().st_mode & 0o777 == 0o600
    assert rows((tmp_path / "a.csv").read_text()) == [row]
    assert json.loads((tmp_path / "a.json").read_text())[0]["value"]["amount"] == row["amount"]
    for wrong in (("--csv", "--json"), ("--out", str(tmp_path / "x"))):
        assert run("wallet", "history", *here, *wrong).exit_code == codes.USAGE


@pytest.mark.parametrize("text", ["", "  ", "a=b", "1.5"])
def test_plain_cells_stay(text: str) -> None:
    assert defuse(text) == text

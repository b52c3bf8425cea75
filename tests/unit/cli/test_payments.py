"""Payments from the command line: one, many, from files, and on request."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cli.conftest import Run, document
from tests.unit.wallet.recorded import ETHER, CheckingProver, RecordedNode
from tests.unit.wallet.test_batches import stranger

from sotto.cli import codes
from sotto.cli.payment_file import read_payments
from sotto.wallet import wallet as wallet_module
from sotto.wallet.errors import BatchFileInvalid
from sotto.wallet.uri import parse_uri


@pytest.fixture
def here(
    run: Run, wallet: Path, node: RecordedNode, node_url: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """Options of a wallet with 2 ETH."""
    monkeypatch.setattr(wallet_module, "NativeProver", CheckingProver)
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 2 * ETHER)
    node.close()
    return ("--wallet", str(wallet), "--node", node_url, "--json")


def closing(node: RecordedNode) -> None:
    """Epochs of 4 lanes, closed as soon as anybody asks for the status."""

    def tampered(path: str, answer: Any) -> Any:
        if path != "/v1/status":
            return answer
        if len(node.pool):
            node.close()
            return tampered(path, node._status())
        return {**answer, "lanes": [4]}

    node.tamper = tampered


def test_one_receiver_with_a_memo(run: Run, here: tuple[str, ...], node: RecordedNode) -> None:
    sent = run("wallet", "send", *here, "0.5", "ETH", stranger(1), "--memo", "tea\x1b[2J")
    assert sent.exit_code == codes.OK, sent.output
    assert document(sent)["payments"][0]["memo"] == "tea\x1b[2J"
    assert len(node.attachments) == 1
    plain = run("wallet", "history", *here[:-1], "--offline")
    assert "\x1b" not in plain.stdout
    assert "tea\\x1b[2J" in plain.stdout
    long = run("wallet", "send", *here, "0.5", "ETH", stranger(1), "--memo", "x" * 382)
    assert document(long)["error"]["code"] == "MemoInvalid"


def test_several_receivers_in_one_bundle(run: Run, here: tuple[str, ...], node: RecordedNode) -> None:
    receivers = [f"{stranger(number)}=0.0{number}" for number in (1, 2, 3)]
    options = [option for receiver in receivers for option in ("--to", receiver)]
    sent = run("wallet", "send", *here, "ETH", *options)
    assert sent.exit_code == codes.OK, sent.output
    assert [p["value"]["amount"] for p in document(sent)["payments"]] == ["0.01", "0.02", "0.03"]
    (bundle,) = node.pool
    assert len(bundle.members) == 2


def test_many_receivers_from_a_file(
    run: Run, here: tuple[str, ...], node: RecordedNode, tmp_path: Path
) -> None:
    closing(node)
    file = tmp_path / "payments.csv"
    lines = [
        "address,amount,memo",
        *(f"{stranger(n)},0.00{n + 1},{'hi' if n == 8 else ''}" for n in range(9)),
    ]
    file.write_text("\n".join(lines) + "\n")
    refused = run("wallet", "send", *here, "ETH", "--file", str(file), input="n\n")
    assert refused.exit_code != codes.OK
    assert "2 bundles" in refused.stderr
    assert document(run("wallet", "batch", "list", *here)) == []
    sent = run("wallet", "send", *here, "ETH", "--file", str(file), "--yes")
    assert sent.exit_code == codes.OK, sent.output
    assert document(sent) == {
        "batch": 0, "proven": 9, "pending": 0, "open": 0, "stopped": False, "finished": True,
    }  # fmt: skip
    assert [row["finished"] for row in document(run("wallet", "batch", "list", *here))] == [True]
    assert document(run("wallet", "batch", "resume", *here, "0"))["proven"] == 9
    assert document(run("wallet", "batch", "stop", *here, "0"))["stopped"]
    assert document(run("wallet", "batch", "resume", *here, "1"))["error"]["code"] == "BatchUnknown"


def test_wrong_usage(run: Run, here: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"address,amount\n{stranger(1)},1\n")
    to = ("--to", f"{stranger(1)}=1")
    for arguments in (
        (),
        ("1", "ETH"),
        ("ETH",),
        ("1", "ETH", stranger(1), *to),
        ("ETH", *to, "--file", str(file)),
        ("ETH", "--to", stranger(1)),
        ("ETH", "--file", str(file), "--memo", "x"),
        ("ETH", *to, "--to", f"{stranger(2)}=1", "--memo", "x"),
    ):
        assert run("wallet", "send", *here, *arguments).exit_code == codes.USAGE, arguments
    twice = run("wallet", "send", *here, "ETH", *to, *to)
    assert document(twice)["error"]["code"] == "BatchFileInvalid"
    allowed = run("wallet", "send", *here, "ETH", *to, *to, "--allow-duplicates")
    assert document(allowed)["error"]["code"] == "InsufficientFunds"


def test_request_and_payment(run: Run, here: tuple[str, ...], node: RecordedNode, wallet: Path) -> None:
    ask = ("wallet", "request", "--wallet", str(wallet), "--json")
    uri = document(run(*ask, "--amount", "0.25", "--asset", "1", "--memo", "for\x07 you"))["uri"]
    assert parse_uri(uri).amount == "0.25"
    refused = run("wallet", "pay", *here, uri, input="n\n")
    assert refused.exit_code != codes.OK
    assert "for\\x07 you" in refused.stderr
    paid = run("wallet", "pay", *here, uri, "--yes")
    assert paid.exit_code == codes.OK, paid.output
    assert document(paid)["value"]["amount"] == "0.25"
    assert document(paid)["payments"][0]["memo"] == "for\x07 you"

    open_request = document(run(*ask))["uri"]
    assert (
        document(run("wallet", "pay", *here, open_request, "--yes"))["error"]["code"] == "PaymentUriInvalid"
    )
    assert run("wallet", "pay", *here, uri, "--amount", "1", "--yes").exit_code == codes.USAGE
    node.close()
    more = run("wallet", "pay", *here, open_request, "--amount", "0.1", "--asset", "ETH", "--yes")
    assert more.exit_code == codes.OK, more.output
    late = uri + f"&expires={int(time.time()) - 10}"
    assert document(run("wallet", "pay", *here, late, "--yes"))["error"]["code"] == "PaymentUriExpired"
    assert document(run(*ask, "--amount", "1"))["error"]["code"] == "PaymentUriInvalid"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "address,amount\n"),
        ("a.csv", "a,1\nb,2\n"),
        ("a.csv", "address\na\n"),
        ("a.csv", "address,amount,fee\na,1,2\n"),
        ("a.csv", "address,amount,amount\na,1,2\n"),
        ("a.csv", "address,amount\na,1,2\n"),
        ("a.csv", 'address,amount\n"a,1\n'),
        ("a.csv", "address,amount,reference\na,1,zz\n"),
        ("a.csv", "address,amount,reference\na,1,00\n"),
        ("a.json", ""),
        ("a.json", "{}"),
        ("a.json", "[]"),
        ("a.json", "[1]"),
        ("a.json", '[{"address": "a"}]'),
        ("a.json", '[{"address": "a", "amount": 1.1}]'),
        ("a.json", '[{"address": "a", "amount": "1", "asset": "2"}]'),
        ("a.json", "[" * 100_000),
        ("a.txt", "address,amount\na,1\n"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(BatchFileInvalid):
        read_payments(path)


def test_both_kinds_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b'\xef\xbb\xbfamount,address,memo\r\n1.5, a ,"one, two\nthree"\r\n\r\n2,b,\r\n'
    )
    (tmp_path / "a.json").write_text(
        json.dumps(
            [{"address": "a", "amount": "1.5", "memo": "one, two\nthree"}, {"address": "b", "amount": "2"}]
        )
    )
    assert read_payments(tmp_path / "a.csv") == read_payments(tmp_path / "a.json")


def test_nesting_is_refused_also_where_a_library_raised_the_limit_of_recursion(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        with pytest.raises(BatchFileInvalid, match="recursion limit"):
            read_payments(tmp_path / "a.json")
    finally:
        sys.setrecursionlimit(limit)


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused_by_name(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    for name in ("x.csv", "x.json"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(data)
        try:
            read_payments(path)
        except BatchFileInvalid:
            continue

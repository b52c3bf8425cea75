"""A node that lies: nothing of its answer is taken over, and the error says what does not fit."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import ETHER, PRICE, RecordedNode

from sotto.node.pool import Pool
from sotto.wallet import Payment, messages
from sotto.wallet.client import NodeClient
from sotto.wallet.errors import (
    NodeInterrupted,
    NodeMalformed,
    NodeRejected,
    NodeUnreachable,
    StateMismatch,
    SubmissionUncertain,
    WalletError,
    WrongDeployment,
)
from sotto.wallet.state import ActionKind, ActionStatus

ONE = "0x" + "0" * 63 + "1"
Change = Callable[[Any], None]


def lie(node: RecordedNode, path: str, change: Change) -> None:
    """Change the answers to a path."""

    def tampered(asked: str, answer: Any) -> Any:
        if asked != path:
            return answer
        changed = deepcopy(answer)
        change(changed)
        return changed

    node.tamper = tampered


async def ready(node: RecordedNode, open_wallet: OpenWallet) -> Any:
    """A wallet that has not synced yet, and two epochs for it."""
    alice = await open_wallet()
    node.deposit(alice.address, ETHER)
    node.close()
    node.deposit(alice.address, 5)
    node.deposit(alice.address, 6)
    node.close()
    return alice


def set_in(*keys: str | int, value: Any) -> Change:
    """A change of one place of an answer."""

    def change(answer: Any) -> None:
        for key in keys[:-1]:
            answer = answer[key]
        answer[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        ("/v1/status", set_in("domain", value="0x" + "0" * 62), WrongDeployment),
        ("/v1/status", set_in("chain_id", value=1), WrongDeployment),
        ("/v1/status", set_in("chain_id", value="31337"), NodeMalformed),
        ("/v1/status", set_in("proven", value=-1), NodeMalformed),
        ("/v1/status", set_in("lanes", value=None), NodeMalformed),
        ("/v1/epochs", lambda a: a.clear(), NodeMalformed),
        ("/v1/epochs", lambda a: a.reverse(), NodeMalformed),
        ("/v1/epochs", lambda a: a.append(a[-1]), NodeMalformed),
        ("/v1/epochs", lambda a: a.pop(0), NodeMalformed),
        ("/v1/epochs", set_in(0, "id", value=2), NodeMalformed),
        ("/v1/epochs", set_in(0, "lanes", value=5), NodeMalformed),
        ("/v1/epochs", set_in(0, "lanes", value=16), NodeMalformed),
        ("/v1/epochs", set_in(0, "first_node", value=4), NodeMalformed),
        ("/v1/epochs", set_in(0, "first_node", value=2**60), NodeMalformed),
        ("/v1/epochs", set_in(0, "note_root", value=ONE), StateMismatch),
        ("/v1/epochs", set_in(0, "account_root", value=ONE), StateMismatch),
        ("/v1/epochs", set_in(0, "anchor", value=ONE), StateMismatch),
        ("/v1/epochs", set_in(0, "record", "own_anchor", value=ONE), StateMismatch),
        ("/v1/epochs", set_in(0, "record", "bond", value=7), StateMismatch),
        ("/v1/epochs", set_in(1, "record", "parent", value="0x" + "00" * 32), StateMismatch),
        ("/v1/epochs", set_in(0, "record", value={}), NodeMalformed),
        ("/v1/epochs", set_in(0, "operations", value=[{"id": ONE, "next": ONE}]), StateMismatch),
        ("/v1/epochs", set_in(0, "operations", value=[{"id": ONE, "next": ONE}] * 2), NodeMalformed),
        ("/v1/notes", lambda a: a["entries"].clear(), StateMismatch),
        ("/v1/notes", lambda a: a["entries"].pop(1), StateMismatch),
        ("/v1/notes", lambda a: a["entries"].append(a["entries"][-1]), NodeMalformed),
        ("/v1/notes", lambda a: a["entries"].reverse(), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "commitments", 0, value=ONE), StateMismatch),
        ("/v1/notes", set_in("entries", 0, "commitments", 1, value=ONE), StateMismatch),
        ("/v1/notes", set_in("entries", 0, "epoch", value=2), StateMismatch),
        ("/v1/notes", set_in("entries", 0, "lane", value=1), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "kind", value=0), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "kind", value=7), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "node", value=3), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "nullifiers", value=[ONE]), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "ciphertexts", 0, value="0x00"), NodeMalformed),
        ("/v1/notes", set_in("entries", 0, "commitments", 0, value="0x" + "f" * 64), NodeMalformed),
        ("/v1/notes", set_in("start", value=256), NodeMalformed),
        ("/v1/notes", lambda a: a.pop("entries"), NodeMalformed),
    ],
)
async def test_lie_is_found_and_nothing_is_kept(
    node: RecordedNode, open_wallet: OpenWallet, path: str, change: Change, expected: type[WalletError]
) -> None:
    alice = await ready(node, open_wallet)
    lie(node, path, change)
    with pytest.raises(expected):
        await alice.sync()
    assert alice.epoch == 0
    assert not alice.balances()
    node.tamper = lambda _path, answer: answer
    await alice.sync()
    assert alice.balances()[1].available == ETHER + 11


async def test_deposit_with_another_queue_index_is_no_balance(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    """The index is not under a root, but in the commitment: a note that could not be spent is not shown."""
    alice = await ready(node, open_wallet)
    lie(node, "/v1/notes", set_in("entries", 0, "queue_index", value=99))
    await alice.sync()
    assert alice.balances()[1].available == 11


async def test_another_history_than_before_is_followed_from_the_fork(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    node.deposit(alice.address, ETHER)
    node.close()
    kept = node.snapshot()
    await alice.sync()
    await alice.send("ETH", [Payment(bob.address, 10)])
    node.close()
    await alice.sync()
    assert alice.balances()[1].available == ETHER - 10 - PRICE

    node.restore(kept)
    node.deposit(bob.address, 3)
    node.close()
    node.statuses.clear()
    await alice.sync()
    await bob.sync()
    assert alice.epoch == 2
    assert bob.balances()[1].available == 3
    # The payment may land again: it is on its way, with its bytes sent again by the wallet that has them.
    assert alice.balances()[1].available == 0
    assert len(node.pool) == 1
    node.close()
    await alice.sync()
    await bob.sync()
    assert alice.balances()[1].available == ETHER - 10 - PRICE
    assert bob.balances()[1].available == 13


async def test_reopened_wallet_goes_on_where_it_was(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await ready(node, open_wallet)
    await alice.sync()
    await alice.close()
    again = await open_wallet()
    assert (again.epoch, again.balances()[1].available) == (2, ETHER + 11)
    node.requests.clear()
    await again.sync()
    assert not any("notes" in request for request in node.requests)


async def test_ranges_are_aligned(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await ready(node, open_wallet)
    await alice.sync()
    asked = [request for request in node.requests if "notes" in request]
    assert asked == ["/v1/notes?start=0&count=256"]


async def test_broken_connection_while_sending_is_not_a_refusal(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await ready(node, open_wallet)
    await alice.sync()

    def broken(path: str, answer: Any) -> Any:
        if path == "/v1/transactions":
            raise httpx.ReadError("connection reset")
        return answer

    node.tamper = broken
    with pytest.raises(SubmissionUncertain):
        await alice.send("ETH", [Payment(alice.address, 5)])
    # The smallest other note is swept along, so that one stays locked too.
    assert alice.balances()[1].available == 6
    node.tamper = lambda _path, answer: answer
    node.close()
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PROVEN


def lost() -> None:
    """A request that does not reach the node."""
    raise httpx.ReadTimeout("no answer")


async def test_node_that_never_got_it_is_sent_the_same_bytes(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await ready(node, open_wallet)
    await alice.sync()
    node.before_submit = lost
    with pytest.raises(SubmissionUncertain):
        await alice.send("ETH", [Payment(alice.address, 5)])
    h = alice.history()[-1].h
    await alice.sync()
    assert [m.h for b in node.pool for m in b.members] == [h]
    node.close()
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PROVEN


@pytest.mark.parametrize(
    ("status", "code"), [(502, "BadGateway"), (503, "PoolFull"), (429, "RateExceeded"), (500, "FeeTooLow")]
)
async def test_only_a_refusal_of_the_node_itself_unlocks(
    node: RecordedNode, open_wallet: OpenWallet, status: int, code: str
) -> None:
    """The node may have it: nothing that is said without proof unlocks the notes."""
    alice = await ready(node, open_wallet)
    await alice.sync()
    before = node.transport()
    answering = False

    def proxy(request: httpx.Request) -> httpx.Response:
        if answering or (request.method != "POST" and "/transactions/" not in request.url.path):
            return before.handle_request(request)
        if request.method == "GET":
            return httpx.Response(404, json={"error": {"code": "TransactionUnknown"}})
        return httpx.Response(status, json={"error": {"code": code, "message": "", "hint": ""}})

    alice._context.client._http._transport = httpx.MockTransport(proxy)
    with pytest.raises(SubmissionUncertain):
        await alice.send("ETH", [Payment(alice.address, 5)])
    node.l1_block += 10_000
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PENDING
    assert alice.balances()[1].available == 6
    node.l1_block -= 10_000
    answering = True
    await alice.sync()
    node.close()
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PROVEN


async def test_refused_bytes_and_the_retry_are_never_both_paid(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    """The node refuses for a good reason, keeps the bytes, and uses them later."""
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    for value in (ETHER, 2 * ETHER, 3 * ETHER):
        node.deposit(alice.address, value)
    node.close()
    await alice.sync()
    await alice.send("ETH", [Payment(bob.address, ETHER // 2)])
    first = next(iter(node.pool))
    node.drop("FeeTooLow: it says")
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.DROPPED
    assert alice.balances()[1].available == 6 * ETHER
    for number in range(6):
        node.deposit(alice.address, ETHER + number)
    node.close(16)
    await alice.send("ETH", [Payment(bob.address, ETHER // 2)])
    second = next(iter(node.pool))
    spent = [set(b.members[0].transaction.nullifiers) for b in (first, second)]
    assert spent[0] & spent[1]
    # The first one wins: the wallet sees it by its outputs, and that the second can never be.
    node.pool = Pool()
    node.pool.add(first)
    node.close()
    await alice.sync()
    await bob.sync()
    statuses = {a.h: a.status for a in alice.history()}
    assert statuses[first.id] == ActionStatus.PROVEN
    assert statuses[second.id] == ActionStatus.DROPPED
    assert not alice._context.state.pending
    assert bob.balances()[1].available == ETHER // 2


async def test_a_node_that_claims_progress_for_ever_does_not_keep_the_lock(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await ready(node, open_wallet)
    await alice.sync()
    await alice.send("ETH", [Payment(alice.address, 5)])
    node.pool = Pool()
    node.l1_block += 1_000
    await alice.sync()
    assert alice.history()[-1].status == ActionStatus.PENDING
    node.deposit(alice.address, 7)
    node.close()
    await alice.sync()
    assert alice.history()[-1].kind == ActionKind.DEPOSIT
    assert alice.history()[-2].status == ActionStatus.EXPIRED
    assert alice.balances()[1].available == ETHER + 18


@pytest.mark.parametrize(
    "change",
    [
        set_in(0, "decimals", value=6),
        set_in(0, "symbol", value="WETH"),
        set_in(0, "address", value="0x" + "22" * 20),
        set_in(1, "symbol", value="eth"),
        set_in(1, "asset", value=1),
        lambda a: a.pop(0),
        lambda a: a.append({**a[1], "asset": 3}),
    ],
)
async def test_assets_that_could_be_mistaken_are_refused(
    node: RecordedNode, open_wallet: OpenWallet, change: Change
) -> None:
    alice = await open_wallet()
    lie(node, "/v1/assets", change)
    with pytest.raises(NodeMalformed):
        await alice.send("ETH", [Payment(alice.address, 5)])


async def test_margin_of_years_is_refused(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await ready(node, open_wallet)
    lie(node, "/v1/status", set_in("min_expiry_margin", value=301))
    with pytest.raises(NodeMalformed, match="min_expiry_margin"):
        await alice.sync()


def client(answer: Callable[[httpx.Request], httpx.Response]) -> NodeClient:
    """A client of one canned answer."""
    return NodeClient("http://node", httpx.MockTransport(answer))


async def test_transport_failures_have_names() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    def breaks(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    cases: list[tuple[type[WalletError], Callable[[httpx.Request], httpx.Response]]] = [
        (NodeUnreachable, refuse),
        (NodeInterrupted, breaks),
        (NodeMalformed, lambda _: httpx.Response(200, content=b"<html>")),
        (NodeMalformed, lambda _: httpx.Response(200, content=b"[" * 100_000)),
        (NodeRejected, lambda _: httpx.Response(500, json=[])),
        (NodeRejected, lambda _: httpx.Response(404, json={"error": {"code": 5, "message": None}})),
    ]
    for expected, answer in cases:
        with pytest.raises(expected):
            await client(answer).status()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**300) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
PARSERS = (
    messages.parse_status,
    messages.parse_fees,
    messages.parse_assets,
    messages.parse_epochs,
    messages.parse_notes,
    messages.parse_attachments,
    messages.parse_open_epoch,
    messages.parse_pending,
    messages.parse_transaction,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=json_values, parser=st.sampled_from(PARSERS))
def test_any_json_is_parsed_or_refused_by_name(data: Any, parser: Callable[[Any], Any]) -> None:
    try:
        messages.parse("answer", parser, data)
    except NodeMalformed:
        return

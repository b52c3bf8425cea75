"""View-only wallets: what each viewing key sees, what it does not see, and that none of them spends."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import (
    CHAIN_ID,
    ETHER,
    PASSWORD,
    PRICE,
    ROLLUP,
    TOKEN,
    WORK,
    CheckingProver,
    RecordedNode,
)

from sotto.protocol import bech32m
from sotto.protocol.keys import deposit_esk, derive, seed_from_phrase
from sotto.protocol.l1 import compute_domain
from sotto.wallet import Connection, Payment, Wallet, keyfile
from sotto.wallet.creation import MAX_RECEIVERS, create_view_only
from sotto.wallet.errors import InvalidAddress, ViewingKeyRejected, ViewOnlyWallet
from sotto.wallet.state import ActionKind, ActionStatus
from sotto.wallet.viewing import ViewingKind
from sotto.wallet.watching import UNSEEN

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
L1_RECIPIENT = "0x" + "ab" * 20
OpenView = Callable[..., Awaitable[Wallet]]


@pytest.fixture
async def open_view(node: RecordedNode, tmp_path: Path) -> AsyncIterator[OpenView]:
    """Opens a view-only wallet of an open one."""
    async with AsyncExitStack() as stack:

        async def opener(owner: Wallet, kind: ViewingKind, receivers: tuple[str, ...] = ()) -> Wallet:
            path = tmp_path / f"{kind}-{len(receivers)}.json"
            if not path.exists():
                text = owner.viewing_key(kind)
                made = create_view_only(
                    path, PASSWORD, CHAIN_ID, ROLLUP, text, receivers=receivers, work=WORK
                )
                assert made == kind
            connection = Connection("http://node", transport=node.transport())
            return await stack.enter_async_context(
                await Wallet.open(path, PASSWORD, connection, prover=CheckingProver())
            )

        yield opener


async def story(node: RecordedNode, open_wallet: OpenWallet) -> tuple[Wallet, Wallet]:
    """Alice gets a deposit, pays Bob, withdraws; Bob pays back."""
    alice, bob = await open_wallet("alice", phrase=WORDS), await open_wallet("bob")
    node.deposit(alice.address, ETHER)
    node.deposit(bob.address, ETHER)
    node.close()
    await alice.sync()
    await alice.send("ETH", [Payment(bob.address, 100, b"invoice 1".ljust(20))])
    node.close()
    await alice.sync()
    await alice.withdraw("ETH", 50, L1_RECIPIENT)
    await bob.send("ETH", [Payment(alice.address, 30, b"back".ljust(20))])
    node.close()
    await alice.sync()
    await bob.sync()
    return alice, bob


def lines(wallet: Wallet) -> list[tuple[ActionKind, int]]:
    """Kind and value of each line of the history."""
    return [(action.kind, action.value) for action in wallet.history()]


async def test_full_key_sees_what_the_owner_sees(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView
) -> None:
    alice, _ = await story(node, open_wallet)
    view = await open_view(alice, ViewingKind.FULL)
    await view.sync()
    assert view.view_only
    assert view.address == alice.address
    assert view.balances()[1].available == alice.balances()[1].available
    assert view.balances()[1].available == ETHER - 100 - 50 + 30 - 2 * PRICE
    assert sorted(lines(view)) == sorted(lines(alice))
    await view.close()
    view = await open_view(alice, ViewingKind.FULL)
    assert view.balances()[1].available == alice.balances()[1].available


async def test_incoming_key_sees_receipts_and_not_what_is_spent(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView
) -> None:
    alice, bob = await story(node, open_wallet)
    view = await open_view(alice, ViewingKind.INCOMING)
    await view.sync()
    change = ETHER - 100 - PRICE
    assert lines(view)[0] == (ActionKind.DEPOSIT, ETHER)
    assert sorted(lines(view)[1:]) == [
        (ActionKind.RECEIVED, 30),
        (ActionKind.RECEIVED, change - 50 - PRICE),
        (ActionKind.RECEIVED, change),
    ]
    back = next(action for action in view.history() if action.value == 30)
    assert bytes.fromhex(back.payments[0].reference) == b"back".ljust(20)
    assert view.received() == {1: sum(value for _, value in lines(view))}
    with pytest.raises(ViewOnlyWallet):
        view.balances()
    before = lines(view)
    await view.sync(rescan=True)
    assert lines(view) == before

    await bob.send("ETH", [Payment(alice.address, 7)])
    await view.sync()
    assert (view.history()[-1].value, view.history()[-1].status) == (7, ActionStatus.PENDING)
    assert view.received() == {1: sum(value for _, value in before)}
    node.close()
    await view.sync()
    assert (view.history()[-1].value, view.history()[-1].status) == (7, ActionStatus.PROVEN)
    assert len(view.history()) == len(before) + 1


async def test_outgoing_key_sees_payments_to_known_receivers_only(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView
) -> None:
    alice, bob = await story(node, open_wallet)
    view = await open_view(alice, ViewingKind.OUTGOING, (bob.address,))
    await view.sync()
    assert lines(view) == [(ActionKind.SENT, 100), (ActionKind.WITHDRAWN, 50)]
    sent, withdrawn = view.history()
    assert (sent.fee, sent.receivers) == (PRICE, [bob.address])
    assert bytes.fromhex(sent.payments[0].reference) == b"invoice 1".ljust(20)
    assert withdrawn.receivers == [L1_RECIPIENT]
    for refused in (view.balances, view.received):
        with pytest.raises(ViewOnlyWallet):
            refused()

    strange = await open_view(alice, ViewingKind.OUTGOING)
    await strange.sync()
    assert [(a.kind, a.value, a.cause) for a in strange.history()] == [
        (ActionKind.SENT, 0, UNSEEN),
        (ActionKind.WITHDRAWN, 50, ""),
    ]


async def test_outgoing_key_recognises_own_deposits(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView
) -> None:
    alice, bob = await open_wallet("alice", phrase=WORDS), await open_wallet("bob")
    keys = alice._context.keys
    for counter, value in enumerate((11, 12)):
        node.deposit(alice.address, value, esk=deposit_esk(keys.outgoing, counter))
    node.deposit(alice.address, 13)
    node.deposit(bob.address, 14, TOKEN, esk=deposit_esk(keys.outgoing, 2))
    node.close()
    view = await open_view(alice, ViewingKind.OUTGOING, (bob.address,))
    await view.sync()
    assert lines(view) == [(ActionKind.DEPOSIT, value) for value in (11, 12, 14)]
    assert view.history()[-1].receivers == [bob.address]
    before = lines(view)
    await view.sync(rescan=True)
    assert lines(view) == before


@pytest.mark.parametrize("kind", ViewingKind)
async def test_reorganised_chain_leaves_no_line_behind(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView, kind: ViewingKind
) -> None:
    alice, bob = await open_wallet("alice", phrase=WORDS), await open_wallet("bob")
    node.deposit(alice.address, ETHER)
    node.close()
    kept = node.snapshot()
    await alice.sync()
    view = await open_view(alice, kind, (bob.address,) if kind == ViewingKind.OUTGOING else ())
    await view.sync()
    settled = list(view.history())
    await alice.send("ETH", [Payment(bob.address, 100)])
    node.close()
    await view.sync()
    assert len(view.history()) > len(settled)
    node.restore(kept)
    node.deposit(bob.address, 5)
    node.close()
    await view.sync()
    proven = [line for line in view.history() if line.status == ActionStatus.PROVEN]
    assert proven == settled
    assert view.epoch == 2


@pytest.mark.parametrize("kind", ViewingKind)
async def test_no_viewing_key_spends(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView, kind: ViewingKind
) -> None:
    alice, bob = await story(node, open_wallet)
    view = await open_view(alice, kind)
    await view.sync()
    action = alice.history()[0]
    node.requests.clear()
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: view.send("ETH", [Payment(bob.address, 1)]),
        lambda: view.withdraw("ETH", 1, L1_RECIPIENT),
        lambda: view.deposit("ETH", 1),
        lambda: view.claim(action),
        lambda: view.change_keys([]),
    ]
    for call in calls:
        with pytest.raises(ViewOnlyWallet):
            await call()
    assert not node.requests


async def test_lesser_keys_do_not_hand_out_greater_ones(
    node: RecordedNode, open_wallet: OpenWallet, open_view: OpenView
) -> None:
    alice = await open_wallet("alice", phrase=WORDS)
    for kind in (ViewingKind.INCOMING, ViewingKind.OUTGOING):
        view = await open_view(alice, kind)
        assert view.viewing_key(kind) == alice.viewing_key(kind)
        for other in set(ViewingKind) - {kind}:
            with pytest.raises(ViewOnlyWallet):
                view.viewing_key(other)
    full = await open_view(alice, ViewingKind.FULL)
    assert all(full.viewing_key(kind) == alice.viewing_key(kind) for kind in ViewingKind)


@pytest.mark.parametrize("kind", ViewingKind)
async def test_file_of_a_view_only_wallet_holds_no_spending_key(
    open_wallet: OpenWallet, open_view: OpenView, tmp_path: Path, kind: ViewingKind
) -> None:
    alice = await open_wallet("alice", phrase=WORDS)
    view = await open_view(alice, kind)
    await view.sync()
    await view.close()
    seed = seed_from_phrase(WORDS)
    keys = derive(seed, compute_domain(CHAIN_ID, ROLLUP))
    secrets = [seed, keys.account_seed, WORDS.encode()]
    if kind != ViewingKind.FULL:
        secrets.append(keys.viewing.nullifier_key.to_bytes(32))
    if kind == ViewingKind.INCOMING:
        secrets.append(keys.viewing.outgoing)
    if kind == ViewingKind.OUTGOING:
        secrets.append(keys.viewing.incoming)
    path = tmp_path / f"{kind}-0.json"
    content = keyfile.read_content(path, PASSWORD)
    assert isinstance(content, keyfile.Watched)
    with pytest.raises(ViewOnlyWallet):
        keyfile.read(path, PASSWORD)
    decrypted = keyfile._decrypt(path, PASSWORD)
    key_payload = viewing_payload(decrypted)
    written = [file_content(path.with_name(path.name + end)) for end in ("", ".state")]
    for data in (decrypted, key_payload, *written):
        for secret in secrets:
            assert secret not in data
            assert secret.hex().encode() not in data
    keyfile.change_password(path, PASSWORD, "next", WORK)
    assert keyfile.read_content(path, "next") == content


def file_content(path: Path) -> bytes:
    """What the disk has."""
    return path.read_bytes()


def viewing_payload(decrypted: bytes) -> bytes:
    """The bytes that the viewing key's text stands for."""
    text = json.loads(decrypted)["viewing_key"]
    return bech32m.decode(text[:8], (len(text) - 15) * 5 // 8, text)


async def test_wrong_keys_and_receivers_are_refused(open_wallet: OpenWallet, tmp_path: Path) -> None:
    alice = await open_wallet("alice", phrase=WORDS)
    text, path = alice.viewing_key(ViewingKind.OUTGOING), tmp_path / "view.json"
    for bad in ("", text[:-1], text[:-1] + ("q" if text[-1] != "q" else "p"), alice.address):
        with pytest.raises(ViewingKeyRejected):
            create_view_only(path, PASSWORD, CHAIN_ID, ROLLUP, bad, work=WORK)
    with pytest.raises(ViewingKeyRejected, match="deployment"):
        create_view_only(path, PASSWORD, CHAIN_ID + 1, ROLLUP, text, work=WORK)
    for receivers in (["sotto1x"], [alice.address] * (MAX_RECEIVERS + 1)):
        with pytest.raises(InvalidAddress):
            create_view_only(path, PASSWORD, CHAIN_ID, ROLLUP, text, receivers=receivers, work=WORK)
    assert not path.exists()

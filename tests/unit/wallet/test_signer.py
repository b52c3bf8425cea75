"""The remote signer: it signs what it shows, and a prover that lies about any part gets nothing."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import (
    CHAIN_ID,
    DOMAIN,
    ETHER,
    PASSWORD,
    PRICE,
    ROLLUP,
    TOKEN,
    WORK,
    CheckingProver,
    RecordedNode,
)
from tests.unit.wallet.test_payments import available, funded

from sotto.cli.signer import review_lines
from sotto.protocol import babyjub
from sotto.protocol.accounts import key_hash
from sotto.protocol.babyjub import to_signature
from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys, derive
from sotto.wallet import Connection, Payment, Wallet, create_wallet, keyfile
from sotto.wallet.creation import create_view_only
from sotto.wallet.errors import (
    PolicyViolated,
    SignerMalformed,
    SignerRefused,
    SignerUnreachable,
    SigningRequestRefused,
    ViewOnlyWallet,
)
from sotto.wallet.remote import MAX_LINE, RemoteSigner
from sotto.wallet.signing_request import Reviewed, review
from sotto.wallet.signing_service import Policy, SigningService
from sotto.wallet.state import ActionStatus
from sotto.wallet.viewing import ViewingKind

OTHER = "sotto1" + "q" * 117


class Recorder:
    """Approves everything, and remembers what it was shown and asked."""

    def __init__(self) -> None:
        self.seen: list[Reviewed] = []
        self.refusal: Exception | None = None

    async def approve(self, reviewed: Reviewed) -> None:
        """See Approver."""
        self.seen.append(reviewed)
        if self.refusal is not None:
            raise self.refusal


class Recording(SigningService):
    """A signer that keeps the requests."""

    requests: list[Any]

    async def answer(self, line: bytes) -> dict[str, Any]:
        """See SigningService."""
        self.__dict__.setdefault("requests", []).append(json.loads(line))
        return await super().answer(line)


@pytest.fixture
def approver() -> Recorder:
    """Says yes."""
    return Recorder()


@pytest.fixture
async def service(tmp_path: Path, node: RecordedNode, approver: Recorder) -> AsyncIterator[Recording]:
    """A signer with the wallet file that has the seed, listening at `tmp_path / "signer"`."""
    create_wallet(tmp_path / "cold.json", PASSWORD, CHAIN_ID, ROLLUP, work=WORK)
    made = Recording(keyfile.read(tmp_path / "cold.json", PASSWORD), approver)
    async with made.serve(tmp_path / "signer"):
        yield made


@pytest.fixture
async def hot(tmp_path: Path, service: Recording, node: RecordedNode) -> AsyncIterator[Wallet]:
    """A wallet with the full viewing key only, and 2 ETH, that asks the signer."""
    async with await Wallet.open(
        tmp_path / "cold.json", PASSWORD, Connection("http://node", transport=node.transport())
    ) as cold:
        key = cold.viewing_key(ViewingKind.FULL)
    create_view_only(tmp_path / "hot.json", PASSWORD, CHAIN_ID, ROLLUP, key, work=WORK)
    connection = Connection("http://node", transport=node.transport(), signer=tmp_path / "signer")
    async with await Wallet.open(
        tmp_path / "hot.json", PASSWORD, connection, prover=CheckingProver()
    ) as wallet:
        await funded(node, wallet, 2 * ETHER)
        yield wallet


def viewing(tmp_path: Path) -> ViewingKeys:
    """The signer's viewing keys."""
    return derive(keyfile.read(tmp_path / "cold.json", PASSWORD).seed, DOMAIN).viewing


async def test_payment_is_shown_signed_and_proven_elsewhere(
    node: RecordedNode, open_wallet: OpenWallet, hot: Wallet, approver: Recorder, tmp_path: Path
) -> None:
    bob = await open_wallet("bob")
    assert not hot.view_only
    await hot.send("ETH", [Payment(bob.address, 1000, b"\x07" * 20, "tea\x1b"), Payment(hot.address, 5)])
    (seen,) = approver.seen
    (receiver,) = seen.receivers
    assert (receiver.address, receiver.asset, receiver.value) == (bob.address, 1, 1000)
    assert (receiver.reference, receiver.memo) == (b"\x07" * 20, "tea\x1b")
    assert seen.change == {1: 2 * ETHER - 1000 - PRICE}
    assert (seen.fee, seen.fee_asset, seen.keys, seen.public_value) == (PRICE, 1, (), 0)
    lines = review_lines(seen)
    assert any(bob.address in line for line in lines)
    assert 'tea\\x1b"' in "\n".join(lines)
    assert "\x1b" not in "".join(lines)
    node.close()
    await bob.sync()
    assert available(bob) == 1000

    await hot.sync()
    await hot.withdraw("ETH", 77, "0x" + "5a" * 20)
    assert (approver.seen[-1].public_value, approver.seen[-1].recipient) == (77, int("5a" * 20, 16))
    assert any("5a5a" in line for line in review_lines(approver.seen[-1]))


async def test_keys_are_changed_only_after_they_were_shown(
    node: RecordedNode, hot: Wallet, service: Recording, approver: Recorder, tmp_path: Path
) -> None:
    first = key_hash(viewing(tmp_path).first_key)
    action = await hot.change_keys([first, Field(12345)])
    assert approver.seen[-1].keys == tuple(sorted([first, Field(12345)]))
    assert any("KEYS" in line for line in review_lines(approver.seen[-1]))
    node.close()
    assert (await hot.wait(action.number)).status == ActionStatus.PROVEN
    await hot.send("ETH", [Payment(hot.address, 5)])


async def test_refusal_stops_the_payment_and_locks_nothing(
    node: RecordedNode, hot: Wallet, approver: Recorder
) -> None:
    approver.refusal = PolicyViolated("the signer's user said no")
    with pytest.raises(SignerRefused, match="said no"):
        await hot.send("ETH", [Payment(hot.address, 5)])
    assert available(hot) == 2 * ETHER
    assert hot.history()[-1].status == ActionStatus.DROPPED
    assert not len(node.pool)


def change_at(*path: str | int, value: Any) -> Callable[[Any], None]:
    """A change of one place of a request."""

    def change(request: Any) -> None:
        for key in path[:-1]:
            request = request[key]
        request[path[-1]] = value(request[path[-1]]) if callable(value) else value

    return change


def plus_one(word: str) -> str:
    """Another number."""
    return hex(int(word, 16) + 1)


def swapped_outputs(request: Any) -> None:
    """The places of two outputs exchanged."""
    request["outputs"][0], request["outputs"][1] = request["outputs"][1], request["outputs"][0]


def paid_place(request: Any, own: int) -> int:
    """Which output is the payment."""
    return next(i for i, output in enumerate(request["outputs"]) if int(output["owner"], 16) != own)


LIES: list[tuple[str, Callable[[Any, int, int], Any]]] = [
    (
        "commitments",
        lambda r, paid, own: r["outputs"][paid].update(value=plus_one(r["outputs"][paid]["value"])),
    ),
    ("commitments", lambda r, paid, own: r["outputs"][paid].update(owner=hex(own))),
    (
        "attachment",
        lambda r, paid, own: r["outputs"][paid].update(key=r["outputs"][(paid + 1) % 3]["key"]),
    ),
    (
        "commitments",
        lambda r, paid, own: r["outputs"][(paid + 1) % 3].update(owner=r["outputs"][paid]["owner"]),
    ),
    ("commitments", lambda r, paid, own: r["outputs"][paid].update(asset="0x2")),
    ("attachment", lambda r, paid, own: r["outputs"][paid].update(esk="0x" + "11" * 32)),
    ("commitments", lambda r, paid, own: swapped_outputs(r)),
    ("ext", lambda r, paid, own: r["outputs"][paid].update(reference="0x" + "22" * 20)),
    ("ext", lambda r, paid, own: r.update(attachment="0x")),
    ("attachment", lambda r, paid, own: r.update(attachment="0x" + "00" * 512)),
    ("amounts", lambda r, paid, own: r.update(fee=plus_one(r["fee"]))),
    ("amounts", lambda r, paid, own: r.update(fee_asset="0x2")),
    ("amounts", lambda r, paid, own: r.update(public_value="0x5", public_asset="0x1", recipient="0x5a")),
    ("domain", lambda r, paid, own: r.update(domain=plus_one(r["domain"]))),
    ("h", lambda r, paid, own: r.update(expiry=plus_one(r["expiry"]))),
    ("h", lambda r, paid, own: r.update(anchor=plus_one(r["anchor"]))),
    ("h", lambda r, paid, own: r.update(operation={"previous": "0x0", "keys": ["0x5"]})),
    ("h", lambda r, paid, own: change_at("claimed", "h", value=plus_one)(r)),
    ("nullifiers", lambda r, paid, own: change_at("claimed", "nullifiers", 0, value=plus_one)(r)),
    ("commitments", lambda r, paid, own: change_at("claimed", "commitments", 2, value=plus_one)(r)),
    ("ext", lambda r, paid, own: change_at("claimed", "ext", 5, value=plus_one)(r)),
    ("ext", lambda r, paid, own: change_at("claimed", "ext", 2, value="0x1")(r)),
    ("key", lambda r, paid, own: r.update(key="0x5")),
    ("format", lambda r, paid, own: r.update(more=1)),
    ("format", lambda r, paid, own: r.pop("fee")),
    ("format", lambda r, paid, own: r.update(fee=5)),
    ("format", lambda r, paid, own: r.update(fee="0x" + "f" * 65)),
    ("format", lambda r, paid, own: r["outputs"].pop()),
    ("values", lambda r, paid, own: r["outputs"][paid].update(value="0x1" + "0" * 30)),
    ("values", lambda r, paid, own: r["outputs"][(paid + 1) % 3].update(key="0x" + "00" * 32)),
    ("values", lambda r, paid, own: r.update(recipient="0x5a")),
]
"""The part that the refusal names, and a change: of a request, given the payment's place and own owner."""


async def test_each_lie_is_refused(
    open_wallet: OpenWallet, hot: Wallet, service: Recording, approver: Recorder, tmp_path: Path
) -> None:
    bob = await open_wallet("bob")
    await hot.send("ETH", [Payment(bob.address, 1000, memo="tea")])
    honest = service.requests[-1]
    own = viewing(tmp_path).owner
    approver.seen.clear()
    for number, (part, change) in enumerate(LIES):
        asked = deepcopy(honest)
        change(asked["request"], paid_place(asked["request"], own), own)
        answer = await service.answer(json.dumps(asked).encode())
        assert set(answer) == {"error"}, number
        assert f"{part}:" in answer["error"], (number, answer)
    assert not approver.seen
    assert set(await service.answer(json.dumps(honest).encode())) == {"h", "signature"}


async def test_lies_about_inputs_are_refused(hot: Wallet, service: Recording, approver: Recorder) -> None:
    await hot.send("ETH", [Payment(hot.address, 1000)])
    for part in ("value", "r", "rho", "asset", "random", "named", "both"):
        asked = deepcopy(service.requests[-1])
        real = next(entry for entry in asked["request"]["inputs"] if entry["note"])
        dummy = next(entry for entry in asked["request"]["inputs"] if not entry["note"])
        if part == "random":
            dummy["random"] = plus_one(dummy["random"])
        elif part == "both":
            dummy["note"] = real["note"]
        elif part == "named":
            real["named"] = True
        else:
            real["note"][part] = plus_one(real["note"][part])
        answer = await SigningService.answer(service, json.dumps(asked).encode())
        assert any(name in answer["error"] for name in ("h:", "nullifiers:", "inputs:")), part


async def test_consistent_lie_is_shown_as_what_it_is(
    open_wallet: OpenWallet, hot: Wallet, service: Recording, approver: Recorder
) -> None:
    """A prover that pays somebody else altogether: nothing contradicts it, and its receiver is shown."""
    mallory = await open_wallet("mallory")
    await hot.send("ETH", [Payment(mallory.address, ETHER)])
    assert [r.address for r in approver.seen[-1].receivers] == [mallory.address]
    bob = await open_wallet("bob")
    policy = Policy({1: ETHER}, {1: 2 * ETHER}, {1: PRICE}, frozenset({bob.address}))
    with pytest.raises(PolicyViolated, match="no receiver"):
        await policy.approve(approver.seen[-1])


def reviewed(**changes: Any) -> Reviewed:
    """A withdrawal."""
    values: dict[str, Any] = {
        "h": Field(1),
        "key": Field(2),
        "receivers": (),
        "change": {},
        "public_value": 100,
        "public_asset": TOKEN,
        "recipient": 0x5A,
        "fee": 5,
        "fee_asset": 1,
        "expiry": 9,
        "keys": (),
    }
    return Reviewed(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"public_value": 101},
        {"public_asset": 3},
        {"fee": 6},
        {"fee_asset": TOKEN},
        {"recipient": 0x5B},
        {"keys": (Field(5),)},
    ],
)
async def test_policy_refuses_beyond_its_limits(changes: dict[str, Any]) -> None:
    allowed = frozenset({f"0x{0x5A:040x}"})
    policy = Policy({TOKEN: 100}, {TOKEN: 250, 1: 100}, {1: 5}, allowed)
    with pytest.raises(PolicyViolated):
        await policy.approve(reviewed(**changes))
    await policy.approve(reviewed())


async def test_policy_counts_what_leaves_once_for_each_transaction() -> None:
    policy = Policy({TOKEN: 100}, {TOKEN: 250, 1: 100}, {1: 5})
    for h in (1, 1, 2, 1):
        await policy.approve(reviewed(h=Field(h)))
    with pytest.raises(PolicyViolated, match="in all"):
        await policy.approve(reviewed(h=Field(3)))
    await policy.approve(reviewed(h=Field(4), public_value=50))
    fees = Policy({TOKEN: 100}, {TOKEN: 1000, 1: 9}, {1: 5})
    await fees.approve(reviewed())
    with pytest.raises(PolicyViolated, match="in all"):
        await fees.approve(reviewed(h=Field(2)))


async def test_socket_is_for_its_owner_only(service: Recording, tmp_path: Path) -> None:
    mode = os.stat(tmp_path / "signer").st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


async def test_socket_replaces_a_dead_one_and_no_file(service: Recording, tmp_path: Path) -> None:
    async with service.serve(tmp_path / "signer"):
        pass
    assert not (tmp_path / "signer").exists()
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match="in use"):
        async with service.serve(tmp_path / "file"):
            pass
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"nonsense",
        b"[" * 60_000,
        b'{"version": 2, "what": "keys"}',
        b'{"version": 1, "what": "seed"}',
        b'{"version": 1, "what": "keys", "more": 1}',
        b'{"version": 1, "what": "sign", "request": null}',
        b'{"version": 1, "what": "sign", "request": {}}',
    ],
)
async def test_malformed_requests_are_refused(service: Recording, line: bytes) -> None:
    answer = await SigningService.answer(service, line)
    assert set(answer) == {"error"}


async def test_noise_on_the_socket_hurts_nobody(service: Recording, hot: Wallet, tmp_path: Path) -> None:
    for noise in (b"x" * (2 * MAX_LINE), b"half", b"\n"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "signer")
        writer.write(noise)
        writer.write_eof()
        await reader.read()
        writer.close()
    await hot.send("ETH", [Payment(hot.address, 5)])


async def answering(path: Path, answer: bytes) -> asyncio.Server:
    """A signer that always says the same."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    return await asyncio.start_unix_server(serve, path)


async def test_answers_of_a_false_signer_are_refused(hot: Wallet, tmp_path: Path) -> None:
    view = viewing(tmp_path)
    other = babyjub.public_key(b"\x09" * 32)
    keys = json.dumps({"owner": hex(view.owner + 1), "keys": [[hex(other.x), hex(other.y)]]}).encode()
    wrong = await service_signature(b"\x09" * 32)
    for answer, expected in (
        (b"", SignerUnreachable),
        (b"no json\n", SignerMalformed),
        (b"[]\n", SignerMalformed),
        (b"{}\n", SignerMalformed),
        (keys + b"\n", SignerMalformed),
        (b"y" * (2 * MAX_LINE), SignerMalformed),
    ):
        server = await answering(tmp_path / "false", answer)
        with pytest.raises(expected):
            await RemoteSigner.connect(tmp_path / "false", view)
        server.close()
    server = await answering(tmp_path / "false", wrong)
    assert isinstance(hot._context.signer, RemoteSigner)
    hot._context.signer._socket = tmp_path / "false"
    with pytest.raises(SignerMalformed, match="signature"):
        await hot.send("ETH", [Payment(hot.address, 5)])
    server.close()
    with pytest.raises(SignerUnreachable):
        await RemoteSigner.connect(tmp_path / "nothing", view)
    assert available(hot) == 2 * ETHER


async def service_signature(seed: bytes) -> bytes:
    """A well-formed signature of something else."""
    signature = babyjub.sign(seed, Field(5))
    assert to_signature(signature.r.x, signature.r.y, signature.s) == signature
    return (
        json.dumps({"signature": [hex(x) for x in (signature.r.x, signature.r.y, signature.s)]}).encode()
        + b"\n"
    )


async def test_lesser_viewing_keys_cannot_use_a_signer(
    service: Recording, node: RecordedNode, tmp_path: Path
) -> None:
    connection = Connection("http://node", transport=node.transport())
    async with await Wallet.open(tmp_path / "cold.json", PASSWORD, connection) as cold:
        key = cold.viewing_key(ViewingKind.INCOMING)
    create_view_only(tmp_path / "eye.json", PASSWORD, CHAIN_ID, ROLLUP, key, work=WORK)
    connection = Connection("http://node", transport=node.transport(), signer=tmp_path / "signer")
    with pytest.raises(ViewOnlyWallet):
        await Wallet.open(tmp_path / "eye.json", PASSWORD, connection)


def test_review_is_the_same_without_a_socket(node: RecordedNode) -> None:
    with pytest.raises(SigningRequestRefused, match="format"):
        review({}, derive(b"\x01" * 32, DOMAIN).viewing)

"""What a seed finds in L1's words: the notes that are left, and what it needs to take them out."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import ETHER, TOKEN, RecordedNode

from sotto.l1.errors import HistoryMismatch
from sotto.l1.events import Position, QueueEvent, ReceivedDeposit
from sotto.l1.exit import ProvenExit
from sotto.l1.history import CommittedRecord, HistoricEpoch, History, check_words
from sotto.l1.records import record_from_bytes
from sotto.l1.rollup import PublishedEpoch
from sotto.protocol.exit_witness import check_exit
from sotto.protocol.field import Field
from sotto.protocol.l1 import verify_withdrawal
from sotto.protocol.words import compute_z
from sotto.wallet import Wallet
from sotto.wallet.errors import AccountKeysUnknown, ExitFileInvalid
from sotto.wallet.exitfile import read_exits, write_exits
from sotto.wallet.inputs import Payment
from sotto.wallet.leaving import ExitMaker, ExitOptions
from sotto.wallet.recovery import Recovered, recover
from sotto.wallet.signer import KeySigner

SOMEBODY = b"\x0b" * 20
RECIPIENT = "0x" + "5a" * 20
NOWHERE = Position(1, bytes(32), bytes(32), 0)


class RecordedHistory:
    """A recorded node's chain as History reads it from L1."""

    def __init__(self, node: RecordedNode) -> None:
        self._node = node
        self.proven = len(node.rows)
        self.waiting: list[QueueEvent] = []

    async def records(self, first_block: int | None = None) -> list[CommittedRecord]:
        """See History."""
        return [CommittedRecord(record, bytes(32)) for record in self._node.records]

    async def items(self, start: int, first_block: int | None = None) -> list[QueueEvent]:
        """See History."""
        taken = [
            ReceivedDeposit(
                NOWHERE, row.index, row.depositor, row.asset, row.value, row.partial, row.ciphertext
            )
            for row in self._node.deposits.values()
        ]
        return [*taken, *self.waiting]

    async def epochs(self, records: Sequence[CommittedRecord]) -> AsyncIterator[HistoricEpoch]:
        """See History."""
        for row in self._node.rows:
            assert row.record is not None
            yield HistoricEpoch(record_from_bytes(row.record), row.words, row.lanes, (), bytes(32))


async def recovered(node: RecordedNode, wallet: Wallet, *senders: bytes) -> Recovered:
    """What the seed of a wallet finds."""
    history = cast(History, RecordedHistory(node))
    return await recover(history, wallet._context.keys, senders)


async def lively(node: RecordedNode, alice: Wallet, bob: Wallet) -> None:
    """Deposits, payments and a withdrawal."""
    for wallet in (alice, bob):
        node.deposit(wallet.address, ETHER)
    node.deposit(alice.address, 500, asset=TOKEN)
    node.close()
    await alice.sync()
    await alice.send("ETH", [Payment(bob.address, ETHER // 4)])
    node.close(lanes=16)
    await alice.sync()
    await alice.withdraw("ETH", ETHER // 8, RECIPIENT)
    await bob.sync()
    await bob.withdraw("ETH", ETHER // 16, RECIPIENT)
    node.close()
    await alice.sync()
    await bob.sync()


async def test_seed_alone_finds_what_the_wallet_has(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await lively(node, alice, bob)
    for wallet, value in ((alice, ETHER // 8), (bob, ETHER // 16)):
        found = await recovered(node, wallet)
        have = {c: n for c, n in wallet._context.state.notes.items() if n.spent_epoch is None}
        assert {note.commitment for note in found.notes} == set(have)
        assert [(n.node, n.output) for n in found.notes] == [
            (have[n.commitment].node, have[n.commitment].output) for n in found.notes
        ]
        assert found.state.hash() == node.state.hash()
        (claim,) = found.withdrawals
        assert verify_withdrawal(claim.record.withdrawal_root, claim.withdrawal, claim.proof)
        assert claim.withdrawal.value == value


async def test_exits_of_all_notes_satisfy_the_statement(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await lively(node, alice, bob)
    found = await recovered(node, alice)
    signer = alice._context.signer
    assert isinstance(signer, KeySigner)
    maker = ExitMaker(alice._context.keys, list(signer._seeds.values()), found.state)
    options = ExitOptions(0xA11CE, executor=0xE0, fee_share=Fraction(1, 3))
    for note in found.notes:
        witness, request = maker._witness(note, options)
        assert check_exit(witness) == request.public_inputs(found.state.hash())
        assert request.fee == note.value // 3
    assert sum(note.value for note in found.notes if note.asset == TOKEN) == 500


async def test_registered_keys_sign_exits(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    node.deposit(alice.address, ETHER)
    node.close()
    await alice.sync()
    key = await alice.add_signing_key("correct horse")
    await alice.change_keys([key.hash])
    node.close()
    await alice.sync()
    found = await recovered(node, alice)
    signer = alice._context.signer
    assert isinstance(signer, KeySigner)
    first = list(signer._seeds.values())[-1]
    with pytest.raises(AccountKeysUnknown):
        ExitMaker(alice._context.keys, [first], found.state)
    maker = ExitMaker(alice._context.keys, [first, key.seed], found.state)
    witness, request = maker._witness(found.notes[0], ExitOptions(1))
    assert check_exit(witness) == request.public_inputs(found.state.hash())


async def test_items_that_no_epoch_took(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    node.deposit(alice.address, ETHER)
    node.close()
    history = RecordedHistory(node)
    text = next(iter(node.deposits.values())).ciphertext
    history.waiting = [
        ReceivedDeposit(NOWHERE, 1, SOMEBODY, 1, 5, 6, text),
        ReceivedDeposit(NOWHERE, 2, b"\x0c" * 20, 1, 5, 6, text),
    ]
    found = await recover(cast(History, history), alice._context.keys, [SOMEBODY])
    assert [event.index for event in found.queued] == [1]


@pytest.mark.parametrize("place", ["note", "nullifier", "header", "length"])
async def test_false_words_give_no_state(node: RecordedNode, open_wallet: OpenWallet, place: str) -> None:
    alice, bob = await open_wallet("alice"), await open_wallet("bob")
    await lively(node, alice, bob)
    row = node.rows[1]
    words = bytearray(row.words)
    if place == "length":
        del words[-1]
    else:
        # Each is the last byte of a word of the first lane, or of the header's anchor.
        lanes = row.lanes
        data = (3 + lanes) * 32 + (15 + 4 * lanes) * 31
        at = {"note": data + 6 * 32 - 1, "nullifier": data + 4 * 32 - 1, "header": 3 * 32 - 1}[place]
        words[at] ^= 1
    node.rows[1] = row.model_copy(update={"words": bytes(words)})
    with pytest.raises(HistoryMismatch):
        await recovered(node, alice)


async def test_other_genesis_is_refused(node: RecordedNode, open_wallet: OpenWallet) -> None:
    alice = await open_wallet("alice")
    node.records[0] = replace(node.records[0], new_state=Field(1))
    with pytest.raises(HistoryMismatch):
        await recovered(node, alice)


def test_words_are_bound_by_the_record(node: RecordedNode) -> None:
    words, verifier = b"\1" * 64, "0x" + "0D" * 20
    record = replace(
        node.records[0], c=Field(9), z=compute_z(7, Field(9), words), verifier=bytes.fromhex(verifier[2:])
    )
    published = PublishedEpoch(cast(Any, verifier), words, ())
    check_words(record, published, 7)
    for changed in (
        replace(published, words=words[1:]),
        replace(published, words=b"\2" + words[1:]),
        replace(published, verifier=cast(Any, "0x" + "0E" * 20)),
    ):
        with pytest.raises(HistoryMismatch):
            check_words(record, changed, 7)
    with pytest.raises(HistoryMismatch):
        check_words(record, published, 8)


EXIT = ProvenExit(3, 1, 100, b"\1" * 20, b"\2" * 20, 100, b"\3" * 256)


def test_exits_go_through_a_file(tmp_path: Path) -> None:
    path = tmp_path / "exits.json"
    exits = [EXIT, replace(EXIT, nullifier=4, executor=bytes(20), fee=0)]
    write_exits(path, 5, exits)
    assert read_exits(path, 5) == exits
    with pytest.raises(ExitFileInvalid):
        read_exits(path, 6)


@pytest.mark.parametrize(
    "change",
    [
        SimpleNamespace(old='"fee": 100', new='"fee": 101'),
        SimpleNamespace(old="01" * 20, new="00" * 20),
        SimpleNamespace(old="02" * 20, new="00" * 20),
        SimpleNamespace(old="03" * 256, new="03" * 255),
        SimpleNamespace(old='"asset": 1', new='"asset": 1.5'),
        SimpleNamespace(old='"exits"', new='"exit"'),
        SimpleNamespace(old="{", new="["),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, change: SimpleNamespace) -> None:
    path = tmp_path / "exits.json"
    write_exits(path, 5, [EXIT])
    text = path.read_text()
    assert change.old in text
    path.write_text(text.replace(change.old, change.new, 1))
    with pytest.raises(ExitFileInvalid):
        read_exits(path, 5)

"""Starting from snapshots, whatever has happened to them, and from words without any."""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import pytest
import structlog
from tests.support.history import History, Row
from tests.unit.node.conftest import IDENTITY

from sotto.node import rebuild as rebuilding
from sotto.node.errors import StateDiverged
from sotto.node.ledger import KEPT_STATES
from sotto.node.rebuild import rebuild
from sotto.node.snapshots import KEPT, Snapshots, save_snapshot, snapshot_folder
from sotto.node.store import Store
from sotto.node.tables import EpochRow
from sotto.protocol.epoch import replay
from sotto.protocol.trees import State, genesis
from sotto.protocol.words import decode_words

BOTH_DATABASES = True
EPOCHS = 24


@dataclass
class Past:
    """A database with a history of epochs, its states, and its snapshots."""

    store: Store
    states: list[State]
    folder: Path

    @property
    def snapshots(self) -> Snapshots:
        """Of this deployment."""
        return Snapshots(self.folder, IDENTITY)

    def path(self, epoch: int) -> Path:
        """File of a snapshot."""
        return self.folder / f"{epoch}.snapshot"


@pytest.fixture(scope="module")
def history() -> tuple[list[Row], list[State]]:
    """Epochs whose roots were computed apart from the specification, and followed by it."""
    past, states = History(7, lanes=4), [genesis()]
    rows = [past.genesis().model_dump()]
    for epoch in past.epochs(EPOCHS):
        followed = replay(states[-1], decode_words(epoch.row["words"], 4))
        assert (followed.c, followed.z, followed.y) == (epoch.record.c, epoch.record.z, epoch.record.y)
        assert followed.state.hash() == epoch.row["state"]
        states.append(followed.state)
        rows.append(epoch.row)
    return rows, states


@pytest.fixture
def past(store: Store, history: tuple[list[Row], list[State]], tmp_path: Path) -> Past:
    """A database with that history."""
    rows, states = history
    with store._session() as session:
        session.add_all([EpochRow(**row) for row in rows])
        session.commit()
    return Past(store, states, tmp_path / "snapshots")


def begun_after(past: Past) -> tuple[int, list[str]]:
    """Rebuild, check the state, and return the snapshot that was used (0: none) and the warnings."""
    with structlog.testing.capture_logs() as entries:
        ledger, results = rebuild(past.store, past.snapshots)
    last = len(ledger.records) - 1
    assert ledger.tip.hash() == past.states[last].hash()
    assert ledger.confirmed.nullifier.contents() == past.states[last].nullifier.contents()
    assert (ledger.tip_id, results, len(ledger.anchors), len(ledger.commit_blocks)) == (
        last,
        {},
        last + 1,
        last + 1,
    )
    used = [entry["snapshot"] for entry in entries if entry["event"] == "state built"]
    return used[0] if used else -1, [entry["cause"] for entry in entries if entry["log_level"] == "warning"]


def test_no_snapshot_is_needed(past: Past) -> None:
    assert begun_after(past) == (0, [])
    assert not past.folder.exists()


def test_the_newest_snapshot_is_used(past: Past) -> None:
    for epoch in (2, 4, 6):
        past.snapshots.save(past.states[epoch])
    assert begun_after(past) == (6, [])


def test_states_behind_the_tip_are_there_for_reorganisations(past: Past) -> None:
    past.snapshots.save(past.states[4])
    ledger, _ = rebuild(past.store, past.snapshots)
    for epoch in range(EPOCHS - KEPT_STATES, EPOCHS + 1):
        state = ledger.state(epoch)
        assert state is not None
        assert state.hash() == past.states[epoch].hash()


def test_old_snapshots_are_removed(past: Past) -> None:
    for epoch in range(1, 7):
        past.snapshots.save(past.states[epoch])
    assert sorted(path.name for path in past.folder.iterdir()) == [
        f"{epoch}.snapshot" for epoch in range(7 - KEPT, 7)
    ]


def resealed(data: bytes) -> bytes:
    """The same with a checksum that is right."""
    return data[:-32] + blake2b(data[:-32], digest_size=32).digest()


def other_leaf(data: bytes) -> bytes:
    """The same with another first note."""
    at = data.index(b"}\n") + 2 + 6 * 8 + 31
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda data: b"", "another version"),
        (lambda data: b"x" + data[1:], "another version"),
        (lambda data: data[:-1], "checksum"),
        (lambda data: data[: len(data) // 2], "checksum"),
        (lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:], "checksum"),
        (lambda data: resealed(data.replace(b'"31337"', b'"00001"')), "another deployment"),
        (lambda data: resealed(data.replace(b'"epoch": 6', b'"epoch": 5')), "it is of epoch 5"),
        (lambda data: resealed(data.replace(b'"epoch"', b'"ep0ch"')), "another content"),
        (lambda data: resealed(data[: data.index(b"}\n") + 2] + b"leaves" + bytes(32)), "another content"),
        (lambda data: resealed(data[:40] + bytes(32)), "another content"),
        (lambda data: resealed(data.replace(b'"state": "0x', b'"state": "0y')), "another content"),
        (lambda data: resealed(other_leaf(data)), "L1 has state"),
    ],
)
def test_a_bad_snapshot_is_reported_and_an_older_one_used(past: Past, damage: object, cause: str) -> None:
    assert callable(damage)
    for epoch in (4, 6):
        past.snapshots.save(past.states[epoch])
    path = past.path(6)
    path.write_bytes(damage(path.read_bytes()))
    used, causes = begun_after(past)
    assert used == 4
    assert len(causes) == 1
    assert cause in causes[0]


def test_a_snapshot_newer_than_the_database_or_of_another_fork_is_ignored(
    past: Past, history: object
) -> None:
    for epoch in (4, EPOCHS):
        past.snapshots.save(past.states[epoch])
    other = State(
        *(getattr(past.states[6], name).copy() for name in ("note", "nullifier", "root", "account"))
    )
    other.note.append([], 4)
    past.snapshots.save(other)
    with past.store._session() as session:
        for epoch in range(EPOCHS - 2, EPOCHS + 1):
            session.delete(session.get_one(EpochRow, epoch))
        session.commit()
    used, causes = begun_after(past)
    assert used == 4
    assert causes == ["L1 has no such state"] * 2


def test_a_file_that_is_no_snapshot_and_an_unfinished_one_are_left_alone(past: Past) -> None:
    past.snapshots.save(past.states[4])
    (past.folder / "notes.snapshot").write_text("mine")
    (past.folder / "9.part").write_text("killed here")
    (past.folder / "8.snapshot").mkdir()
    used, causes = begun_after(past)
    assert used == 4
    assert len(causes) == 1


def test_a_snapshot_is_written_after_a_start_without_one(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "INTERVAL", 8)
    assert begun_after(past)[0] == 0
    assert past.path(EPOCHS - KEPT_STATES).exists()
    assert begun_after(past)[0] == EPOCHS - KEPT_STATES


def test_a_full_disk_costs_the_snapshot_only(past: Past) -> None:
    past.folder.write_text("a file where the folder should be")
    with structlog.testing.capture_logs() as entries:
        save_snapshot(past.snapshots, past.states[4])
    assert [entry["event"] for entry in entries] == ["snapshot not written"]


@pytest.mark.parametrize("epoch", [3, EPOCHS - 1])
def test_changed_words_are_found_and_named(past: Past, epoch: int) -> None:
    with past.store._session() as session:
        row = session.get_one(EpochRow, epoch)
        words = decode_words(row.words, row.lanes)
        changed = row.words.replace(words.lanes[1].nullifiers[0].to_bytes(32), bytes(31) + b"\x07")
        assert changed != row.words
        row.words = changed
        session.commit()
    with pytest.raises(StateDiverged, match=f"epoch {epoch} "):
        rebuild(past.store)


def test_a_changed_record_is_found(past: Past) -> None:
    with past.store._session() as session:
        row = session.get_one(EpochRow, 2)
        assert row.record is not None
        row.record = row.record.replace(past.states[2].anchor().to_bytes(32), bytes(31) + b"\x07")
        session.commit()
    with structlog.testing.capture_logs() as entries:
        ledger, _ = rebuild(past.store)
    assert "record of epoch 2" in entries[0]["cause"]
    assert ledger.tip.hash() == past.states[-1].hash()


def test_where_snapshots_lie(tmp_path: Path) -> None:
    assert snapshot_folder("sqlite:////data/node.db", None) == Path("/data/node.db.snapshots")
    assert snapshot_folder("sqlite://", None) is None
    assert snapshot_folder("postgresql+psycopg://h/node", None) is None
    assert snapshot_folder("postgresql+psycopg://h/node", tmp_path) == tmp_path

"""The cache of deployed chains: whole entries only, a bounded number, one maker at a time."""

import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from sotto.testing import contracts
from sotto.testing.snapshots import Snapshot, Snapshots, cache_folder

SNAPSHOT = Snapshot("0x1f8b", '{"chain_id": 31337}')


def test_entry_is_found_by_its_digest_only(tmp_path: Path) -> None:
    entry = Snapshots(tmp_path / "cache", "aa")
    assert entry.load() is None
    with entry.making():
        entry.save(SNAPSHOT)
    assert entry.load() == SNAPSHOT
    assert Snapshots(tmp_path / "cache", "bb").load() is None
    entry.forget()
    entry.forget()
    assert entry.load() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"state": "0x"}', '{"state": "", "other": 1}'])
def test_damaged_entry_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "aa.json").write_text(content)
    assert Snapshots(tmp_path, "aa").load() is None


def test_the_longest_unused_entries_go(tmp_path: Path) -> None:
    entries = [Snapshots(tmp_path, f"{number:02}") for number in range(10)]
    for number, entry in enumerate(entries[:9]):
        entry.save(SNAPSHOT)
        os.utime(tmp_path / f"{number:02}.json", (number, number))
    assert entries[1].load() is not None
    entries[9].save(SNAPSHOT)
    kept = [number for number, entry in enumerate(entries) if entry.load()]
    assert kept == [1, 3, 4, 5, 6, 7, 8, 9]


def _make(folder: Path, made: "multiprocessing.queues.Queue[str]") -> None:
    entry = Snapshots(folder, "aa")
    with entry.making():
        if entry.load() is None:
            entry.save(SNAPSHOT)
            made.put("made")


def test_of_several_processes_one_makes_the_entry(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    made: multiprocessing.queues.Queue[str] = context.Queue()
    workers = [context.Process(target=_make, args=(tmp_path, made)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert made.get(timeout=10) == "made"
    assert made.empty()


def test_maker_that_waits_finds_what_the_other_made(tmp_path: Path) -> None:
    entry = Snapshots(tmp_path, "aa")
    found: list[Snapshot | None] = []

    def wait() -> None:
        with Snapshots(tmp_path, "aa").making():
            found.append(entry.load())

    with entry.making():
        waiting = threading.Thread(target=wait)
        waiting.start()
        entry.save(SNAPSHOT)
    waiting.join(60)
    assert found == [SNAPSHOT]


def test_digest_follows_what_decides_a_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("contracts/core/Rollup.sol", "circuits/go.sum", "foundry.toml", "package-lock.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.setattr(contracts, "SOURCE", tmp_path)
    before = contracts.digest_sources()
    assert contracts.digest_sources() == before
    (tmp_path / "contracts/core/Rollup.sol").write_text("other")
    changed = contracts.digest_sources()
    assert changed != before
    (tmp_path / "contracts/core/Rollup.sol").rename(tmp_path / "contracts/core/Rolled.sol")
    (tmp_path / "contracts/core/Rollup.sol").write_text("")
    assert contracts.digest_sources() not in (before, changed)


def test_cache_lies_beside_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOTTO_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere/sandbox")
    monkeypatch.setenv("SOTTO_CACHE", "")
    assert cache_folder() == Path.home() / ".cache/sotto/sandbox"

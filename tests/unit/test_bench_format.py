"""The files of measurements: their form, and that the README says what was measured."""

from pathlib import Path

import pytest
from bench import results


def test_committed_files_agree() -> None:
    assert results.README.read_text() == results.render(results.load())


def test_every_script_measures_something() -> None:
    """Each row has a script that records it, which `make bench` or `make bench-long` finds."""
    scripts = "".join(path.read_text() for path in sorted(results.FOLDER.glob("bench_*.py")))
    assert [row.name for row in results.ROWS if f'"{row.name}"' not in scripts] == []


def test_records_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "README", tmp_path / "README.md")
    results.record("transfer_prove_s", 0.512345, 3, "a note", "2 cores, load 0.1")
    results.record("gas_claim", 70_000, 1)
    assert results.load()["transfer_prove_s"] == {
        "value": 0.5123,
        "unit": "s",
        "n": 3,
        "note": "a note; 2 cores, load 0.1",
    }
    readme = (tmp_path / "README.md").read_text()
    assert "| 0.5123 | s | <= 0.7 | yes | 3 | a note; 2 cores, load 0.1 |" in readme
    assert "| 70,000 | gas | <= 75,000 | yes | 1 |" in readme
    assert "| not measured |" in readme


def test_a_missed_target_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "README", tmp_path / "README.md")
    results.record("gas_claim", 75_001, 1)
    assert "| **no** |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    "entry",
    [
        {"value": 1, "unit": "s", "n": 1},
        {"value": 1, "unit": "s", "n": 1, "note": "", "more": 1},
        {"value": "1", "unit": "s", "n": 1, "note": ""},
        {"value": True, "unit": "s", "n": 1, "note": ""},
        {"value": 1, "unit": "gas", "n": 1, "note": ""},
        {"value": 1, "unit": "s", "n": 0, "note": ""},
        {"value": 1, "unit": "s", "n": 1, "note": None},
        [],
    ],
)
def test_malformed_measurements_are_refused(entry: object) -> None:
    with pytest.raises(results.ResultsMalformedError):
        results.check("transfer_prove_s", entry)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(results.UnknownMeasurementError):
        results.record("transfer_prove_ms", 1, 1)

"""Log lines: each category by its own level."""

import json
from collections.abc import Iterator

import pytest
import structlog

from sotto.node import logs
from sotto.node.config import load_config
from sotto.node.errors import ConfigInvalid
from sotto.node.logs import Category


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def lines(text: str) -> list[tuple[str, str]]:
    """Category and event of each line."""
    return [(line["category"], line["event"]) for line in map(json.loads, text.splitlines())]


def speak() -> None:
    """One line of each level in three categories."""
    for category in (Category.BLOCK, Category.PROOF, Category.DATABASE):
        log = structlog.get_logger(category=category)
        for level in ("debug", "info", "warning"):
            getattr(log, level)(level)


def test_one_level_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning", "json")
    speak()
    assert lines(capsys.readouterr().err) == [
        ("block", "warning"),
        ("proof", "warning"),
        ("database", "warning"),
    ]


def test_a_category_has_its_own_level_above_or_below(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json", {Category.PROOF: "error", Category.DATABASE: "debug"})
    speak()
    assert lines(capsys.readouterr().err) == [
        ("block", "info"), ("block", "warning"),
        ("database", "debug"), ("database", "info"), ("database", "warning"),
    ]  # fmt: skip


def test_an_exception_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("error", "json")
    try:
        raise ValueError("why")
    except ValueError:
        structlog.get_logger(category=Category.STATE).exception("failed")
    assert "ValueError: why" in capsys.readouterr().err


def test_levels_come_from_text_as_the_environment_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("database=debug, proof=error", '{"database": "debug", "proof": "error"}'):
        monkeypatch.setenv("SOTTO_LOG_LEVELS", text)
        assert load_config(deployment="x").log_levels == {Category.DATABASE: "debug", Category.PROOF: "error"}
    for wrong in ("weather=debug", "proof=loud", "proof"):
        monkeypatch.setenv("SOTTO_LOG_LEVELS", wrong)
        with pytest.raises(ConfigInvalid, match="log_levels"):
            load_config(deployment="x")

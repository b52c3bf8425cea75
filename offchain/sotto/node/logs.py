"""Structured logs: one line an event, with a category, as text for people or JSON for machines."""

import logging
import sys
from collections.abc import Mapping
from enum import StrEnum

import structlog


class Category(StrEnum):
    """What a line is about. Each can have a level of its own."""

    BLOCK = "block"
    """Block processing: blocks, epochs, proofs of epochs, their way to L1."""
    STATE = "state"
    """State management: what L1 reports, reorganisations, epochs given up, dropped transactions."""
    PROOF = "proof"
    """Proof verification: of client proofs."""
    BLOBS = "blobs"
    """Sources of blobs: those that do not have one, and those that lie."""
    DATABASE = "database"
    """Database operations."""
    MEMPOOL = "mempool"
    API = "api"
    NODE = "node"


def configure(level: str, form: str, levels: Mapping[Category, str] | None = None) -> None:
    """Set up the process's logs on standard error.

    Args:
        level: debug, info, warning or error.
        form: console or json.
        levels: levels of single categories, in the place of `level`.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    threshold = _number(level)
    thresholds = {category: _number(name) for category, name in (levels or {}).items()}
    structlog.configure(
        processors=[
            _Filter(threshold, thresholds),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(min([threshold, *thresholds.values()])),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), format="%(levelname)s %(name)s %(message)s")


class _Filter:
    """Drops lines below the level of their category."""

    def __init__(self, threshold: int, thresholds: Mapping[Category, int]) -> None:
        self._threshold = threshold
        self._thresholds = thresholds

    def __call__(
        self, _logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        """The line, if it is wanted. Raises DropEvent."""
        # `exception` is an error with its traceback.
        number = logging.ERROR if method == "exception" else _number(method)
        if number < self._thresholds.get(event.get("category", ""), self._threshold):
            raise structlog.DropEvent
        return event


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]

"""What commands print: results on stdout, progress and errors on stderr.

With `--json` stdout has exactly one JSON document, also for an error.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final, NoReturn

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from sotto.cli.codes import code_of, hint_of
from sotto.wallet.context import Progress as Report


def escape(text: object) -> str:
    """Text of others with everything that could move the cursor or hide characters made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


SLOW_SECONDS: Final = 2.0


class ProgressLines:
    """Writes lines about slow phases to stderr. `clock` gives seconds."""

    def __init__(self, as_json: bool, clock: Callable[[], float] = monotonic) -> None:
        self._as_json, self._clock = as_json, clock
        self._phase = ""
        self._begun = self._shown = clock()

    def report(self, phase: str, share: float) -> None:
        """Take note of a phase's share, 0 to 1."""
        now = self._clock()
        # The time before the first report of a phase belongs to it: reports come when a part is done.
        if phase != self._phase and self._phase:
            self._begun = self._shown = now
        self._phase = phase
        if now - self._shown < SLOW_SECONDS:
            return
        self._shown = now
        elapsed = now - self._begun
        remaining = elapsed * (1 - share) / share if share else None
        if self._as_json:
            progress = {
                "phase": phase,
                "share": round(share, 4),
                "elapsed_s": round(elapsed, 1),
                "remaining_s": None if remaining is None else round(remaining, 1),
            }
            click.echo(json.dumps({"progress": progress}), err=True)
        else:
            left = "" if remaining is None else f", about {remaining:.0f} s left"
            click.echo(f"{escape(phase)}: {share:.0%} after {elapsed:.0f} s{left}", err=True)


class Output:
    """Prints the results of one command."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._console = Console(highlight=False, markup=False, soft_wrap=True)

    def result(self, data: object, lines: Sequence[str] = ()) -> None:
        """The one result of a command: `data` with --json, else `lines`."""
        if self.as_json:
            click.echo(json.dumps(data, indent=2))
            return
        for line in lines:
            self._console.print(escape(line))

    def table(self, data: object, columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str) -> None:
        """A result with rows."""
        if self.as_json or not rows:
            self.result(data, [empty])
            return
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self._console.print(table)

    def show_logs(self, level: str = "warning") -> None:
        """Let what is logged from now on appear on stderr, as JSON with --json."""
        from sotto.node import logs

        logs.configure(level, "json" if self.as_json else "console")

    def note(self, text: str) -> None:
        """A remark for people, on stderr."""
        self._errors.print(escape(text))

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Progress and remaining time on stderr: a bar on a terminal, else lines, with --json as JSON.

        Lines begin when a phase has taken SLOW_SECONDS, and follow each other no faster than that.
        """
        if self.as_json or not sys.stderr.isatty():
            yield ProgressLines(self.as_json).report
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._errors, transient=True) as bar:
            task = bar.add_task("connecting", total=None)

            def report(phase: str, share: float) -> None:
                bar.update(task, description=phase, total=1.0, completed=share)

            yield report

    def fail(self, error: Exception) -> NoReturn:
        """Print an error in one line with its hint, and exit with its code."""
        name, cause, hint = type(error).__name__, str(error), hint_of(error)
        if self.as_json:
            click.echo(json.dumps({"error": {"code": name, "message": cause, "hint": hint}}, indent=2))
        else:
            self._errors.print(f"error: {name}: {escape(cause)}")
            if hint:
                self._errors.print(f"hint: {escape(hint)}")
        sys.exit(code_of(error))

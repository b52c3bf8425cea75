"""The `sotto` command."""

from sotto.cli.root import cli, main

__all__ = ["cli", "main"]

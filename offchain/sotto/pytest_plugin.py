"""pytest fixtures of applications that use Sotto. pytest finds this module by its entry point."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sotto.testing import Sandbox


@pytest.fixture(scope="session")
def sotto_sandbox_users() -> int:
    """How many funded wallets `sotto_sandbox` has; define a fixture of this name to have another number."""
    return 4


@pytest.fixture(scope="session")
def sotto_sandbox(sotto_sandbox_users: int) -> "Iterator[Sandbox]":
    """A running chain, contracts, node and funded wallets, started by the first test that asks for it.

    All tests of a run share it: let each use what it received itself, or users of its own.
    """
    # Imported late: pytest loads this module in every run, also where nothing needs a sandbox.
    from sotto.testing import open_sandbox

    with open_sandbox(sotto_sandbox_users) as sandbox:
        yield sandbox

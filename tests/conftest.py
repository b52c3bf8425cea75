"""Settings and fixtures shared by all plain pytest suites."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.postgres import PostgresServer

REPOSITORY = Path(__file__).resolve().parent.parent

# Tests start anvil, forge and solc by name: they must get the pinned ones also when pytest runs without make.
os.environ["PATH"] = f"{REPOSITORY / 'tools/bin'}{os.pathsep}{os.environ['PATH']}"
os.environ["SOLCX_BINARY_PATH"] = str(REPOSITORY / "tools/bin")

# Proving and curve arithmetic take as long as they take; a wall-clock deadline only makes busy machines fail.
settings.register_profile("sotto", deadline=None, max_examples=100)
settings.register_profile("deep", deadline=None, max_examples=5_000)
settings.load_profile("sotto")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root folder of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; `create` gives each test a database of its own."""
    with PostgresServer() as server:
        yield server

"""Settings and fixtures shared by all plain pytest suites."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.postgres import PostgresServer

REPOSITORY = Path(__file__).resolve().parent.parent

# py_ecc raises the limit of recursion beyond what the stack holds, for every later test of the same process.
# What we ship never imports it.
_recursion_limit = sys.getrecursionlimit()
importlib.import_module("py_ecc")
sys.setrecursionlimit(_recursion_limit)

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

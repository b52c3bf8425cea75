"""Errors have one name in API, SDK and command line, and say what to do."""

import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest

from sotto.cli import codes
from sotto.node import errors as node
from sotto.node.core import REPROVE
from sotto.node.streams import CLOSE_CODES
from sotto.protocol import errors as protocol
from sotto.wallet.errors import NodeRejected
from sotto.wallet.rejections import FINAL


def errors_of(module: ModuleType) -> Iterator[type[Exception]]:
    """The errors that a module defines."""
    for error in vars(module).values():
        if inspect.isclass(error) and issubclass(error, Exception) and error.__module__ == module.__name__:
            yield error


@pytest.mark.parametrize("error", [*errors_of(node), *errors_of(protocol)])
def test_every_error_tells_its_cause(error: type[Exception]) -> None:
    assert error.__doc__
    assert error.__doc__.split("\n")[0].strip()


def test_statuses_are_those_of_failures() -> None:
    for error in errors_of(node):
        assert issubclass(error, node.NodeError)
        assert 400 <= error.status < 600


def test_names_are_unique_and_those_that_the_wallet_knows_exist() -> None:
    names = [error.__name__ for module in (node, protocol) for error in errors_of(module)]
    assert len(set(names)) == len(names)
    assert {*names, REPROVE} >= FINAL


def test_the_sdk_keeps_the_nodes_name_of_an_error() -> None:
    rejected = NodeRejected(node.PoolFull.__name__, "20 transactions wait", node.PoolFull.status)
    assert (rejected.code, str(rejected)) == ("PoolFull", "PoolFull: 20 transactions wait")
    assert codes.code_of(rejected) == codes.NODE


def test_streams_close_with_codes_of_their_own() -> None:
    assert len(set(CLOSE_CODES.values())) == len(CLOSE_CODES)
    assert all(4000 <= code < 5000 for code in CLOSE_CODES.values())

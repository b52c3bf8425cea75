"""The synchronous wallet has what the asynchronous one has: the same names, arguments and results."""

import inspect
from typing import Any

import pytest

from sotto.wallet import SyncWallet, Wallet

# A class method with `await` becomes the constructor.
PUBLIC = sorted(name for name in vars(Wallet) if not name.startswith("_") and name != "open")


def test_both_have_the_same_names() -> None:
    assert sorted(name for name in vars(SyncWallet) if not name.startswith("_")) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_both_take_and_give_the_same(name: str) -> None:
    ours: Any = vars(SyncWallet)[name]
    theirs: Any = vars(Wallet)[name]
    if isinstance(theirs, property):
        assert isinstance(ours, property)
        ours, theirs = ours.fget, theirs.fget
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert not inspect.iscoroutinefunction(ours)
    assert inspect.getdoc(ours)
    assert inspect.getdoc(theirs)


def test_opening_takes_the_same() -> None:
    def taken(function: Any) -> list[tuple[str, object, object]]:
        return [(p.name, p.kind, p.annotation) for p in inspect.signature(function).parameters.values()]

    assert taken(SyncWallet) == taken(Wallet.open)

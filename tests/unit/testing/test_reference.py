"""The reference of the SDK: everything public is documented, and the pages are made without a warning."""

import subprocess
from collections.abc import Iterator
from inspect import getattr_static
from pathlib import Path

import pdoc.doc
import pytest

MODULES = ("sotto.wallet", "sotto.wallet.errors", "sotto.testing")


def public(module: str) -> Iterator[pdoc.doc.Doc[object]]:
    """What a module exports, with the methods and properties of its classes."""
    for member in pdoc.doc.Module.from_name(module).members.values():
        if isinstance(member, pdoc.doc.Module) or member.name.startswith("_"):
            continue
        yield member
        if isinstance(member, pdoc.doc.Class):
            # Fields stand in the docstring of their class.
            for inner in member.own_members:
                found = getattr_static(member.obj, inner.name, None)
                if not inner.name.startswith("_") and (callable(inner.obj) or isinstance(found, property)):
                    yield inner


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_has_a_docstring(module: str) -> None:
    names = [member.fullname for member in public(module)]
    assert len(names) > 5
    assert [member.fullname for member in public(module) if not member.docstring.strip()] == []


def test_the_pages_are_made_without_a_warning(repository: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        [repository / "tools" / "reference", tmp_path], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stderr) == (0, "")
    for page, name in (
        ("wallet", "SyncWallet"),
        ("wallet/errors", "WalletInUse"),
        ("testing", "open_sandbox"),
    ):
        assert name in (tmp_path / "sotto" / f"{page}.html").read_text()

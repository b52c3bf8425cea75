"""The pinned tools: lock files that anyone can use, and the executable in front of the Solidity compiler."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

SOLC = Path("tools/bin/solc")
SOURCE = "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n"


def run_solc(repository: Path, *arguments: str, document: object = None) -> str:
    completed = subprocess.run(
        [repository / SOLC, *arguments],
        input=None if document is None else json.dumps(document),
        capture_output=True,
        check=True,
        text=True,
    )
    return completed.stdout


def compile_source(repository: Path, source: str, base_path: Path) -> dict[str, Any]:
    document = {
        "language": "Solidity",
        "sources": {"Main.sol": {"content": SOURCE + source}},
        "settings": {"outputSelection": {"*": {"*": ["abi"]}}},
    }
    result: dict[str, Any] = json.loads(
        run_solc(repository, "--standard-json", f"--base-path={base_path}", "-", document=document)
    )
    return result


@pytest.mark.parametrize(
    ("lock_file", "hosts"),
    [
        ("uv.lock", {"pypi.org", "files.pythonhosted.org"}),
        ("package-lock.json", {"registry.npmjs.org", "github.com"}),
        ("tools/uv-requirements.txt", set()),
    ],
)
def test_lock_files_name_public_hosts_only(repository: Path, lock_file: str, hosts: set[str]) -> None:
    text = (repository / lock_file).read_text()
    assert set(re.findall(r"https?://([^/\"\s]+)", text)) <= hosts


def test_every_npm_package_is_locked_by_hash(repository: Path) -> None:
    packages = json.loads((repository / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []


def test_solc_version_is_the_one_in_every_configuration(repository: Path) -> None:
    version = json.loads((repository / "package.json").read_text())["devDependencies"]["solc"]
    assert f"Version: {version}+commit." in run_solc(repository, "--version")
    assert f"solc-v{version}" in (repository / "foundry.toml").read_text()
    assert f"version: {version}" in (repository / "ape-config.yaml").read_text()


def test_solc_resolves_imports_below_its_base_path(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "Library.sol").write_text(SOURCE + "library Library {}")
    result = compile_source(repository, 'import "Library.sol"; contract Main {}', tmp_path)
    assert set(result["contracts"]) == {"Main.sol", "Library.sol"}


def test_solc_finds_the_libraries_from_any_base_path(repository: Path, tmp_path: Path) -> None:
    library = "node_modules/@openzeppelin/contracts/utils/math/SafeCast.sol"
    result = compile_source(repository, f'import "{library}"; contract Main {{}}', tmp_path)
    assert library in result["contracts"]


@pytest.mark.parametrize("escape", ["{outside}/Secret.sol", "node_modules/../README.md", "./link/Secret.sol"])
def test_solc_reads_nothing_outside_its_base_path(repository: Path, tmp_path: Path, escape: str) -> None:
    (tmp_path / "Secret.sol").write_text(SOURCE + "library Secret {}")
    base_path = tmp_path / "base"
    base_path.mkdir()
    (base_path / "link").symlink_to(tmp_path)
    path = escape.format(outside=tmp_path)
    result = compile_source(repository, f'import "{path}"; contract Main {{}}', base_path)
    assert any("outside of allowed directories" in error["message"] for error in result["errors"]), result


def test_solc_refuses_unknown_options(repository: Path) -> None:
    completed = subprocess.run([repository / SOLC, "--bin"], capture_output=True, check=False, text=True)
    assert completed.returncode == 1
    assert "unsupported option '--bin'" in completed.stderr

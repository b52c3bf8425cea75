"""What a command does not need, it does not load: starting takes longer than most commands."""

import subprocess
import sys

import pytest

HEAVY = ("web3", "aiohttp", "eth_account", "fastapi", "sqlmodel", "sqlalchemy", "uvicorn")


@pytest.mark.parametrize("module", ["sotto.cli.wallet", "sotto.wallet"])
def test_wallet_loads_nothing_that_only_nodes_and_l1_need(module: str) -> None:
    program = f"import sys, sotto.cli, {module}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(HEAVY) & set(loaded.split()) == set()

"""A sync that is killed, as a process, wherever it happens to be."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.wallet.test_cache import check, make_chain, open_at

CHILD = """
import asyncio, sys
from pathlib import Path
from sotto.wallet import ranges
from tests.unit.wallet.test_cache import make_chain, open_at

ranges.MAX_EPOCHS = 2

async def main():
    async with await open_at(Path(sys.argv[1]), make_chain()) as wallet:
        wallet._context.progress = lambda phase, share: print(share, flush=True)
        await wallet.sync()

asyncio.run(main())
"""


def sync_and_kill(path: Path, folder: Path, batches: int) -> None:
    """Let a process sync, and kill it when it has told of so many batches."""
    command = [sys.executable, "-c", CHILD, str(path)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(batches):
            assert child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.slow
async def test_killed_sync_goes_on(tmp_path: Path, repository: Path) -> None:
    for batches in (1, 3, 2):
        sync_and_kill(tmp_path / "w", repository, batches)
    chain = make_chain()
    async with await open_at(tmp_path / "w", chain) as wallet:
        assert wallet.epoch >= 12
        await check(wallet)

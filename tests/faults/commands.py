"""`sotto` as somebody runs it who knows the rollup's address and an L1 endpoint: in a process of its own."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Final

from eth_account.signers.local import LocalAccount

from sotto.testing.chain import funded_account
from tests.faults.evidence import Json
from tests.faults.stage import NotLiveError, Stage

STRANGER: Final = funded_account(7)
"""Keeps the rollup going without permission, and pays gas."""

_SECONDS: Final = 1800.0


async def sotto(stage: Stage, *command: str, home: Path, key: LocalAccount = STRANGER) -> Json:
    """The JSON that a command prints, run in a folder that only it knows.

    Raises NotLiveError when it does not end, AssertionError when it prints none.
    """
    await asyncio.to_thread(home.mkdir, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOTTO_")}
    if "SOTTO_CACHE" in os.environ:
        kept["SOTTO_CACHE"] = os.environ["SOTTO_CACHE"]
    rollup = stage.deployment.address("Rollup")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sotto.cli", *command, "--rollup", rollup, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        env={
            **kept,
            "SOTTO_HOME": str(home),
            "SOTTO_L1": stage.chain.url,
            "SOTTO_L1_KEY": "0x" + bytes(key.key).hex(),
        },
    )
    try:
        async with asyncio.timeout(_SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        raise NotLiveError(f"`sotto {' '.join(command)}` did not end within {_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    assert output, errors.decode()
    answer: Json = json.loads(output)
    return answer


def refusal(answer: Json) -> str:
    """Code of the error that a command has ended with, empty if it did what it was asked."""
    return str(answer["error"]["code"]) if "error" in answer else ""

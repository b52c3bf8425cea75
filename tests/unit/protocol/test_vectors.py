"""The committed vectors are those of this version."""

import subprocess
import sys
from pathlib import Path


def test_vectors_are_up_to_date(repository: Path) -> None:
    command = [sys.executable, str(repository / "tools/vectors.py"), "--check"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr

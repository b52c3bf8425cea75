"""The demo from start to end: without cached keys, then with them."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.results import machine, record


def demo(cache: str) -> float:
    """Seconds that the demo takes with this folder as artefact cache."""
    path = f"{ROOT / 'tools/bin'}{os.pathsep}{os.environ['PATH']}"
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "sotto.cli", "demo"],
        check=True,
        cwd=ROOT,
        env=os.environ | {"SOTTO_CACHE": cache, "PATH": path},
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


def main() -> None:
    """Measure both; about seven minutes on an idle machine of 2 cores."""
    with tempfile.TemporaryDirectory() as cache:
        load = machine()
        record("demo_cold_s", demo(cache), 1, "empty artefact cache, contracts compiled, nothing downloaded", load)
        load = machine()
        record("demo_warm_s", demo(cache), 1, "", load)


if __name__ == "__main__":
    main()

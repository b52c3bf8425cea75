"""The demo from start to end: without cached keys, then with them."""

import os
import subprocess
import sys
import tempfile
import time

import _paths

from bench.results import machine, record


def demo(cache: str) -> float:
    """Seconds that the demo takes with this folder as artefact cache."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "sotto.cli", "demo"],
        check=True,
        cwd=_paths.ROOT,
        env=os.environ | {"SOTTO_CACHE": cache},
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


def main() -> None:
    """Measure both; about seven minutes on an idle machine of 2 cores."""
    with tempfile.TemporaryDirectory() as cache:
        load = machine()
        record(
            "demo_cold_s",
            demo(cache),
            1,
            "empty artefact cache, contracts compiled, nothing downloaded",
            load,
        )
        load = machine()
        record("demo_warm_s", demo(cache), 1, "", load)


if __name__ == "__main__":
    main()

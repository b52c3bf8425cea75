#!/usr/bin/env python3
"""Write the test vectors of the specification to tests/vectors, or check that they are up to date.

Usage: tools/vectors.py [--check]. Everything comes from `sotto.protocol` and a fixed seed.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "offchain"), str(ROOT)]

from tests.support import vectors  # noqa: E402 - the paths above come first

TARGET = ROOT / "tests" / "vectors"
COMPACT_ABOVE = 40_000


def render(value: object) -> str:
    """JSON text; large files without indentation."""
    text = json.dumps(value, indent=1) + "\n"
    return text if len(text) < COMPACT_ABOVE else json.dumps(value, separators=(",", ":")) + "\n"


def build() -> dict[str, str]:
    """Text of each file by its name."""
    return {f"{name}.json": render(source()) for name, source in vectors.FILES.items()}


def main() -> int:
    """Write or check; 1 when a file is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file differs, write nothing")
    check = parser.parse_args().check
    files = build()
    stale = [n for n, text in files.items() if not (TARGET / n).exists() or (TARGET / n).read_text() != text]
    extra = [path.name for path in TARGET.glob("*.json") if path.name not in files]
    if check:
        for name in [*stale, *extra]:
            print(f"out of date: tests/vectors/{name}; run tools/vectors.py")
        return 1 if stale or extra else 0
    TARGET.mkdir(exist_ok=True)
    for name in stale:
        (TARGET / name).write_text(files[name])
        print(f"wrote tests/vectors/{name}")
    for name in extra:
        (TARGET / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

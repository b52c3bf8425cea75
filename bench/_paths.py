"""Lets a script of this folder import the repository's packages and find the pinned tools."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["PATH"] = f"{ROOT / 'tools/bin'}{os.pathsep}{os.environ['PATH']}"

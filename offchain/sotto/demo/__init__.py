"""A private payment from deposit to withdrawal on a local chain, told step by step."""

from sotto.demo.stage import DemoError
from sotto.demo.story import run_demo

__all__ = ["DemoError", "run_demo"]

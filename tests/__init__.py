"""Tests. A package, because an installed library also brings a top-level `tests` that would hide this folder."""

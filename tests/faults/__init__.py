"""Faults under load: `python -m tests.faults` (docs/testing.md)."""

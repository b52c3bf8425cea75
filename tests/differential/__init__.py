"""Specification, circuits and contracts fed with the same operations."""

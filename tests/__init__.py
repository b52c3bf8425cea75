"""Tests. A package, since an installed library brings a top-level `tests` that would hide this folder."""

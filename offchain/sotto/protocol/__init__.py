"""The protocol as executable specification: pure, deterministic, without input or output.

Each module states which page of `docs/spec` it implements. Other implementations (circuits, contracts) are
held to this one by the vectors in `tests/vectors`.
"""

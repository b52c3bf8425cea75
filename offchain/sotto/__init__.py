"""Sotto: a private payments rollup for Ethereum, its node, prover, wallet and SDK."""

__version__ = "0.1.0"

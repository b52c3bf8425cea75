"""A local chain with the contracts, for tests: the parts of the sandbox that applications get too."""

from sotto.testing.chain import SOURCE as ROOT
from sotto.testing.chain import LocalChain, anvil
from sotto.testing.contracts import build_contracts, deploy
from sotto.testing.processes import free_port

__all__ = ["KEYS", "ROOT", "LocalChain", "anvil", "build_contracts", "deploy", "free_port"]

# The accounts of anvil's public test mnemonic.
KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)

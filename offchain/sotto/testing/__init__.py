"""A Sotto of one's own to test against: local Ethereum, contracts, node and funded wallets.

`open_sandbox` starts one; the pytest fixture `sotto_sandbox` is one that a whole test run shares. Nothing in
it is simulated: payments are proven, epochs are verified by the contracts.
"""

from sotto.testing.chain import LocalChain
from sotto.testing.errors import SandboxError
from sotto.testing.node import LocalNode
from sotto.testing.sandbox import Sandbox, SandboxUser, open_sandbox

__all__ = ["LocalChain", "LocalNode", "Sandbox", "SandboxError", "SandboxUser", "open_sandbox"]

"""A local Ethereum of one's own: anvil, which mines each transaction at once."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3

from sotto.testing.errors import SandboxError
from sotto.testing.processes import free_port, start

SOURCE: Final = Path(__file__).resolve().parents[3]
"""The source tree."""

CHAIN_ID: Final = 31337

_MNEMONIC: Final = "test test test test test test test test test test test junk"
_START_SECONDS: Final = 30.0


@dataclass(frozen=True)
class LocalChain:
    """A running anvil, its JSON-RPC endpoint, a connection to it, and the number of its process."""

    url: str
    web3: Web3
    process_id: int
    _making: Lock = field(default_factory=Lock, repr=False, compare=False)

    def mine(self, blocks: int = 1) -> None:
        """Add empty blocks."""
        with self._making:
            self.request("anvil_mine", [hex(blocks)])

    def transactions(self, depth: int) -> list[bytes]:
        """The signed transactions of the last blocks, oldest first."""
        head = self.web3.eth.block_number
        return [
            bytes.fromhex(self.request("eth_getRawTransactionByHash", [digest.to_0x_hex()])[2:])
            for number in range(head - depth + 1, head + 1)
            for digest in cast(list[HexBytes], self.web3.eth.get_block(number)["transactions"])
        ]

    def reorganise(self, depth: int, transactions: Sequence[tuple[bytes, int]] = ()) -> None:
        """Replace the last blocks by as many new ones.

        Args:
            depth: so many blocks.
            transactions: what the new blocks hold: signed transactions, each with the place of its block from
                0 on. One whose nonce does not fit is left out; whatever is not named is gone.
        """
        pairs = [["0x" + raw.hex(), place] for raw, place in transactions]
        # A block that anvil makes meanwhile runs its transactions under a number that is not its own.
        with self._making:
            automine = self.request("anvil_getAutomine", [])
            self.request("evm_setAutomine", [False])
            try:
                self.request("anvil_reorg", [depth, pairs])
            finally:
                self.request("evm_setAutomine", [automine])
            if automine and int(self.request("txpool_status", [])["pending"], 16):
                self.request("anvil_mine", ["0x1"])

    def request(self, method: str, parameters: list[Any]) -> Any:
        """Result of a JSON-RPC request. Raises SandboxError with the chain's error."""
        answer = self.web3.provider.make_request(method, parameters)  # type: ignore[arg-type]
        if "error" in answer:
            raise SandboxError(f"{method}: {answer['error']}")
        return answer["result"]


@contextlib.contextmanager
def anvil(*arguments: str, folder: Path | None = None, hardfork: str = "prague") -> Iterator[LocalChain]:
    """A new local chain on a free port. Raises SandboxError.

    Args:
        arguments: of anvil, for example `--fork-url`, URL.
        folder: for `anvil.log`; a temporary one by default.
        hardfork: whose rules it follows, `prague` or `osaka`.
    """
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sotto-anvil-")))
        port = free_port()
        command = ["anvil", "--hardfork", hardfork, "--port", str(port), *arguments]
        process = stack.enter_context(start("anvil", command, folder, tool_environment()))
        url = f"http://127.0.0.1:{port}"
        web3 = Web3(HTTPProvider(url))
        deadline = time.monotonic() + _START_SECONDS
        while not web3.is_connected():
            process.check()
            if time.monotonic() > deadline:
                raise SandboxError(f"anvil did not start within {_START_SECONDS:.0f} s (see {process.log})")
            time.sleep(0.02)
        yield LocalChain(url, web3, process.process_id)


def tool_environment() -> dict[str, str]:
    """This process's environment, with the pinned anvil, forge and solc."""
    tools = SOURCE / "tools" / "bin"
    programs = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": programs, "SOLCX_BINARY_PATH": str(tools), "PYTHONUNBUFFERED": "1"}


def funded_account(number: int) -> LocalAccount:
    """One of the ten accounts to which every local chain gives 10,000 ETH. Their keys are public."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
    return account


def set_balance(chain: LocalChain, address: str, wei: int) -> None:
    """Set an account's ETH on a local chain."""
    chain.request("anvil_setBalance", [address, hex(wei)])

"""A rollup with users' money in it, whose operators are gone: processes killed, databases deleted."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from web3.types import Wei

from sotto.l1.deployment import Deployment, read_deployment
from sotto.protocol.address import decode_address
from sotto.protocol.ciphertext import encrypt
from sotto.protocol.keys import new_phrase
from sotto.protocol.l1 import compute_domain
from sotto.protocol.notes import partial
from sotto.testing.chain import CHAIN_ID, funded_account
from sotto.testing.contracts import build_contracts, mint
from sotto.wallet import Connection, SyncWallet, create_wallet
from sotto.wallet.inputs import Payment
from tests.faults.endpoint import FaultyEndpoint, NoProofs
from tests.support.chain import LocalChain, anvil, deploy
from tests.support.node import NodeProcess, wait_until

ETHER: Final = 10**18
DOLLAR: Final = 10**6
FREEZE_TIME: Final = 120
PARAMETERS: Final = {"provingWindow": 20, "forcedDeadline": 60, "freezeTime": FREEZE_TIME}
CLAIMANT: Final = to_checksum_address("0x" + "c1" * 20)
"""Gets alice's withdrawal that was proven and not claimed."""
SAVING: Final = ETHER // 10
QUEUED: Final = ETHER // 8
"""Wei that alice deposited when nobody was left to take it."""

SILENT: Final = "0x" + "99" * 20
"""A policy that fails to answer, which allows: so that epochs can be committed and never proven."""
_PASSWORD: Final = "ruin"
_WORK: Final = 14


@dataclass
class Owner:
    """Somebody with money inside. `words` are all that is left of the wallet."""

    name: str
    words: str
    account: LocalAccount
    address: str = ""


@dataclass
class Ruin:
    """See the module's text.

    Attributes:
        endpoint: another way to the chain, that can be disturbed.
        owners: alice and bob.
        notes: smallest units of alice's and bob's notes by asset, as of the last proven epoch.
        claim: wei of alice's proven withdrawal, that nobody has claimed.
        proven: the last proven epoch.
        forced: queue index of alice's forced withdrawal, which no proven epoch takes.
    """

    folder: Path
    chain: LocalChain
    deployment: Deployment
    endpoint: FaultyEndpoint
    owners: tuple[Owner, Owner]
    notes: dict[str, dict[int, int]] = field(default_factory=dict)
    claim: int = 0
    proven: int = 0
    forced: int = 0

    @property
    def rollup(self) -> str:
        """Address of the rollup."""
        return self.deployment.address("Rollup")

    @property
    def token(self) -> str:
        """Address of asset 2."""
        found = self.deployment.assets[1].address
        assert found is not None
        return found

    def balance(self, address: str) -> int:
        """Wei of an L1 address."""
        return self.chain.web3.eth.get_balance(to_checksum_address(address))

    def tokens(self, address: str) -> int:
        """Smallest units of asset 2 of an L1 address."""
        data = "0x70a08231" + address[2:].lower().rjust(64, "0")
        call = {"to": to_checksum_address(self.token), "data": data}
        return int.from_bytes(self.chain.web3.eth.call(call))  # type: ignore[arg-type]

    def begin(self, *command: str, home: Path, key: LocalAccount, rpc_url: str = "") -> subprocess.Popen[str]:
        """A command in a process of its own, that knows an empty folder."""
        return subprocess.Popen(
            [sys.executable, "-m", "sotto.cli", *command, "--rollup", self.rollup, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("SOTTO_")},
                **{name: os.environ[name] for name in ("SOTTO_CACHE",) if name in os.environ},
                "SOTTO_HOME": str(home),
                "SOTTO_L1": rpc_url or self.chain.url,
                "SOTTO_L1_KEY": "0x" + bytes(key.key).hex(),
            },
            cwd=home,
        )

    def sotto(self, *command: str, **where: Any) -> dict[str, Any]:
        """The JSON of a command, see `begin`."""
        return answer_of(self.begin(*command, **where))

    def leaving(
        self, owner: Owner, home: Path, *options: str, receiver: str = "", **where: Any
    ) -> subprocess.Popen[str]:
        """`sotto exit` with an owner's words, from an empty folder; `key` pays the gas."""
        home.mkdir(exist_ok=True)
        words = home / "words"
        words.write_text(owner.words)
        to = ["--to", receiver] if receiver else []
        key = where.pop("key", owner.account)
        return self.begin("exit", "--phrase-file", str(words), *to, *options, home=home, key=key, **where)

    def leave(self, owner: Owner, home: Path, *options: str, **where: Any) -> Any:
        """The JSON of `leaving`."""
        return answer_of(self.leaving(owner, home, *options, **where))


def answer_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON that a command prints before it ends."""
    output, errors = process.communicate()
    assert output, errors
    answer: dict[str, Any] = json.loads(output)
    return answer


@contextlib.contextmanager
def open_ruin(folder: Path, *, savings: int = 0) -> Iterator[Ruin]:
    """Deposits, payments and a withdrawal with real proofs; a payment in an epoch that is never proven.

    `savings` is the number of further notes of bob.
    """
    build_contracts()
    with anvil(folder=folder) as chain, FaultyEndpoint(chain.url) as endpoint:
        path = deploy(chain, folder, 1, PARAMETERS, sizes=(4,), proposer_policy=SILENT)
        operators = folder / "operators"
        operators.mkdir()
        node = NodeProcess(operators, endpoint.url, path, settlement="split")
        try:
            node.start()
            owners = (_owner("alice", 2), _owner("bob", 3))
            ruin = Ruin(folder, chain, read_deployment(path), endpoint, owners)
            _live(ruin, node, savings)
        finally:
            node.close()
        endpoint.heal()
        for file in operators.glob("node.db*"):
            file.unlink()
        deposit_without_node(ruin, owners[0])
        yield ruin


def _owner(name: str, number: int) -> Owner:
    return Owner(name, new_phrase(number.to_bytes(32)), funded_account(number))


def _live(ruin: Ruin, node: NodeProcess, savings: int) -> None:
    rollup = bytes.fromhex(ruin.rollup[2:])
    wallets = {}
    with contextlib.ExitStack() as stack:
        for owner in ruin.owners:
            path = ruin.folder / f"{owner.name}.json"
            create_wallet(path, _PASSWORD, CHAIN_ID, rollup, phrase=owner.words, work=_WORK)
            connection = Connection(node.url, l1=ruin.chain.url, l1_account=owner.account)
            wallets[owner.name] = stack.enter_context(SyncWallet(path, _PASSWORD, connection))
            owner.address = wallets[owner.name].address
        alice, bob = wallets["alice"], wallets["bob"]
        mint(ruin.chain, ruin.token, ruin.owners[0].account.address, 500 * DOLLAR)
        deposits = (("1", 3 * ETHER), ("1", 2 * ETHER), ("2", 500 * DOLLAR))
        made = [alice.deposit(asset, value).action.number for asset, value in deposits]
        for number in made:
            alice.wait(number)
        for number in [bob.deposit("1", SAVING).action.number for _ in range(savings)]:
            bob.wait(number)
        alice.wait(alice.send("1", [Payment(bob.address, ETHER)]).number)
        alice.wait(alice.withdraw("1", ETHER // 2, CLAIMANT).number)
        bob.sync()
        ruin.claim = ETHER // 2
        ruin.notes = {
            name: {asset: balance.available for asset, balance in wallet.balances().items()}
            for name, wallet in wallets.items()
        }
        ruin.proven = bob.epoch
        # This epoch is void later: alice has her note back, and bob has nothing of it.
        ruin.endpoint.disturb(NoProofs())
        void = alice.send("1", [Payment(bob.address, ETHER // 4)])
        wait_until(lambda: _status(node, void.h) == "committed")
        # Nobody proves an epoch with it, either.
        forced = alice.withdraw("2", 100 * DOLLAR, CLAIMANT, force=True)
        assert forced.queue_index is not None
        ruin.forced = forced.queue_index
    node.kill()


def _status(node: NodeProcess, h: int) -> str:
    return str(node.get(f"/v1/transactions/0x{h:064x}")["status"])


def deposit_without_node(ruin: Ruin, owner: Owner) -> None:
    """A deposit by somebody who asks no node."""
    domain = compute_domain(CHAIN_ID, bytes.fromhex(ruin.rollup[2:]))
    address = decode_address(owner.address, domain)
    text, r = encrypt(b"\x77" * 32, address.key, QUEUED, 1)
    bridge = ruin.chain.web3.eth.contract(address=ruin.deployment.address("Bridge"), abi=_DEPOSIT)
    call = bridge.functions.depositETH(partial(address.owner, r), text)
    digest = call.transact({"from": owner.account.address, "value": Wei(QUEUED)})
    assert ruin.chain.web3.eth.wait_for_transaction_receipt(digest)["status"] == 1


_DEPOSIT: Final = [
    {
        "type": "function",
        "name": "depositETH",
        "stateMutability": "payable",
        "inputs": [{"name": "notePartial", "type": "uint256"}, {"name": "ciphertext", "type": "bytes"}],
        "outputs": [{"name": "index", "type": "uint256"}],
    }
]

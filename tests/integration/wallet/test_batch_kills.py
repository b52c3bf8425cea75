"""A batch whose process is killed (SIGKILL) again and again: each receiver gets one note, never two."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.chain import ROOT
from tests.unit.cli.conftest import node, node_url
from tests.unit.wallet.recorded import CHAIN_ID, DOMAIN, ETHER, PASSWORD, ROLLUP, WORK, RecordedNode

from sotto.node import views
from sotto.protocol.address import Address, encode_address
from sotto.protocol.keys import ViewingKeys, derive
from sotto.wallet import create_wallet, keyfile
from sotto.wallet.messages import parse_notes
from sotto.wallet.scan import scan
from sotto.wallet.wallet import address_of

__all__ = ["node", "node_url"]

pytestmark = pytest.mark.slow

RECEIVERS = 11
VALUE = 1_000

# Progress goes to stdout, so that the killer knows where the process is.
PAYER = """
import json, sys
from pathlib import Path
from sotto.wallet import Connection, Payment, SyncWallet
from tests.unit.wallet.recorded import CheckingProver

path, password, node, payments = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
say = lambda *words: print(*words, flush=True)
with SyncWallet(path, password, Connection(node), prover=CheckingProver(), progress=say) as wallet:
    wallet.sync()
    if not wallet.batches():
        say("starting")
        wallet.start_batch("ETH", [Payment(address, value) for address, value in payments])
        say("started")
    while not (progress := wallet.continue_batch(0, 120)).finished:
        say("bundle", progress)
    say("finished", progress.proven)
"""


def run(command: list[str], kill_at: int | None) -> list[str]:
    """Lines of the process; it is killed when it has written so many of them."""
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.strip())
            if len(lines) == kill_at:
                process.kill()
                break
        process.wait(120)
    return lines


def kill_and_finish(command: list[str]) -> None:
    """Kill the payer at many points, and let it come to its end."""
    # Before and after the batch is written down, between proofs, after the last one, and while waiting.
    for kill_at in (1, 2, 4, 7, 8, 5):
        if run(command, kill_at)[-1].startswith("finished"):
            break
    lines = run(command, None)
    assert lines[-1] == f"finished {RECEIVERS}", lines


def strangers(domain: int) -> tuple[list[ViewingKeys], list[tuple[str, int]]]:
    """Receivers, and what each is to get."""
    keys = [derive(bytes([number + 1]) * 32, domain).viewing for number in range(RECEIVERS)]
    addresses = [encode_address(Address(key.owner, key.incoming_public), domain) for key in keys]
    return keys, [(address, VALUE + number) for number, address in enumerate(addresses)]


def test_every_receiver_is_paid_once(node: RecordedNode, node_url: str, tmp_path: Path) -> None:
    path = tmp_path / "alice.json"
    create_wallet(path, PASSWORD, CHAIN_ID, ROLLUP, work=WORK)
    node.deposit(address_of(keyfile.read(path, PASSWORD)), ETHER)
    node.close()

    def closing(path: str, answer: Any) -> Any:
        if path != "/v1/status":
            return answer
        if len(node.pool):
            node.close()
            return closing(path, node._status())
        return {**answer, "lanes": [4]}

    node.tamper = closing
    keys, payments = strangers(DOMAIN)
    arguments = [str(path), PASSWORD, node_url, json.dumps(payments)]
    kill_and_finish([sys.executable, "-c", PAYER, *arguments])
    entries = [entry for row in node.rows for entry in views.epoch_entries(row, node.deposits)]
    parsed = parse_notes({"start": 0, "count": 0, "complete": False, "entries": entries}).entries
    assert [[note.value for note in scan(key, parsed)] for key in keys] == [[v] for _, v in payments]

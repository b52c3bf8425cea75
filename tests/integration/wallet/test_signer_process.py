"""`sotto signer` as a process: one side has the seed and no node, the other the node and no seed."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.node import wait_until
from tests.unit.wallet.conftest import OpenWallet, node, open_wallet
from tests.unit.wallet.recorded import (
    CHAIN_ID,
    ETHER,
    PASSWORD,
    PRICE,
    ROLLUP,
    WORK,
    CheckingProver,
    RecordedNode,
)
from tests.unit.wallet.test_payments import available, funded

from sotto.protocol.viewing import encode_viewing_key
from sotto.wallet import Connection, Payment, Wallet, create_wallet, keyfile
from sotto.wallet.creation import create_view_only
from sotto.wallet.errors import SignerRefused, SignerUnreachable
from sotto.wallet.opening import viewing_key_of

__all__ = ["node", "open_wallet"]

pytestmark = pytest.mark.slow


def start_signer(wallet: Path, password: Path, socket: Path) -> subprocess.Popen[bytes]:
    """A signer that pays up to 2000 wei at a time without asking."""
    files = ["--wallet", str(wallet), "--password-file", str(password), "--socket", str(socket)]
    limits = ["--policy", "--max-amount", "1=2000", "--max-total", f"1={ETHER}", "--max-fee", f"1={PRICE}"]
    return subprocess.Popen([sys.executable, "-m", "sotto.cli", "signer", *files, *limits])


async def test_proving_wallet_and_signer_process(
    node: RecordedNode, open_wallet: OpenWallet, tmp_path: Path
) -> None:
    cold, hot, socket = tmp_path / "cold.json", tmp_path / "hot.json", tmp_path / "signer"
    create_wallet(cold, PASSWORD, CHAIN_ID, ROLLUP, work=WORK)
    key = encode_viewing_key(viewing_key_of(keyfile.read(cold, PASSWORD)))
    create_view_only(hot, PASSWORD, CHAIN_ID, ROLLUP, key, work=WORK)
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    process = start_signer(cold, password, socket)
    bob = await open_wallet("bob")
    connection = Connection("http://node", transport=node.transport(), signer=socket)
    try:
        wait_until(socket.is_socket)
        async with await Wallet.open(hot, PASSWORD, connection, prover=CheckingProver()) as wallet:
            await funded(node, wallet, ETHER)
            await wallet.send("ETH", [Payment(bob.address, 2000, memo="proven here, signed there")])
            with pytest.raises(SignerRefused, match="in one transaction"):
                await wallet.send("ETH", [Payment(bob.address, 2001)])
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert not socket.exists()
    node.close()
    await bob.sync()
    assert available(bob) == 2000
    with pytest.raises(SignerUnreachable):
        await Wallet.open(hot, PASSWORD, connection)

"""`ape run claim` with nothing but L1: records from events, withdrawals from calldata."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from tests.support.chain import ROOT, anvil
from tests.support.raw_l1 import RawL1, client_proof

pytestmark = pytest.mark.slow

RECIPIENTS = (0xA11CE, 0xB0B, 0xCA401)
VALUE = 10**17


def test_all_withdrawals_of_an_epoch_are_paid_once(tmp_path: Path) -> None:
    with anvil() as chain:
        env = os.environ | {"APE_FOUNDRY_HOST": chain.url, "SOTTO_DEPLOYMENTS": str(tmp_path)}

        def ape_run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [str(Path(sys.executable).with_name("ape")), "run", *arguments]
            return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)

        deployed = ape_run("deploy", "--test-token")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        l1 = RawL1(chain, tmp_path / "31337.json")
        world, senders = l1.scenario, chain.web3.eth.accounts[2:5]
        queued = [world.deposit(user, 10**18) for user in world.users]
        for item, sender in zip(queued, senders, strict=True):
            l1.queue(item, sender)
        l1.accept(l1.build([*queued, None], [], senders))
        signed = [
            world.pay(
                user,
                [world.take(user.notes[0])],
                user,
                0,
                withdraw=VALUE + number,
                recipient=RECIPIENTS[number],
            )
            for number, user in enumerate(world.users)
        ]
        l1.accept(l1.build([*signed, None], [client_proof(item) for item in signed]))

        def balances() -> list[int]:
            payees = [to_checksum_address(recipient.to_bytes(20)) for recipient in RECIPIENTS]
            return [chain.web3.eth.get_balance(payee) for payee in payees]

        shown = ape_run("claim", "--dry-run")
        assert shown.stdout.count("0.1") == len(RECIPIENTS), shown.stdout + shown.stderr
        assert balances() == [0, 0, 0]
        one = ape_run("claim", "--epoch", "2", "--lane", "1")
        assert "1 of 1 paid" in one.stdout, one.stdout + one.stderr
        assert balances() == [0, VALUE + 1, 0]
        rest = ape_run("claim")
        assert "2 of 2 paid" in rest.stdout, rest.stdout + rest.stderr
        assert balances() == [VALUE, VALUE + 1, VALUE + 2]
        assert "nothing to claim" in ape_run("claim").stdout
        seen = ape_run("inspect", "--json")
        assert seen.returncode == 0, seen.stdout + seen.stderr
        assert [(e["id"], e["status"], e["lanes"]) for e in json.loads(seen.stdout)["epochs"]] == [
            (1, "proven", 4),
            (2, "proven", 4),
        ]
        assert "EpochUnknown" in ape_run("claim", "--epoch", "3").stderr

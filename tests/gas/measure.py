"""Gas of whole transactions with real proofs, in a rollup that has been used."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sotto.protocol.notes import ETH
from sotto.protocol.transaction import Kind
from tests.differential.rig import Rig, Settled
from tests.differential.settling import settle_entries
from tests.support.scenario import TOKEN, OwnedNote, Signed, User

SEED = 1
FEE = 10**14
VALUE = 10**18
ETH_ONLY = (ETH, 0, 0, 0)


@dataclass
class GasReport:
    """Gas by name, and the measured epochs."""

    gas: dict[str, int] = field(default_factory=dict)
    transfers16: Settled | None = None


def _notes(rig: Rig, asset: int) -> list[tuple[User, OwnedNote]]:
    """Notes to spend, by user; each can pay a fee and more."""
    scenario = rig.scenario
    pairs = [(user, owned) for user in scenario.users for owned in scenario.spendable(user, asset)]
    return [(user, owned) for user, owned in pairs if owned.note.value > 10 * FEE]


def transfers(rig: Rig, count: int, fee: int = FEE) -> list[Signed]:
    """Payments of ETH out of one note each, with a fee."""
    users = rig.scenario.users
    return [
        rig.scenario.pay(
            user, [rig.scenario.take(owned)], users[i % len(users)], owned.note.value // 3, fee=fee
        )
        for i, (user, owned) in enumerate(_notes(rig, ETH)[:count])
    ]


def withdrawals(rig: Rig, asset: int, count: int, recipient: str, kind: Kind = Kind.TRANSFER) -> list[Signed]:
    """Withdrawals of a third of a note each; those that are not forced pay a fee in the same asset."""
    made = []
    for user, owned in _notes(rig, asset)[:count]:
        spent = rig.scenario.take(owned)
        made.append(
            rig.scenario.pay(
                user,
                [spent],
                user,
                0,
                asset=asset,
                fee=0 if kind == Kind.FORCED else FEE,
                fee_asset=asset,
                withdraw=owned.note.value // 3,
                recipient=int(recipient, 16),
                kind=kind,
            )
        )
    return made


def fill(rig: Rig, asset: int, count: int, lanes: int) -> tuple[Settled, Sequence[int]]:
    """Settle an epoch of deposits; also the gas of each deposit."""
    users = rig.scenario.users
    entries = [rig.scenario.deposit(users[i % len(users)], VALUE + i, asset) for i in range(count)]
    before = rig.web3.eth.block_number
    _, settled = settle_entries(rig, entries, lanes)
    gas = []
    for block in range(before + 1, before + 1 + count):
        sent: Any
        (sent,) = rig.web3.eth.get_block(block)["transactions"]
        gas.append(int(rig.web3.eth.get_transaction_receipt(sent)["gasUsed"]))
    return settled, gas


def measure(rig: Rig) -> GasReport:
    """Deposits, transfers in epochs of both sizes, and claims to accounts that exist."""
    report = GasReport()
    gas = report.gas
    settled, deposits = fill(rig, ETH, 16, 16)
    gas["deposit_eth"], gas["commit_and_prove_n16_deposits"] = deposits[-1], settled.gas
    _, deposits = fill(rig, TOKEN, 4, 4)
    gas["deposit_erc20"] = deposits[-1]
    settle_entries(rig, transfers(rig, 2), 4)  # the first fees are dearer
    gas["commit_and_prove_n4"] = settle_entries(rig, transfers(rig, 4), 4, alike=ETH_ONLY)[1].gas
    report.transfers16 = settle_entries(rig, transfers(rig, 16), 16, alike=ETH_ONLY)[1]
    gas["commit_and_prove_n16"] = report.transfers16.gas
    payee = rig.depositor
    entries = [*withdrawals(rig, ETH, 2, payee), *withdrawals(rig, TOKEN, 2, payee)]
    closed, _ = settle_entries(rig, entries, 4)
    claims = [int(rig.transact(claim, rig.accounts[3])["gasUsed"]) for claim in rig.claims(closed)]
    gas["claim_eth_first_of_its_word"], gas["claim_eth"], _, gas["claim_erc20"] = claims
    return report

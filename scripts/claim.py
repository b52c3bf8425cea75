"""Pay proven withdrawals: `ape run claim`.

Everything comes from L1: events of the rollup give the records, the calldata of the commits gives the
withdrawals. No node is needed, and anyone may claim for anyone: the money goes to the recipient in the proof.
"""

from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from eth_utils.address import is_address, to_checksum_address
from scripts import _deployment as d
from scripts._chain import choose_account, format_value, refusals
from scripts._epochs import EpochUnknown, L1Epochs, ProvenWithdrawal

from ape import networks
from sotto.l1.records import summary_to_abi

_BATCH = 16
# An estimate would find the gas for which the batch succeeds while single claims in it run out of gas.
_GAS_PER_CLAIM = 400_000


@click.command(cls=ConnectedProviderCommand)
@click.option("--epoch", type=click.IntRange(min=1), help="Only this epoch. Default: all proven ones.")
@click.option(
    "--lane", "lanes", type=click.IntRange(min=0), multiple=True, help="Only these lanes of the epoch."
)
@click.option("--recipient", help="Only withdrawals to this L1 address.")
@click.option(
    "--account", "alias", help="Alias of the account that pays gas; a test account on local chains."
)
@click.option("--dry-run", is_flag=True, help="Show what would be claimed.")
def cli(
    epoch: int | None, lanes: tuple[int, ...], recipient: str | None, alias: str | None, dry_run: bool
) -> None:
    """Pay proven withdrawals that nobody has claimed yet, from L1 data alone."""
    if lanes and epoch is None:
        raise click.UsageError("--lane needs --epoch")
    if recipient is not None and not is_address(recipient):
        raise click.UsageError(f"{recipient!r} is no L1 address")
    provider = networks.provider
    deployment = d.require_deployment(provider)
    bridge = d.contract_at(deployment, "Bridge")
    epochs = L1Epochs(provider.web3, deployment)
    payee = None if recipient is None else int(recipient, 16)
    open_ = [
        found
        for found in _proven(epochs, epoch)
        if (not lanes or found.withdrawal.lane in lanes)
        and payee in (None, found.withdrawal.recipient)
        and not bridge.isClaimed(found.record.id, found.withdrawal.lane)
    ]
    if not open_:
        click.echo("nothing to claim")
        return
    for found in open_:
        click.echo(_line(deployment, found))
    if dry_run:
        return
    account = choose_account(alias, provider.chain_id)
    paid = _pay(bridge, open_, account)
    click.echo(f"{paid} of {len(open_)} paid")
    if paid != len(open_):
        raise WithdrawalsLeft(f"{len(open_) - paid} stay open: claim one with --epoch and --lane to see why")


class WithdrawalsLeft(d.ScriptError):
    """The bridge could not pay some withdrawals; they stay open."""


def _proven(epochs: L1Epochs, only: int | None) -> list[ProvenWithdrawal]:
    _, proven = epochs.status()
    if only is not None and only > proven:
        raise EpochUnknown(f"epoch {only} is not proven; the last proven one is {proven}")
    committed = epochs.committed([] if only is None else [only])
    return [found for item in committed if 0 < item.record.id <= proven for found in epochs.withdrawals(item)]


def _pay(bridge: Any, claims: list[ProvenWithdrawal], account: Any) -> int:
    with refusals():
        if len(claims) == 1:
            bridge.claim(*_arguments(claims[0]), sender=account)
            return 1
        for start in range(0, len(claims), _BATCH):
            batch = [_arguments(claim) for claim in claims[start : start + _BATCH]]
            bridge.claimMany(batch, sender=account, gas=_GAS_PER_CLAIM * len(batch))
    return sum(bridge.isClaimed(claim.record.id, claim.withdrawal.lane) for claim in claims)


def _arguments(claim: ProvenWithdrawal) -> tuple[Any, ...]:
    w = claim.withdrawal
    return summary_to_abi(claim.record), w.lane, w.asset, w.value, w.recipient, list(claim.proof)


def _line(deployment: dict[str, Any], claim: ProvenWithdrawal) -> str:
    w = claim.withdrawal
    payee = to_checksum_address(w.recipient.to_bytes(20))
    return f"epoch {claim.record.id} lane {w.lane}: {format_value(deployment, w.asset, w.value)} to {payee}"

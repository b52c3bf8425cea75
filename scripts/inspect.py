"""Show what a deployment is and holds: `ape run inspect [--json]`."""

import json
from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from eth_utils.address import to_checksum_address
from scripts import _deployment as d
from scripts._chain import format_value
from scripts._epochs import L1Epochs

from ape import networks


@click.command(cls=ConnectedProviderCommand)
@click.option(
    "--epochs", "count", type=click.IntRange(0), default=5, show_default=True, help="Recent epochs."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def cli(count: int, as_json: bool) -> None:
    """Show status, parameters, assets with liabilities and balances, queue and recent epochs, from L1 alone.

    Fails when the bridge holds less of an asset than it owes.
    """
    provider = networks.provider
    deployment = d.require_deployment(provider)
    d.check_wiring(deployment)
    report = {
        **_overview(provider, deployment),
        "assets": [_asset(provider, deployment, asset) for asset in deployment["assets"]],
        "epochs": _epochs(provider, deployment, count),
    }
    click.echo(json.dumps(report, indent=2) if as_json else "\n".join(_lines(deployment, report)))
    short = [
        asset["symbol"] for asset in report["assets"] if int(asset["balance"]) < int(asset["liabilities"])
    ]
    if short:
        raise ReserveShort(f"the bridge holds less than it owes of {', '.join(short)}")


class ReserveShort(d.ScriptError):
    """The bridge holds less of an asset than it owes."""


def _overview(provider: Any, deployment: dict[str, Any]) -> dict[str, Any]:
    rollup, bridge, queue = (d.contract_at(deployment, name) for name in ("Rollup", "Bridge", "L1Queue"))
    status = rollup.status()
    pause, epoch_pause = bridge.lastPause(), rollup.lastPause()
    block = provider.web3.eth.block_number
    return {
        "chain_id": deployment["chain_id"],
        "block": block,
        "contracts": {name: entry["address"] for name, entry in deployment["contracts"].items()},
        "owner": bridge.owner(),
        "local_keys": any(entry["local"] for entry in deployment["keys"].values()),
        "domain": f"0x{rollup.domain():062x}",
        "head": status.head,
        "proven": status.proven,
        "parameters": deployment["parameters"],
        "frozen": rollup.isFrozen(),
        "deposits_paused_until": pause.untilBlock if pause.untilBlock >= block else None,
        "epochs_paused_until": epoch_pause.untilBlock if epoch_pause.untilBlock >= block else None,
        "queue_length": queue.length(),
        "queue_proven": rollup.cursor(),
        "queue_taken": next(L1Epochs(provider.web3, deployment).committed([status.head])).record.queue_end,
    }


def _asset(provider: Any, deployment: dict[str, Any], asset: dict[str, Any]) -> dict[str, Any]:
    bridge = d.contract_at(deployment, "Bridge")
    held = bridge.assets(asset["asset"])
    if asset["address"] is None:
        balance = provider.web3.eth.get_balance(bridge.address)
    else:
        balance = d.token_at(asset["address"]).balanceOf(bridge)
    return {
        **asset,
        "liabilities": str(held.liabilities),
        "balance": str(balance),
        "cap": str(held.cap),
    }


def _epochs(provider: Any, deployment: dict[str, Any], count: int) -> list[dict[str, Any]]:
    epochs = L1Epochs(provider.web3, deployment)
    head, proven = epochs.status()
    rollup = d.contract_at(deployment, "Rollup")
    wanted = range(max(1, head - count + 1), head + 1)
    if not wanted:
        return []
    rows = []
    for found in epochs.committed(list(wanted)):
        record = found.record
        rows.append(
            {
                "id": record.id,
                "status": "proven" if record.id <= proven else "pending",
                "lanes": rollup.laneCount(to_checksum_address(record.verifier)),
                "queue_end": record.queue_end,
                "state": f"0x{record.new_state:064x}",
                "withdrawal_root": "0x" + record.withdrawal_root.hex(),
                "block": found.block,
                "transaction": found.transaction,
            }
        )
    return rows


def _lines(deployment: dict[str, Any], report: dict[str, Any]) -> list[str]:
    lines = [f"chain {report['chain_id']}, block {report['block']}, owner {report['owner']}"]
    if report["local_keys"]:
        lines.append("LOCAL KEYS: anyone can forge proofs; worthless tokens only")
    lines += [f"  {name:<16} {address}" for name, address in report["contracts"].items()]
    if report["frozen"]:
        lines.append(f"FROZEN in the state of epoch {report['proven']}: notes leave by exits")
    lines.append(f"epochs: {report['head']} committed, {report['proven']} proven")
    lines.append(
        f"queue: {report['queue_length']} items, {report['queue_taken']} taken by epochs, "
        f"{report['queue_proven']} by proven ones"
    )
    for what in ("deposits", "epochs"):
        if report[f"{what}_paused_until"] is not None:
            lines.append(f"{what} paused until block {report[f'{what}_paused_until']}")
    lines.append("times in blocks: " + ", ".join(f"{k} {v}" for k, v in report["parameters"].items()))
    for asset in report["assets"]:
        held, owed, cap = (
            format_value(deployment, asset["asset"], int(asset[key]))
            for key in ("balance", "liabilities", "cap")
        )
        lines.append(f"asset {asset['asset']}: holds {held}, owes {owed}, cap {cap}")
    for epoch in report["epochs"]:
        lines.append(
            f"epoch {epoch['id']}: {epoch['status']}, {epoch['lanes']} lanes, block {epoch['block']}, "
            f"{epoch['transaction']}"
        )
    return lines

"""`sotto network`, and the commands of `sotto wallet` that choose among wallets."""

import click

from sotto.cli import places
from sotto.cli.options import json_option
from sotto.cli.output import Output
from sotto.cli.places import Network


@click.group()
def network() -> None:
    """Networks: names for a node and an L1 endpoint."""


@network.command("list")
@json_option
def list_networks(output: Output) -> None:
    """Show the networks."""
    profile = places.load_profile()
    data = [
        {"name": name, "node": found.node, "l1": found.l1, "chosen": name == profile.network}
        for name, found in sorted(profile.networks.items())
    ]
    rows = [
        [name, found.node, found.l1 or "", "chosen" if name == profile.network else ""]
        for name, found in sorted(profile.networks.items())
    ]
    output.table(data, ["name", "node", "l1", ""], rows, f"none yet: commands use {places.DEFAULT_NODE}")


@network.command()
@click.argument("name")
@click.option("--node", required=True, help="Address of the node API.")
@click.option("--l1", help="JSON-RPC endpoint of L1.")
@json_option
def add(name: str, node: str, l1: str | None, output: Output) -> None:
    """Add a network or change it."""
    places.add_network(name, Network(node=node, l1=l1))
    output.result({"name": name, "node": node, "l1": l1}, [f"network {name}: {node}"])


@network.command()
@click.argument("name")
@json_option
def remove(name: str, output: Output) -> None:
    """Forget a network. Wallets and notes stay as they are."""
    places.remove_network(name)
    output.result({"name": name}, [f"network {name} is forgotten"])


@network.command("use")
@click.argument("name")
@json_option
def use_network(name: str, output: Output) -> None:
    """Make a network the one of wallets that have none of their own."""
    places.use_network(name)
    output.result({"name": name}, [f"network {name} is chosen"])


@click.command("list")
@json_option
def list_wallets(output: Output) -> None:
    """Show the wallets that have a name."""
    profile, chosen = places.load_profile(), places.wallet_path(None)
    found = [(name, places.path_of(name)) for name in places.wallet_names()]
    data = [
        {
            "name": name,
            "file": str(path),
            "network": profile.wallets.get(name),
            "chosen": path == chosen,
        }
        for name, path in found
    ]
    rows = [
        [name, profile.wallets.get(name, ""), "chosen" if path == chosen else "", str(path)]
        for name, path in found
    ]
    output.table(data, ["name", "network", "", "file"], rows, "none yet: `sotto wallet new --wallet NAME`")


@click.command("use")
@click.argument("name")
@json_option
def use_wallet(name: str, output: Output) -> None:
    """Make a wallet the one of commands that name none."""
    places.use_wallet(name)
    output.result({"name": name, "file": str(places.path_of(name))}, [f"wallet {name} is chosen"])

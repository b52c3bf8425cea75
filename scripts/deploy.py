"""Deploy Sotto: `ape run deploy [--network ..] [--account ..]`.

Safe to repeat: a complete deployment is checked and left alone. A run that was cut short leaves
contracts that nothing refers to, and no file; the next run starts afresh.
"""

from collections.abc import Sequence
from typing import Any

import click
import rlp
from ape.cli import ConnectedProviderCommand
from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak
from scripts import _deployment as d
from scripts._chain import choose_account, refusals
from web3.exceptions import Web3Exception

from ape import networks
from sotto.l1.interface import rejection
from sotto.protocol import trees

_DEFAULT_TOKEN_CAP = 10**15
_VERIFIERS = (*d.VERIFIERS, "ExitVerifier")


class TokenUnusable(d.ScriptError):
    """A token to list is none, or cannot be listed by this deployment."""


class ProposerInvalid(d.ScriptError):
    """A proposer is no address."""


@click.command(cls=ConnectedProviderCommand)
@click.option("--account", "alias", help="Alias of the deploying account; a test account on local chains.")
@click.option("--owner", help="Owner of the bridge: lists assets, sets caps. Default: the deploying account.")
@click.option(
    "--proposer",
    "proposers",
    multiple=True,
    help="Address that may commit epochs before they are proven; several make a list that the owner changes.",
)
@click.option("--token", "tokens", multiple=True, help="ERC-20 to list, as ADDRESS=CAP (smallest unit).")
@click.option(
    "--test-token", is_flag=True, help="Deploy and list a 6-decimals test token (local chains only)."
)
@click.option("--fresh", is_flag=True, help="Deploy anew although a complete deployment is there.")
def cli(
    alias: str | None,
    owner: str | None,
    proposers: tuple[str, ...],
    tokens: tuple[str, ...],
    test_token: bool,
    fresh: bool,
) -> None:
    """Deploy bridge, queue, exit, rollup and verifiers, and write deployments/<chain id>.json.

    A complete deployment is checked and left alone. SOTTO_DEPLOYMENTS names another folder for the file.
    """
    provider = networks.provider
    chain_id = provider.chain_id
    preset = d.read_preset(chain_id)
    if not fresh and _is_complete(provider, chain_id):
        click.echo(f"already deployed on chain {chain_id}, wiring checked: {d.deployment_path(chain_id)}")
        return
    # All that can be refused is refused before the first transaction.
    _refuse_local_keys(provider, chain_id)
    if test_token and chain_id not in d.LOCAL_CHAINS:
        raise TokenUnusable(f"chain {chain_id} is not local: it gets no test token")
    deployer = choose_account(alias, chain_id)
    _check_proposers(proposers)
    listings = [*preset.tokens, *(_parse_token(text) for text in tokens)]
    _check_listings(provider, listings, test_token, owner in (None, deployer.address))

    with refusals():
        deployment = _deploy(provider, deployer, owner or deployer.address, proposers, preset)
        if test_token:
            listings.append(
                d.TokenListing(deployer.deploy(d.container("TestToken")).address, _DEFAULT_TOKEN_CAP)
            )
        _list_assets(deployment, deployer, listings)
    d.check_wiring(deployment)
    path = d.write_deployment(deployment)
    click.echo(f"deployed on chain {chain_id}, wiring checked: {path}")
    for name, entry in deployment["contracts"].items():
        click.echo(f"  {name:<16} {entry['address']}")
    for asset in deployment["assets"]:
        click.echo(f"  asset {asset['asset']:<10} {asset['symbol']} {asset['address'] or ''}")


def _is_complete(provider: Any, chain_id: int) -> bool:
    """Whether the file fits the chain and all is well wired. Raises DeploymentStale, WiringMismatch."""
    known = d.read_deployment(chain_id)
    if known is None:
        return False
    stale = d.missing_code(provider, known)
    if not stale:
        try:
            d.check_wiring(known)
        except d.WiringMismatch:
            # A restarted chain can have the same code at the same addresses in other blocks.
            if chain_id not in d.LOCAL_CHAINS:
                raise
        else:
            return True
    elif chain_id not in d.LOCAL_CHAINS:
        raise d.DeploymentStale(
            f"{d.deployment_path(chain_id)} does not fit the chain ({', '.join(stale)}): "
            "move the file away, or pass --fresh"
        )
    click.echo("the chain was restarted since the last deployment: deploying anew")
    return False


def _refuse_local_keys(provider: Any, chain_id: int) -> None:
    """Ask the chain, without a transaction, whether the verifiers may be created there."""
    for name in _VERIFIERS:
        container = d.container(name)
        try:
            provider.web3.eth.call({"data": container.contract_type.deployment_bytecode.bytecode})
        except Web3Exception as error:
            cause = rejection(error)
            if cause is not None and cause.name == "LocalKeysOnPublicChain":
                raise d.LocalKeysRefused(
                    "the verifiers hold keys of the local setup, whose secrets anyone can compute; "
                    f"they are refused on chain {chain_id}"
                ) from error
            raise d.ScriptError(f"{name} cannot be created: {cause or error}") from error


def _check_proposers(proposers: Sequence[str]) -> None:
    for proposer in proposers:
        if not is_address(proposer):
            raise ProposerInvalid(f"{proposer!r} is no address")


def _parse_token(text: str) -> d.TokenListing:
    address, _, cap = text.partition("=")
    if not is_address(address) or (cap and not cap.isdigit()):
        raise TokenUnusable(f"{text!r} is not ADDRESS=CAP")
    return d.TokenListing(to_checksum_address(address), int(cap or _DEFAULT_TOKEN_CAP))


def _check_listings(provider: Any, listings: Sequence[d.TokenListing], test_token: bool, owned: bool) -> None:
    if (listings or test_token) and not owned:
        raise TokenUnusable("only the owner lists assets: deploy without tokens, then list them as the owner")
    if len({listing.address for listing in listings}) != len(listings):
        raise TokenUnusable("a token is named twice")
    for listing in listings:
        if not provider.web3.eth.get_code(listing.address):
            raise TokenUnusable(f"there is no contract at {listing.address}")


def _deploy(
    provider: Any, deployer: Any, owner: str, proposers: Sequence[str], preset: d.Preset
) -> dict[str, Any]:
    deployed: dict[str, Any] = {name: deployer.deploy(d.container(name)) for name in _VERIFIERS}
    policy = d.NOBODY
    if proposers:
        addresses = [to_checksum_address(proposer) for proposer in proposers]
        deployed["ProposerList"] = deployer.deploy(d.container("ProposerList"), owner, addresses)
        policy = deployed["ProposerList"].address
    # Queue, bridge, exit and rollup name each other: their addresses follow from the deployer's next nonces.
    nonce = deployer.nonce
    queue, bridge, way, rollup = (_created(deployer.address, nonce + i) for i in range(4))
    client_verifier = deployed[d.CLIENT_VERIFIER].address
    deployed["L1Queue"] = deployer.deploy(d.container("L1Queue"), bridge, rollup, client_verifier)
    deployed["Bridge"] = deployer.deploy(d.container("Bridge"), queue, rollup, way, owner, preset.eth_cap)
    deployed["Exit"] = deployer.deploy(d.container("Exit"), rollup, bridge, deployed["ExitVerifier"].address)
    state = trees.genesis()
    config = (
        queue,
        bridge,
        [deployed[name].address for name in d.VERIFIERS],
        policy,
        d.NOBODY,
        int(state.hash()),
        int(state.anchor()),
        tuple(preset.parameters[name] for name in d.PARAMETERS),
    )
    deployed["Rollup"] = deployer.deploy(d.container("Rollup"), config)
    return {
        "chain_id": provider.chain_id,
        "deployer": deployer.address,
        "owner": owner,
        "contracts": {
            name: {
                "address": contract.address,
                "block": contract.creation_metadata.block,
                "code_hash": d.code_hash(provider, contract.address),
            }
            for name, contract in deployed.items()
        },
        "keys": {
            **{name: d.key_entry(deployed[name]) for name in d.VERIFIERS},
            "ExitVerifier": d.exit_key_entry(deployed["ExitVerifier"]),
        },
        "parameters": preset.parameters,
        "assets": [{"asset": d.ETH_ASSET, "address": None, "symbol": "ETH", "decimals": 18}],
    }


def _list_assets(deployment: dict[str, Any], deployer: Any, listings: Sequence[d.TokenListing]) -> None:
    bridge = d.contract_at(deployment, "Bridge")
    for asset, listing in enumerate(listings, start=d.ETH_ASSET + 1):
        token = d.token_at(listing.address)
        bridge.listAsset(asset, token.address, listing.cap, sender=deployer)
        deployment["assets"].append(
            {"asset": asset, "address": token.address, "symbol": token.symbol(), "decimals": token.decimals()}
        )


def _created(sender: str, nonce: int) -> str:
    """Address of the contract that `sender` creates with `nonce`: the hash of the RLP of the two."""
    return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:])

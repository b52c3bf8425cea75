"""Deposit to a Sotto address: `ape run deposit 1.5 ETH sotto1..`."""

import secrets
import time
from typing import Any

import click
from ape.cli import ConnectedProviderCommand
from eth_account.messages import encode_typed_data
from scripts import _deployment as d
from scripts._chain import choose_account, find_asset, refusals

from ape import networks
from sotto.protocol import notes
from sotto.protocol.address import decode_address
from sotto.protocol.ciphertext import encrypt
from sotto.protocol.errors import ProtocolError

_PERMIT_SECONDS = 3_600
_KEY_BYTES = 32


class DepositRefused(d.ScriptError):
    """Amount or address is malformed, or the account has too little."""


class PermitUnusable(d.ScriptError):
    """The token has no permits, or the account does not sign them."""


@click.command(cls=ConnectedProviderCommand)
@click.argument("amount")
@click.argument("asset")
@click.argument("address")
@click.option("--account", "alias", help="Alias of the depositing account; a test account on local chains.")
@click.option(
    "--allowance",
    type=click.Choice(["permit", "approve"]),
    default="approve",
    show_default=True,
    help="How the bridge may take tokens: by a signature in the deposit, or by a transaction before it.",
)
@click.option("--mint", is_flag=True, help="Mint the amount of a local chain's test token first.")
def cli(amount: str, asset: str, address: str, alias: str | None, allowance: str, mint: bool) -> None:
    """Deposit AMOUNT of ASSET to ADDRESS, a Sotto address, for example `1.5 ETH sotto1...`.

    ASSET is a symbol, number or token address. Depositor, asset and amount are public on L1, the receiver is
    not.
    """
    # Imported late: `ape run` loads every script, and the wallet takes longer to load than all of them.
    from sotto.wallet.amounts import parse_amount
    from sotto.wallet.errors import InputRejected

    provider = networks.provider
    deployment = d.require_deployment(provider)
    chosen = find_asset(deployment, asset)
    rollup, bridge = d.contract_at(deployment, "Rollup"), d.contract_at(deployment, "Bridge")
    try:
        value = parse_amount(amount, chosen["decimals"])
        receiver = decode_address(address, rollup.domain())
        # Nobody needs the ephemeral secret again: the receiver finds the note with its own key.
        ciphertext, r = encrypt(secrets.token_bytes(_KEY_BYTES), receiver.key, value, chosen["asset"])
    except (InputRejected, ProtocolError) as error:
        raise DepositRefused(f"{type(error).__name__}: {error}") from error
    partial = int(notes.partial(receiver.owner, r))
    account = choose_account(alias, provider.chain_id)

    with refusals():
        if chosen["address"] is None:
            receipt = bridge.depositETH(partial, ciphertext, value=value, sender=account)
        else:
            receipt = _deposit_token(bridge, chosen, value, partial, ciphertext, account, allowance, mint)
    queue = d.contract_at(deployment, "L1Queue")
    index = next(iter(queue.DepositQueued.from_receipt(receipt))).index
    click.echo(f"queued as item {index}: {amount} {chosen['symbol']} from {account.address}")
    click.echo(f"transaction {receipt.txn_hash}, {receipt.gas_used:,} gas, block {receipt.block_number}")


def _deposit_token(
    bridge: Any,
    asset: dict[str, Any],
    value: int,
    partial: int,
    ciphertext: bytes,
    account: Any,
    allowance: str,
    mint: bool,
) -> Any:
    token = d.token_at(asset["address"])
    if mint:
        if networks.provider.chain_id not in d.LOCAL_CHAINS:
            raise DepositRefused("only a test token of a local chain can be minted")
        token.mint(account, value, sender=account)
    balance = token.balanceOf(account)
    if balance < value:
        raise DepositRefused(
            f"{account.address} has {balance} smallest units of {asset['symbol']}, not {value}"
        )
    number = asset["asset"]
    if allowance == "permit":
        signature = sign_permit(token, account, bridge.address, value)
        return bridge.depositWithPermit(number, value, partial, ciphertext, signature, sender=account)
    if token.allowance(account, bridge) < value:
        token.approve(bridge, value, sender=account)
    return bridge.deposit(number, value, partial, ciphertext, sender=account)


def sign_permit(token: Any, account: Any, spender: str, value: int) -> tuple[int, int, bytes, bytes]:
    """EIP-2612 signature (deadline, v, r, s) for `spender`, in the domain that the token names (EIP-5267).

    Raises PermitUnusable.
    """
    try:
        named = token.eip712Domain()
        nonce = token.nonces(account)
    except Exception as error:
        raise PermitUnusable(
            f"{token.address} does not describe its permits: use --allowance approve"
        ) from error
    deadline = int(time.time()) + _PERMIT_SECONDS
    domain = {
        "name": named.name,
        "version": named.version,
        "chainId": named.chainId,
        "verifyingContract": named.verifyingContract,
    }
    permit = [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
    message = {
        "owner": account.address,
        "spender": spender,
        "value": value,
        "nonce": nonce,
        "deadline": deadline,
    }
    signature = account.sign_message(encode_typed_data(domain, {"Permit": permit}, message))
    if signature is None:
        raise PermitUnusable("the account signed nothing")
    return deadline, signature.v, bytes(signature.r), bytes(signature.s)

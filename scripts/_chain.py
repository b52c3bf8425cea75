# ruff: noqa: N818 - an error is named by its cause, as in the rest of the project
"""What the scripts share: accounts, assets, and failures of L1 by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ape.exceptions import ContractLogicError, CustomError
from hexbytes import HexBytes
from scripts._deployment import LOCAL_CHAINS, ScriptError

from ape import accounts
from sotto.l1.interface import decode_revert


class AccountMissing(ScriptError):
    """No account was named, or ape does not know it."""


class AssetUnknown(ScriptError):
    """The deployment lists no such asset."""


class L1Refused(ScriptError):
    """A contract reverted; the message starts with the name of its error."""


def choose_account(alias: str | None, chain_id: int) -> Any:
    """The account of an alias, also TEST::0 and so on; the first test account on local chains.

    Raises AccountMissing.
    """
    if alias is None:
        if chain_id in LOCAL_CHAINS:
            return accounts.test_accounts[0]
        raise AccountMissing("a public chain needs --account ALIAS (see `ape accounts list`)")
    if alias.startswith("TEST::"):
        if chain_id not in LOCAL_CHAINS:
            raise AccountMissing(
                "the keys of test accounts are public: use another account on a public chain"
            )
        number = alias.removeprefix("TEST::")
        if not number.isdigit() or int(number) >= len(accounts.test_accounts):
            raise AccountMissing(f"there are {len(accounts.test_accounts)} test accounts, from TEST::0 on")
        return accounts.test_accounts[int(number)]
    if alias not in accounts.aliases:
        raise AccountMissing(f"ape has no account {alias!r} (see `ape accounts list`)")
    return accounts.load(alias)


def find_asset(deployment: dict[str, Any], name: str) -> dict[str, Any]:
    """The deployment's asset with a symbol (any case), number or token address. Raises AssetUnknown."""
    wanted = name.lower()
    for asset in deployment["assets"]:
        names = (asset["symbol"].lower(), str(asset["asset"]), (asset["address"] or "").lower())
        if wanted and wanted in names:
            return dict(asset)
    listed = ", ".join(f"{asset['symbol']} ({asset['asset']})" for asset in deployment["assets"])
    raise AssetUnknown(f"{name!r} is none of {listed}")


def format_value(deployment: dict[str, Any], number: int, value: int) -> str:
    """Smallest units of an asset as people write them, with its symbol."""
    # Imported late: `ape run` loads every script, and the wallet takes longer to load than all of them.
    from sotto.wallet.amounts import format_amount

    for asset in deployment["assets"]:
        if asset["asset"] == number:
            return f"{format_amount(value, asset['decimals'])} {asset['symbol']}"
    return f"{value} smallest units of asset {number}"


@contextmanager
def refusals() -> Iterator[None]:
    """Turn reverts into L1Refused."""
    try:
        yield
    except CustomError as error:
        arguments = ", ".join(f"{key}={value}" for key, value in error.inputs.items())
        raise L1Refused(f"{error.name}({arguments})") from error
    except ContractLogicError as error:
        raise L1Refused(_decoded(error)) from error


def _decoded(error: ContractLogicError) -> str:
    text = str(error.revert_message or error)
    if text.startswith("0x"):
        return str(decode_revert(bytes(HexBytes(text))))
    return text

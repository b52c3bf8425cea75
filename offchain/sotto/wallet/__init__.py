"""The wallet: keys, notes, payments, deposits and claims.

`Wallet` is the asynchronous class, `SyncWallet` the same for callers without an event loop; `create_wallet`
makes the file that both open.
"""

from sotto.wallet.amounts import Asset, format_amount, parse_amount
from sotto.wallet.blocking import SyncWallet
from sotto.wallet.creation import account_signer, create_wallet, create_wallet_from_l1
from sotto.wallet.errors import WalletError
from sotto.wallet.state import Action, ActionKind, ActionStatus, Balance
from sotto.wallet.wallet import Connection, Payment, Wallet

__all__ = [
    "Action",
    "ActionKind",
    "ActionStatus",
    "Asset",
    "Balance",
    "Connection",
    "Payment",
    "SyncWallet",
    "Wallet",
    "WalletError",
    "account_signer",
    "create_wallet",
    "create_wallet_from_l1",
    "format_amount",
    "parse_amount",
]

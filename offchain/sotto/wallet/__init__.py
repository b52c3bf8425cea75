"""The wallet: keys, notes, payments, deposits and claims.

`Wallet` is the asynchronous class, `SyncWallet` the same for callers without an event loop; `create_wallet`
makes the file that both open.
"""

from sotto.wallet.amounts import Asset, format_amount, parse_amount
from sotto.wallet.blocking import SyncWallet
from sotto.wallet.context import NativeProver, Progress, Prover
from sotto.wallet.creation import TypedDataSigner, account_signer, create_wallet, create_wallet_from_l1
from sotto.wallet.deposits import DepositReceipt
from sotto.wallet.errors import WalletError
from sotto.wallet.inputs import Payment
from sotto.wallet.receipts import L1Receipt
from sotto.wallet.state import Action, ActionKind, ActionStatus, Balance
from sotto.wallet.sync import SyncReport
from sotto.wallet.wallet import Connection, Wallet

__all__ = [
    "Action",
    "ActionKind",
    "ActionStatus",
    "Asset",
    "Balance",
    "Connection",
    "DepositReceipt",
    "L1Receipt",
    "NativeProver",
    "Payment",
    "Progress",
    "Prover",
    "SyncReport",
    "SyncWallet",
    "TypedDataSigner",
    "Wallet",
    "WalletError",
    "account_signer",
    "create_wallet",
    "create_wallet_from_l1",
    "format_amount",
    "parse_amount",
]

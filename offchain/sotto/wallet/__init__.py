"""The wallet: keys, notes, payments, deposits and claims.

`Wallet` is the asynchronous class, `SyncWallet` the same for callers without an event loop; `create_wallet`
makes the file that both open.
"""

from sotto.wallet.account import Account, SigningKey
from sotto.wallet.amounts import Asset, format_amount, parse_amount
from sotto.wallet.batch import BatchPlan, BatchProgress
from sotto.wallet.blocking import SyncWallet
from sotto.wallet.context import NativeProver, Prover
from sotto.wallet.creation import (
    account_signer,
    create_view_only,
    create_wallet,
    create_wallet_from_l1,
)
from sotto.wallet.deposits import DepositReceipt
from sotto.wallet.errors import WalletError
from sotto.wallet.inputs import Payment
from sotto.wallet.receipts import L1Receipt
from sotto.wallet.state import Action, ActionKind, ActionStatus, Balance
from sotto.wallet.sync import SyncReport
from sotto.wallet.viewing import ViewingKind
from sotto.wallet.wallet import Connection, Wallet

__all__ = [
    "Account",
    "Action",
    "ActionKind",
    "ActionStatus",
    "Asset",
    "Balance",
    "BatchPlan",
    "BatchProgress",
    "Connection",
    "DepositReceipt",
    "L1Receipt",
    "NativeProver",
    "Payment",
    "Prover",
    "SigningKey",
    "SyncReport",
    "SyncWallet",
    "ViewingKind",
    "Wallet",
    "WalletError",
    "account_signer",
    "create_view_only",
    "create_wallet",
    "create_wallet_from_l1",
    "format_amount",
    "parse_amount",
]

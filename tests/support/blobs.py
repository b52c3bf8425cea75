"""Transactions that carry a blob (EIP-4844), signed as any wallet of L1 would."""

from typing import Any

import rlp
from eth_account import Account
from web3 import Web3

from sotto.l1.blob_transaction import BLOB_TYPE
from sotto.protocol.kzg import CommittedBlob

BLOB_FEE = 10**10
"""Most that a unit of blob gas may cost, in wei."""


def send_with_blobs(web3: Web3, transaction: dict[str, Any], key: str, *blobs: CommittedBlob) -> Any:
    """Send `to`, `data` and `gas` in a transaction with these blobs; its receipt."""
    account = Account.from_key(key)
    price = 2 * web3.eth.gas_price
    signed = account.sign_transaction(
        {
            "type": BLOB_TYPE,
            "chainId": web3.eth.chain_id,
            "nonce": web3.eth.get_transaction_count(account.address),
            "maxFeePerGas": price,
            "maxPriorityFeePerGas": min(price, 10**9),
            "maxFeePerBlobGas": BLOB_FEE,
            "blobVersionedHashes": [blob.versioned_hash for blob in blobs],
            "value": 0,
            "to": transaction["to"],
            "data": transaction["data"],
            "gas": transaction["gas"],
        }
    )
    body: Any = rlp.decode(signed.raw_transaction[1:])
    sidecar = [
        [blob.data for blob in blobs],
        [blob.commitment for blob in blobs],
        [blob.network_proof() for blob in blobs],
    ]
    sent = web3.eth.send_raw_transaction(bytes([BLOB_TYPE]) + rlp.encode([body, *sidecar]))
    return web3.eth.wait_for_transaction_receipt(sent)

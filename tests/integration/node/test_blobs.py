"""Blobs on a real chain: sent in both forms, outbid, sent again, and read back from two of its interfaces."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import TxParams, Wei

from sotto.l1.blob_transaction import Wrapper, unwrap, wrap
from sotto.l1.blobs import BeaconBlobs, BlobReader, BlobReference, BlobSource, RpcBlobs
from sotto.l1.errors import BlobsMissing, TransactionReverted
from sotto.l1.sender import Sender, SignedTransaction
from sotto.protocol.data import read_blob
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.words import data_words
from sotto.testing.chain import LocalChain, anvil, funded_account

LANES = 16
REVERTS_WITH_BLOB = bytes.fromhex("5f49600657005b5f5ffd")
"""Code that reverts unless blobhash(0) is 0, as a rollup in data mode 0 does."""


@pytest.fixture(scope="module", params=["prague", "osaka"])
def chain(request: pytest.FixtureRequest) -> Iterator[LocalChain]:
    """A chain before and one after the fork that asks for cell proofs."""
    with anvil(hardfork=request.param) as running:
        yield running


@pytest.fixture
async def web3(chain: LocalChain) -> AsyncIterator[AsyncWeb3[Any]]:
    """A connection."""
    connection: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.url))
    yield connection
    await connection.provider.disconnect()


@pytest.fixture(scope="module")
def blob() -> CommittedBlob:
    """The data words of no epoch in particular."""
    return CommittedBlob.of(range(data_words(LANES)))


def transfer(sender: Sender) -> TxParams:
    """To oneself."""
    return {"to": sender.address, "data": b"", "value": Wei(0)}


async def test_a_blob_is_sent_as_the_chain_asks_and_read_back(
    chain: LocalChain, web3: AsyncWeb3[Any], blob: CommittedBlob
) -> None:
    sender = Sender(web3, funded_account(1))
    signed = await sender.sign(transfer(sender), await sender.next_nonce(), blob=blob)
    configuration = chain.request("eth_config", [])
    asks_for_cells = "P256VERIFY" in configuration["current"]["precompiles"]
    assert unwrap(signed.raw)[2] == (Wrapper.CELL_PROOFS if asks_for_cells else Wrapper.BLOB_PROOF)
    await sender.broadcast(signed)
    receipt: Any = await sender.confirm(signed)
    # As after a restart that found the stored bytes.
    await sender.broadcast(signed)
    assert receipt["blobGasUsed"] == 2**17

    wanted = BlobReference(1, LANES, blob.versioned_hash, receipt["blockNumber"])
    sources: list[BlobSource] = [RpcBlobs(web3), BeaconBlobs(chain.url, web3)]
    for source in sources:
        assert await BlobReader([source]).data_words(wanted) == read_blob(blob.data, LANES)
    unknown = BlobReference(2, LANES, CommittedBlob.of([2]).versioned_hash, receipt["blockNumber"])
    with pytest.raises(BlobsMissing, match=r"L1 client does not have it.*beacon API .* does not have it"):
        await BlobReader(sources).data_words(unknown)


async def test_the_other_form_goes_when_one_is_refused(
    chain: LocalChain, web3: AsyncWeb3[Any], blob: CommittedBlob
) -> None:
    sender = Sender(web3, funded_account(2))
    signed = await sender.sign(transfer(sender), await sender.next_nonce(), blob=blob)
    body, _, wrapper = unwrap(signed.raw)
    # Proofs of another blob, which the chain refuses as it would the wrong form.
    false = CommittedBlob(blob.data, blob.commitment)
    refused = bytearray(wrap(body, false, wrapper))
    refused[-48:] = CommittedBlob.of([1]).network_proof()
    await sender.broadcast(SignedTransaction(bytes(refused), signed.hash, signed.nonce))
    assert (await sender.confirm(signed))["status"] == 1


async def test_a_stuck_blob_is_outbid_also_by_its_cancellation(
    chain: LocalChain, web3: AsyncWeb3[Any], blob: CommittedBlob
) -> None:
    sender = Sender(web3, funded_account(3))
    chain.request("evm_setAutomine", [False])
    try:
        nonce = await sender.next_nonce()
        first = await sender.sign(transfer(sender), nonce, blob=blob)
        await sender.broadcast(first)
        second = await sender.sign(transfer(sender), nonce, first.raw)
        await sender.broadcast(second)
        chain.mine()
    finally:
        chain.request("evm_setAutomine", [True])
    assert (await sender.confirm(second))["type"] == 3
    assert await sender.receipt(first.hash) is None


async def test_the_replay_of_a_revert_has_the_blob(
    chain: LocalChain, web3: AsyncWeb3[Any], blob: CommittedBlob
) -> None:
    sender = Sender(web3, funded_account(4))
    target = "0x" + "5a" * 20
    call: Any = {"to": web3.to_checksum_address(target), "data": b"", "value": Wei(0)}
    signed = await sender.sign(call, await sender.next_nonce(), blob=blob)
    # Between the estimate and the block, as another commit may come first.
    chain.request("anvil_setCode", [target, "0x" + REVERTS_WITH_BLOB.hex()])
    await sender.broadcast(signed)
    with pytest.raises(TransactionReverted) as caught:
        await sender.confirm(signed)
    assert caught.value.cause is not None
    assert caught.value.cause.name == "Empty"


async def test_a_blob_lost_with_its_block_is_sent_again(
    chain: LocalChain, web3: AsyncWeb3[Any], blob: CommittedBlob
) -> None:
    sender = Sender(web3, funded_account(5))
    signed = await sender.sign(transfer(sender), await sender.next_nonce(), blob=blob)
    await sender.broadcast(signed)
    await sender.confirm(signed)
    chain.reorganise(1)
    await sender.broadcast(signed)
    chain.mine()
    assert (await sender.confirm(signed))["status"] == 1

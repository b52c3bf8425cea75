"""The forms in which blob transactions are sent, and what is offered for them."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import rlp
from ckzg import verify_cell_kzg_proof_batch
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.exceptions import Web3RPCError
from web3.types import TxParams

from sotto.l1.blob_transaction import Wrapper, unwrap, wrap, wrapper_of
from sotto.l1.errors import BlobTransactionMalformed, FeeCapReached, L1Unavailable
from sotto.l1.sender import Sender, SignedTransaction
from sotto.protocol.kzg import CommittedBlob

GWEI = 10**9
ACCOUNT = Account.create()
NOTHING = cast(TxParams, {"to": to_checksum_address("0x" + "11" * 20), "data": b"", "value": 0})
OSAKA = {"current": {"precompiles": {"P256VERIFY": "0x" + "100".zfill(40)}}}
PRAGUE = {"current": {"precompiles": {"ECREC": "0x" + "1".zfill(40)}}}


class Market:
    """The L1 node's answers, as web3 has them; it refuses the forms named."""

    def __init__(
        self, blob_fee: int = 1, configuration: object = PRAGUE, refused: tuple[Wrapper, ...] = ()
    ) -> None:
        self.fee, self.configuration, self.refused = blob_fee, configuration, refused
        self.asked: list[TxParams] = []
        self.sent: list[bytes] = []

    async def estimate_gas(self, transaction: TxParams) -> int:
        """Gas of anything."""
        self.asked.append(transaction)
        return 100_000

    async def get_block(self, _block: str) -> dict[str, int]:
        """The head."""
        return {"baseFeePerGas": GWEI}

    @property
    async def max_priority_fee(self) -> int:
        """The market's tip."""
        return GWEI

    @property
    async def chain_id(self) -> int:
        """Of a local chain."""
        return 31337

    @property
    async def blob_base_fee(self) -> int:
        """Of the next block."""
        return self.fee

    async def coro_request(self, method: str, _parameters: list[Any]) -> object:
        """`eth_config`, if this client has it."""
        assert method == "eth_config"
        if self.configuration is None:
            raise Web3RPCError("method not found")
        return self.configuration

    async def send_raw_transaction(self, raw: bytes) -> None:
        """Takes or refuses."""
        if unwrap(bytes(raw))[2] in self.refused:
            raise Web3RPCError("unexpected sidecar version")
        self.sent.append(bytes(raw))


def sender_in(market: Market, max_blob_fee: int | None = None) -> Sender:
    """A sender in a market."""
    web3 = cast(Any, SimpleNamespace(eth=market, manager=market))
    return Sender(web3, ACCOUNT, max_blob_fee=max_blob_fee)


def fields_of(raw: bytes) -> dict[str, Any]:
    """Fields of what is sent."""
    return TypedTransaction.from_bytes(HexBytes(unwrap(raw)[0])).as_dict()


@pytest.fixture(scope="module")
def blob() -> CommittedBlob:
    """A small polynomial."""
    return CommittedBlob.of([1, 2, 3])


async def test_the_hash_is_that_of_the_form_in_blocks_and_the_estimate_knows_the_blob(
    blob: CommittedBlob,
) -> None:
    market = Market()
    signed = await sender_in(market).sign(NOTHING, 3, blob=blob)
    body, carried, wrapper = unwrap(signed.raw)
    assert keccak(body) == signed.hash
    assert (carried, wrapper) == (blob, Wrapper.BLOB_PROOF)
    assert market.asked[0]["blobVersionedHashes"] == [blob.versioned_hash]
    assert fields_of(signed.raw)["blobVersionedHashes"] == (blob.versioned_hash,)
    assert Account.recover_transaction(body) == ACCOUNT.address


async def test_cell_proofs_are_those_of_eip_7594(blob: CommittedBlob) -> None:
    import ckzg

    from sotto.protocol.kzg import _setup

    signed = await sender_in(Market(configuration=OSAKA)).sign(NOTHING, 0, blob=blob)
    parts = rlp.decode(signed.raw[1:])
    assert (len(parts), parts[1], len(parts[4])) == (5, b"\x01", 128)
    cells = ckzg.compute_cells(blob.data, _setup())
    assert verify_cell_kzg_proof_batch([blob.commitment] * 128, list(range(128)), cells, parts[4], _setup())


def test_wrapping_is_undone(blob: CommittedBlob) -> None:
    signed = b"\x03" + rlp.encode([b"\x01", b"\x02"])
    for wrapper in Wrapper:
        sent = wrap(signed, blob, wrapper)
        assert unwrap(sent) == (signed, blob, wrapper)
        for damaged in (sent[:-1], sent + b"\x00", b"\x02" + sent[1:], signed, b"\x03" + rlp.encode(b"")):
            with pytest.raises(BlobTransactionMalformed):
                unwrap(damaged)


async def test_a_client_that_does_not_tell_gets_the_newer_proofs_and_then_the_older(
    blob: CommittedBlob,
) -> None:
    market = Market(configuration=None, refused=(Wrapper.CELL_PROOFS,))
    sender = sender_in(market)
    signed = await sender.sign(NOTHING, 0, blob=blob)
    assert unwrap(signed.raw)[2] is Wrapper.CELL_PROOFS
    await sender.broadcast(signed)
    assert [unwrap(raw)[::2] for raw in market.sent] == [(unwrap(signed.raw)[0], Wrapper.BLOB_PROOF)]


async def test_what_was_stored_before_a_fork_is_sent_after_it(blob: CommittedBlob) -> None:
    stored = await sender_in(Market()).sign(NOTHING, 0, blob=blob)
    after = Market(configuration=OSAKA, refused=(Wrapper.BLOB_PROOF,))
    await sender_in(after).broadcast(SignedTransaction(stored.raw, stored.hash, 0))
    body, carried, wrapper = unwrap(after.sent[0])
    assert (keccak(body), carried, wrapper) == (stored.hash, blob, Wrapper.CELL_PROOFS)


async def test_both_refusals_are_told(blob: CommittedBlob) -> None:
    market = Market(refused=tuple(Wrapper))
    signed = await sender_in(market).sign(NOTHING, 0, blob=blob)
    with pytest.raises(L1Unavailable, match="with the stored proofs: unexpected sidecar version"):
        await sender_in(market).broadcast(signed)


async def test_a_replacement_doubles_all_three_fees_and_keeps_the_blob(blob: CommittedBlob) -> None:
    first = await sender_in(Market(blob_fee=5 * GWEI)).sign(NOTHING, 0, blob=blob)
    # A cancellation names no blob, but clients take only one with a blob in its place.
    second = await sender_in(Market()).sign(NOTHING, 0, first.raw)
    assert unwrap(second.raw)[1] == blob
    before, after = fields_of(first.raw), fields_of(second.raw)
    assert before["maxFeePerBlobGas"] == 20 * GWEI
    for name in ("maxPriorityFeePerGas", "maxFeePerGas", "maxFeePerBlobGas"):
        assert after[name] >= 2 * before[name]


async def test_the_cap_of_the_blob_fee_is_never_passed(blob: CommittedBlob) -> None:
    signed = await sender_in(Market(blob_fee=10), max_blob_fee=30).sign(NOTHING, 0, blob=blob)
    assert fields_of(signed.raw)["maxFeePerBlobGas"] == 30
    with pytest.raises(FeeCapReached, match="blob gas costs 31 wei, and max_blob_fee is 30"):
        await sender_in(Market(blob_fee=31), max_blob_fee=30).sign(NOTHING, 0, blob=blob)


@pytest.mark.parametrize(
    "answer",
    [None, [], {"current": None}, {"current": {"precompiles": {"A": 5}}}, {"current": {"precompiles": 1}}],
)
def test_an_answer_that_is_no_configuration_tells_nothing(answer: object) -> None:
    assert wrapper_of(answer) is None


def test_the_forks_differ_by_their_precompiles() -> None:
    assert (wrapper_of(PRAGUE), wrapper_of(OSAKA)) == (Wrapper.BLOB_PROOF, Wrapper.CELL_PROOFS)

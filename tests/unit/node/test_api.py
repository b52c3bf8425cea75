"""The API's forms: errors with code, message and hint; limits; alignment; the entries that wallets read."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from tests.support.scenario import Queued, Signed
from tests.unit.node.conftest import BAD, World, commit_row, deposit_row, proven, record_of
from tests.unit.node.test_sequencer import sequencing, until

from sotto.l1.blobs import BlobReader, BlobReference, NodeBlobs
from sotto.l1.deployment import Deployment
from sotto.node import models
from sotto.node.api import create_api
from sotto.node.blocks import block_hash
from sotto.node.core import epoch_row, lane_rows
from sotto.node.events import Feed
from sotto.node.limits import Limits
from sotto.node.metrics import Metrics
from sotto.node.queries import Queries
from sotto.node.servers import HttpServer
from sotto.node.tables import DepositRow
from sotto.protocol.field import field_to_json
from sotto.protocol.transaction import transaction_to_json
from sotto.protocol.words import DataMode

ADDRESS = "0x" + "11" * 20
DEPLOYMENT = Deployment.model_validate(
    {
        "chain_id": 31337,
        "contracts": {name: {"address": ADDRESS, "block": 1} for name in ("Rollup", "L1Queue", "Bridge")},
        "assets": [
            {"asset": 1, "address": None, "symbol": "ETH", "decimals": 18},
            {"asset": 2, "address": ADDRESS, "symbol": "TEST", "decimals": 6},
        ],
    }
)


@pytest.fixture
def queries(world: World) -> Queries:
    """Answers of a node that is ready."""
    made = Queries(world.core, world.mempool, DEPLOYMENT, Metrics(), Feed(world.core.store))
    made.set_ready(None)
    return made


@pytest.fixture
async def client(queries: Queries) -> AsyncIterator[httpx.AsyncClient]:
    """A client with small limits."""
    transport = httpx.ASGITransport(create_api(queries, Limits(100_000, 300, 300)))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as made:
        yield made


async def post(client: httpx.AsyncClient, *transactions: Any) -> httpx.Response:
    """Submit a bundle."""
    return await client.post("/v1/transactions", json={"transactions": list(transactions)})


async def test_status_fees_and_assets(client: httpx.AsyncClient, world: World) -> None:
    world.fund(1)
    status = (await client.get("/v1/status")).json()
    assert set(status) == {
        "chain_id", "rollup", "bridge", "queue", "domain", "head", "proven", "state", "now", "l1_block",
        "frozen", "lanes", "note_nodes", "queue_cursor", "pending", "block", "min_expiry_margin", "version",
    }  # fmt: skip
    assert (status["proven"], status["note_nodes"], status["queue_cursor"]) == (1, 4, 1)
    assert status["state"] == field_to_json(world.scenario.state.hash())
    assert (await client.get("/v1/fees")).json() == [{"asset": 1, "symbol": "ETH", "decimals": 18, "fee": 10}]
    assert [row["asset"] for row in (await client.get("/v1/assets")).json()] == [1, 2]


async def test_submission_and_its_status(client: httpx.AsyncClient, world: World) -> None:
    world.fund(1)
    signed = world.pay()
    h = field_to_json(signed.transaction.h)
    body = transaction_to_json(proven(signed))
    assert (await client.get(f"/v1/transactions/{h}")).status_code == 404
    assert (await post(client, body)).json() == {"ids": [h], "status": "received"}
    assert (await client.get(f"/v1/transactions/{h}")).json() == {
        "id": h, "status": "received", "block": None, "epoch": None, "lane": None, "reason": None,
        "l1_tx": None,
    }  # fmt: skip
    [entry] = (await client.get("/v1/pending")).json()
    assert (entry["id"], entry["node"], entry["kind"]) == (h, None, 1)
    assert entry["commitments"] == [field_to_json(x) for x in signed.transaction.commitments]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": 7}, "KindInvalid"),
        ({"fee": -1}, "IntegerOutOfRange"),
        ({"fee": "1.5"}, "JsonMalformed"),
        ({"anchor": "0x" + "ff" * 32}, "NonCanonicalField"),
        ({"proof": "0x00"}, "JsonMalformed"),
        ({"extra": 1}, "JsonMalformed"),
        ({"proof": "0x" + BAD.hex()}, "ProofInvalid"),
    ],
)
async def test_each_refusal_has_code_message_and_hint(
    client: httpx.AsyncClient, world: World, change: dict[str, Any], code: str
) -> None:
    world.fund(1)
    answer = await post(client, {**transaction_to_json(proven(world.pay())), **change})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]


async def test_malformed_requests_have_the_same_form(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.post("/v1/transactions", content=b"{"),
        await client.post("/v1/transactions", json={"transactions": []}),
        await client.post("/v1/transactions", json={"transactions": [], "more": 1}),
        await client.get("/v1/transactions/0x12"),
        await client.get("/v1/epochs", params={"start": -1}),
        await client.get("/v1/notes", params={"start": 1}),
        await client.get("/v1/notes", params={"count": 8192}),
        await client.get("/v1/nothing"),
        await client.delete("/v1/status"),
    ):
        assert 400 <= answer.status_code < 500
        assert set(answer.json()["error"]) == {"code", "message", "hint"}


async def test_limits(queries: Queries) -> None:
    transport = httpx.ASGITransport(create_api(queries, Limits(1000, 60, 60)))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        large = await client.post("/v1/transactions", content=b"x" * 1001)
        assert (large.status_code, large.json()["error"]["code"]) == (413, "RequestTooLarge")
        chunked = await client.post("/v1/transactions", content=_chunks())
        assert (chunked.status_code, chunked.json()["error"]["code"]) == (413, "RequestTooLarge")
        answers = [await client.get("/health") for _ in range(30)]
        assert answers[-1].status_code == 429
        assert answers[-1].json()["error"]["code"] == "RateExceeded"


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"y" * 500


async def test_a_node_that_is_not_ready_takes_nothing(
    client: httpx.AsyncClient, queries: Queries, world: World
) -> None:
    world.fund(1)
    queries.set_ready(OSError("no route to L1"))
    answer = await post(client, transaction_to_json(proven(world.pay())))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "NotReady")
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/health")).status_code == 200


async def test_entries_of_proven_epochs_rebuild_the_note_tree(
    client: httpx.AsyncClient, world: World
) -> None:
    store, scenario = world.core.store, world.scenario
    user = scenario.users[0]
    for number in (1, 2):
        queued = scenario.deposit(user, 1000)
        entries: list[Queued | Signed] = [queued] if number == 1 else [world.pay(fee=0), queued]
        epoch = scenario.close(entries, 4)
        world.core.ledger.append(epoch.result)
        world.core.ledger.confirm(record_of(epoch, 7))
        store.save_deposit(
            DepositRow(
                index=number - 1, depositor=bytes(20), asset=1, value=1000, partial=queued.deposit.partial,
                ciphertext=queued.ciphertext, l1_block=3, l1_tx=bytes(32),
            )
        )  # fmt: skip
        store.assign(epoch_row(epoch.result), lane_rows(epoch.result))
        store.save_commit(commit_row(record_of(epoch, 7), bytes(32)), ours=True)
        store.save_confirmation(number, 7, bytes(32))
    page = (await client.get("/v1/notes")).json()
    assert [(entry["node"], entry["kind"], entry["queue_index"]) for entry in page["entries"]] == [
        (0, 2, 0),
        (4, 1, None),
        (5, 2, 1),
    ]
    assert page["entries"][0]["ciphertexts"][1:] == ["0x", "0x"]
    tree = scenario.state.note
    for entry in page["entries"]:
        leaves = [field_to_json(tree.leaf(4 * entry["node"] + i)) for i in range(3)]
        assert entry["commitments"] == leaves
    epochs = (await client.get("/v1/epochs", params={"start": 1})).json()
    assert [(row["id"], row["first_node"], row["lanes"]) for row in epochs] == [(1, 0, 4), (2, 4, 4)]
    assert epochs[1]["note_root"] == field_to_json(tree.root)
    assert epochs[1]["record"]["new_state"] == epochs[1]["state"]


async def test_metrics_have_the_names_that_dashboards_know(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    for name in (
        "utxo_coin_count",
        "utxo_memo_count",
        "utxo_state_count",
        "block_processing_time_bucket",
        "transaction_throughput",
        "sotto_epoch_proven",
    ):
        assert f"\n{name}" in text


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema in the place of a reference to it."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


async def test_openapi_describes_every_call(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/openapi.json")).json()
    assert set(document["paths"]) >= {
        "/v1/status", "/v1/state", "/v1/fees", "/v1/assets", "/v1/transactions", "/v1/transactions/{h}",
        "/v1/pending", "/v1/blocks", "/v1/blocks/{number}", "/v1/epochs", "/v1/notes",
        "/v1/blobs/{versioned_hash}",
        "/health", "/ready", "/metrics",
    }  # fmt: skip
    answers = document["paths"]["/v1/blobs/{versioned_hash}"]["get"]["responses"]
    assert list(answers["200"]["content"]) == ["application/octet-stream"]
    assert {"4XX", "5XX"} <= set(answers)
    body = document["paths"]["/v1/transactions"]["post"]["requestBody"]
    form = resolved(document, body["content"]["application/json"]["schema"])
    assert {"transactions", "operations"} <= set(form["properties"])
    transaction = resolved(document, form["properties"]["transactions"]["items"])
    assert "nullifiers" in transaction["properties"]


async def test_answers_have_the_described_forms(client: httpx.AsyncClient, world: World) -> None:
    """With a proven epoch, one that is closed, one that is open, and a transaction that waits."""
    core, scenario = world.core, world.scenario
    user = scenario.users[0]
    queued = [scenario.deposit(user, 1_000_000) for _ in range(3)]
    for index, item in enumerate(queued):
        core.store.save_deposit(deposit_row(item, index))
    async with sequencing(world, proving=True, epoch_wait=0.05):
        core.assemble.set()
        await until(lambda: core.ledger.confirmed_id == 1)
    scenario.close([*queued, None], 4)
    core.store.save_deposit(deposit_row(scenario.deposit(user, 5), 3))
    payments = [world.pay() for _ in range(3)]
    for number, payment in enumerate(payments, 1):
        await world.mempool.admit([proven(payment)], [])
        if number < 3:
            async with sequencing(world, epoch_wait=0 if number == 1 else 3600):
                await until(lambda: not len(core.pool))
    assert (core.ledger.tip_id, core.open is not None, len(core.pool)) == (2, True, 1)
    h = field_to_json(payments[0].transaction.h)
    deposit = core.store.blocks(1, 1)[0].deposits[0].h
    forms: list[tuple[str, Any]] = [
        ("/v1/status", models.Status),
        ("/v1/state", models.NodeState),
        ("/v1/fees", list[models.Fee]),
        ("/v1/assets", list[models.Asset]),
        ("/v1/pending", list[models.Entry]),
        ("/v1/blocks", list[models.Block]),
        ("/v1/blocks/1", models.Block),
        ("/v1/epochs?start=1", list[models.Epoch]),
        ("/v1/notes", models.NotesPage),
        (f"/v1/transactions/{h}", models.TransactionState),
        (f"/v1/transactions/{field_to_json(deposit)}", models.TransactionState),
        ("/health", models.Alive),
        ("/ready", models.Ready),
    ]
    answers = {}
    for path, form in forms:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        answers[path] = answer.json()
        TypeAdapter(form).validate_json(answer.content, strict=True)
    pending = answers["/v1/pending"]
    assert [(entry["epoch"], entry["lane"]) for entry in pending] == [(2, 0), (2, 1), (3, 0), (None, None)]
    assert answers["/v1/status"]["pending"] == 3
    state = answers["/v1/state"]
    assert (state["proven"]["epoch"], state["closed"]["epoch"]) == (1, 2)
    assert state["open"] == {"epoch": 3, "lanes": 1, "queue_end": 4}
    assert state["block"]["hash"] == answers["/v1/blocks"][-1]["hash"]
    for block in answers["/v1/blocks"]:
        assert block_hash(bytes.fromhex(block["encoding"][2:])).hex() == block["hash"][2:]


async def test_unknown_blocks_are_told(client: httpx.AsyncClient) -> None:
    for number in (0, 1, -5, 2**70):
        answer = await client.get(f"/v1/blocks/{number}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "BlockUnknown")
    assert (await client.get("/v1/blocks", params={"start": 0})).status_code == 400
    assert (await client.get("/v1/blocks", params={"count": 257})).status_code == 400


async def test_deep_nesting_is_refused_and_hurts_nobody(client: httpx.AsyncClient) -> None:
    body = b'{"transactions": [{"kind": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]}"
    answer = await client.post("/v1/transactions", content=body[:99_000])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "RequestMalformed")


async def test_data_words_of_a_blob_are_served_to_whoever_asks(
    queries: Queries, client: httpx.AsyncClient, world: World
) -> None:
    world.fund(1)
    for lanes, mode in ((4, DataMode.CALLDATA), (16, DataMode.BLOB)):
        closed = world.scenario.close([world.pay()], lanes)
        result = replace(closed.result, data_mode=mode)
        world.core.store.assign(epoch_row(result), lane_rows(result))
    assert result.blob is not None
    words, versioned_hash = result.words.encode_data(), result.blob.versioned_hash
    path = f"/v1/blobs/0x{versioned_hash.hex()}"
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.content == words

    limits = Limits(1000, 60, 60)
    server = HttpServer(create_api(queries, limits), "127.0.0.1", 0)
    async with asyncio.TaskGroup() as group:
        node = NodeBlobs(await server.start(group))
        wanted = BlobReference(3, 16, versioned_hash, 1)
        assert await BlobReader([node]).data_words(wanted) == words
        assert await node.find(replace(wanted, hash=bytes(32))) == []
        await server.stop()


async def test_a_blob_of_no_epoch_and_a_malformed_hash_are_told(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/v1/blobs/0x01" + "11" * 31)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "BlobUnknown")
    for text in ("0x", "01" + "11" * 31, "0x01" + "AB" * 31, "0x01" + "11" * 32, "0x01" + "zz" * 31, "a/b"):
        answer = await client.get(f"/v1/blobs/{text}")
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["code"] == "RequestMalformed"

"""Attachments: taken with the transaction that commits to them, kept with it, and served."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.support.scenario import Signed
from tests.unit.node.conftest import World, commit_row, proven, record_of
from tests.unit.node.test_api import client, queries

from sotto.node import models
from sotto.node.core import epoch_row, lane_rows
from sotto.protocol.field import field_to_json
from sotto.protocol.transaction import attachment_hash, transaction_to_json

__all__ = ["client", "queries"]

DATA = bytes(range(256)) * 2
TEXT = "0x" + DATA.hex()


def with_attachment(signed: Signed, data: bytes = DATA) -> Signed:
    """The same payment, committed to an attachment."""
    ext = (signed.transaction.ext[0], attachment_hash(data), *signed.transaction.ext[2:])
    return replace(signed, transaction=replace(signed.transaction, ext=ext))


async def post(client: httpx.AsyncClient, signed: Signed, *attachments: Any) -> httpx.Response:
    """Submit one transaction."""
    body = {"transactions": [transaction_to_json(proven(signed))], "attachments": list(attachments)}
    return await client.post("/v1/transactions", json=body)


async def test_attachment_is_kept_and_served(client: httpx.AsyncClient, world: World) -> None:
    world.fund(1)
    signed = with_attachment(world.pay())
    h = field_to_json(signed.transaction.h)
    path = f"/v1/transactions/{h}/attachment"
    missing = await client.get(path)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "AttachmentUnknown")
    for _ in range(2):
        assert (await post(client, signed, TEXT)).json()["ids"] == [h]
    assert (await client.get(path)).json() == {"id": h, "attachment": TEXT}
    assert world.core.store.attachments([signed.transaction.h.to_bytes(32), bytes(32)]) == {
        signed.transaction.h.to_bytes(32): DATA
    }


@pytest.mark.parametrize(
    ("committed", "attachments", "code"),
    [
        (True, [], "AttachmentMismatch"),
        (True, [None], "AttachmentMismatch"),
        (True, ["0x" + "00" * 512], "AttachmentMismatch"),
        (False, [TEXT], "AttachmentMismatch"),
        (True, [TEXT, None], "JsonMalformed"),
        (True, [TEXT + "00"], "AttachmentSizeWrong"),
        (True, ["0x"], "AttachmentSizeWrong"),
        (True, [5], "AttachmentSizeWrong"),
        (True, ["0x" + "zz" * 512], "JsonMalformed"),
        (True, [TEXT.upper()], "JsonMalformed"),
    ],
)
async def test_other_attachments_are_refused(
    client: httpx.AsyncClient, world: World, committed: bool, attachments: list[Any], code: str
) -> None:
    world.fund(1)
    signed = with_attachment(world.pay()) if committed else world.pay()
    answer = await post(client, signed, *attachments)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert not len(world.core.pool)


async def test_ranges_have_the_attachments_of_their_nodes(client: httpx.AsyncClient, world: World) -> None:
    world.fund(2)
    store, scenario = world.core.store, world.scenario
    plain, signed = world.pay(), with_attachment(world.pay())
    assert (await post(client, signed, TEXT)).status_code == 200
    epoch = scenario.close([plain, signed], 4)
    world.core.ledger.append(epoch.result)
    world.core.ledger.confirm(record_of(epoch, 7))
    store.assign(epoch_row(epoch.result), lane_rows(epoch.result))
    store.save_commit(commit_row(record_of(epoch, 7), bytes(32)), ours=True)
    store.save_confirmation(epoch.result.words.header.epoch_id, 7, bytes(32))
    page = (await client.get("/v1/attachments")).json()
    models.AttachmentsPage.model_validate(page)
    node = epoch_row(epoch.result).first_node + 1
    assert page["entries"] == [{"node": node, "id": field_to_json(signed.transaction.h), "attachment": TEXT}]
    assert (await client.get("/v1/attachments", params={"start": 256})).json()["entries"] == []
    unaligned = await client.get("/v1/attachments", params={"start": 1})
    assert unaligned.json()["error"]["code"] == "RangeUnaligned"

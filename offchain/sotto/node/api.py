"""The HTTP API, version 1 (docs/spec/09-api.md)."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

import sotto
from sotto.l1.errors import L1Error
from sotto.node import models
from sotto.node.attachments import check_attachments
from sotto.node.errors import NodeError, NotReady, RequestMalformed
from sotto.node.limits import Limits
from sotto.node.queries import Queries
from sotto.node.streams import add_streams
from sotto.node.transactions import operation_from_json
from sotto.protocol.errors import NullifierSpent, ProtocolError
from sotto.protocol.transaction import transaction_from_json

log = structlog.get_logger(category="api")

CONFLICTS = (NullifierSpent,)
REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": models.ErrorAnswer},
    "5XX": {"model": models.ErrorAnswer},
}
SUBMISSION = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Submission"}}},
    }
}


class Body(BaseModel):
    """Body of POST /v1/transactions as far as it is looked at before the parsers of sotto.protocol.

    Those name what is wrong with a transaction; this one only needs to be fast, and safe with deep nesting.
    """

    model_config = ConfigDict(extra="forbid")
    transactions: list[dict[str, Any]]
    operations: list[dict[str, Any]] = []
    attachments: list[Any] = []


class Json(Response):
    """An answer that is not validated again."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """To UTF-8."""
        return to_json(content)


class Bytes(Response):
    """An answer of plain bytes."""

    media_type = "application/octet-stream"


def create_api(queries: Queries, limits: Limits) -> FastAPI:
    """The application; it answers NotReady until the node has started."""
    api = FastAPI(
        title="Sotto node",
        version=sotto.__version__,
        openapi_url="/v1/openapi.json",
        default_response_class=Json,
        responses=REFUSALS,
    )
    api.add_middleware(limits.middleware)
    _add_error_handlers(api, queries)
    _add_reads(api, queries)
    _add_ranges(api, queries)
    _add_blobs(api, queries)
    _add_submission(api, queries)
    _add_operations(api, queries)
    add_streams(api, queries.feed)
    return api


def _add_reads(api: FastAPI, queries: Queries) -> None:
    @api.get("/v1/status", response_model=models.Status)
    async def status() -> Json:
        """The node at a glance."""
        return Json(await queries.status())

    @api.get("/v1/state", response_model=models.NodeState)
    async def state() -> Json:
        """Roots and sizes of all trees, proven and closed, and how far blocks have come."""
        return Json(await queries.state())

    @api.get("/v1/fees", response_model=list[models.Fee])
    async def fees() -> Json:
        """The fee of one transaction in each asset that is taken."""
        return Json(queries.fees())

    @api.get("/v1/assets", response_model=list[models.Asset])
    async def assets() -> Json:
        """The listed assets."""
        return Json(queries.assets())

    @api.get("/v1/transactions/{h}", response_model=models.TransactionState)
    async def transaction(h: str) -> Json:
        """What became of a transaction, or of a deposit by its h."""
        return Json(await queries.transaction(h))

    @api.get("/v1/transactions/{h}/attachment", response_model=models.Attachment)
    async def attachment(h: str) -> Json:
        """The attachment of a transaction. Asking for one shows which transaction matters to the reader."""
        return Json(await queries.attachment(h))


def _add_ranges(api: FastAPI, queries: Queries) -> None:
    @api.get("/v1/pending", response_model=list[models.Entry])
    async def pending() -> Json:
        """Transactions and deposits on their way to a proven epoch, in order."""
        return Json(await queries.pending())

    @api.get("/v1/blocks", response_model=list[models.Block])
    async def blocks(start: int = 1, count: int = 256) -> Json:
        """Blocks by number."""
        return Json(await queries.blocks(start, count))

    @api.get("/v1/blocks/{number}", response_model=models.Block)
    async def block(number: int) -> Json:
        """One block."""
        return Json(await queries.block(number))

    @api.get("/v1/epochs", response_model=list[models.Epoch])
    async def epochs(start: int = 0, count: int = 256) -> Json:
        """Proven epochs by id."""
        return Json(await queries.epochs(start, count))

    @api.get("/v1/notes", response_model=models.NotesPage)
    async def notes(start: int = 0, count: int = 256) -> Json:
        """Entries of an aligned range of the note tree."""
        return Json(await queries.notes(start, count))

    @api.get("/v1/attachments", response_model=models.AttachmentsPage)
    async def attachments(start: int = 0, count: int = 256) -> Json:
        """Attachments of an aligned range of the note tree."""
        return Json(await queries.attachments(start, count))


def _add_blobs(api: FastAPI, queries: Queries) -> None:
    @api.get("/v1/blobs/{versioned_hash}", response_class=Bytes)
    async def blob(versioned_hash: str) -> Bytes:
        """The data words of an epoch that L1 has, or had, in this blob."""
        return Bytes(await queries.blob(versioned_hash))


def _add_submission(api: FastAPI, queries: Queries) -> None:
    @api.post("/v1/transactions", response_model=models.Submitted, openapi_extra=SUBMISSION)
    async def submit(request: Request) -> Json:
        """Submit one transaction or a bundle; answered once its proofs are verified and it is stored."""
        try:
            body = Body.model_validate_json(await request.body())
        except ValidationError as error:
            raise RequestMalformed(_causes(error.errors(include_input=False, include_url=False))) from error
        if not body.transactions:
            raise RequestMalformed("transactions is empty")
        queries.require_ready()
        proven = [transaction_from_json(item) for item in body.transactions]
        operations = [operation_from_json(item) for item in body.operations]
        attachments = check_attachments([item.transaction for item in proven], body.attachments)
        return Json(await queries.submit(proven, operations, attachments))

    described = api.openapi

    def openapi() -> dict[str, Any]:
        """The document, with the form of a submission, which FastAPI does not see."""
        document = described()
        schemas = document["components"]["schemas"]
        form = models.Submission.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(form.pop("$defs", {}))
        schemas["Submission"] = form
        return document

    api.openapi = openapi  # type: ignore[method-assign]


def _add_operations(api: FastAPI, queries: Queries) -> None:
    @api.get("/health", response_model=models.Alive)
    async def health() -> Json:
        """Whether the process answers."""
        return Json({"status": "alive"})

    @api.get("/ready", response_model=models.Ready)
    async def ready() -> Json:
        """Whether the node follows L1 and takes transactions."""
        queries.require_ready()
        return Json({"status": "ready"})

    @api.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Prometheus' text format."""
        return Response(await queries.metrics(), media_type="text/plain; version=0.0.4")


def _causes(errors: Any) -> str:
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in errors[:5])


def _add_error_handlers(api: FastAPI, queries: Queries) -> None:
    def answer(status: int, code: str, message: str, hint: str) -> JSONResponse:
        queries.count_refusal(code)
        return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status)

    @api.exception_handler(NodeError)
    async def node_error(_request: Request, error: NodeError) -> JSONResponse:
        return answer(error.status, type(error).__name__, str(error), error.hint)

    @api.exception_handler(ProtocolError)
    async def protocol_error(_request: Request, error: ProtocolError) -> JSONResponse:
        cause = (type(error).__doc__ or "").split("\n")[0]
        status = 409 if isinstance(error, CONFLICTS) else 400
        return answer(status, type(error).__name__, str(error) or cause, cause)

    @api.exception_handler(L1Error)
    async def l1_error(_request: Request, error: L1Error) -> JSONResponse:
        return answer(503, type(error).__name__, str(error), NotReady.hint)

    @api.exception_handler(RequestValidationError)
    async def validation_error(_request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(400, RequestMalformed.__name__, _causes(error.errors()), RequestMalformed.hint)

    @api.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, RequestMalformed.__name__, str(error.detail), RequestMalformed.hint)

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("request failed", path=request.url.path, exc_info=error)
        return answer(500, "InternalError", "the node failed; its log has the cause", "Report it.")

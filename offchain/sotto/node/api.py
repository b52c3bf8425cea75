"""The HTTP API, version 1 (docs/spec/09-api.md)."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

import sotto
from sotto.l1.errors import L1Error
from sotto.node.errors import NodeError, NotReady, RequestMalformed
from sotto.node.limits import Limits
from sotto.node.queries import Queries
from sotto.node.transactions import operation_from_json
from sotto.protocol.errors import NullifierSpent, ProtocolError
from sotto.protocol.transaction import transaction_from_json

log = structlog.get_logger(category="api")

CONFLICTS = (NullifierSpent,)


class Submission(BaseModel):
    """Body of POST /v1/transactions; `operations`: {id, previous, next} for each transaction of kind 5."""

    model_config = ConfigDict(extra="forbid")
    transactions: list[dict[str, Any]]
    operations: list[dict[str, Any]] = []


def create_api(queries: Queries, limits: Limits) -> FastAPI:
    """The application; it answers NotReady until the node has started."""
    api = FastAPI(title="Sotto node", version=sotto.__version__, openapi_url="/v1/openapi.json")
    api.add_middleware(limits.middleware)
    _add_error_handlers(api, queries)
    _add_routes(api, queries)
    _add_operations(api, queries)
    return api


def _add_routes(api: FastAPI, queries: Queries) -> None:
    @api.get("/v1/status")
    async def status() -> dict[str, Any]:
        return await queries.status()

    @api.get("/v1/fees")
    async def fees() -> list[dict[str, Any]]:
        return queries.fees()

    @api.get("/v1/assets")
    async def assets() -> list[dict[str, Any]]:
        return queries.assets()

    @api.post("/v1/transactions")
    async def submit(submission: Submission) -> dict[str, Any]:
        if not submission.transactions:
            raise RequestMalformed("transactions is empty")
        proven = [transaction_from_json(item) for item in submission.transactions]
        operations = [operation_from_json(item) for item in submission.operations]
        return await queries.submit(proven, operations)

    @api.get("/v1/transactions/{h}")
    async def transaction(h: str) -> dict[str, Any]:
        return await queries.transaction(h)

    @api.get("/v1/pending")
    async def pending() -> list[dict[str, Any]]:
        return await queries.pending()

    @api.get("/v1/epochs")
    async def epochs(start: int = 0, count: int = 256) -> list[dict[str, Any]]:
        return await queries.epochs(start, count)

    @api.get("/v1/notes")
    async def notes(start: int = 0, count: int = 256) -> dict[str, Any]:
        return await queries.notes(start, count)


def _add_operations(api: FastAPI, queries: Queries) -> None:
    @api.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @api.get("/ready")
    async def ready() -> dict[str, str]:
        queries.require_ready()
        return {"status": "ready"}

    @api.get("/metrics")
    async def metrics() -> Response:
        return Response(queries.metrics(), media_type="text/plain; version=0.0.4")


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
        causes = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:5])
        return answer(400, RequestMalformed.__name__, causes, "See /v1/openapi.json.")

    @api.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        return answer(
            error.status_code, RequestMalformed.__name__, str(error.detail), "See /v1/openapi.json."
        )

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("request failed", path=request.url.path, exc_info=error)
        return answer(500, "InternalError", "the node failed; its log has the cause", "Report it.")

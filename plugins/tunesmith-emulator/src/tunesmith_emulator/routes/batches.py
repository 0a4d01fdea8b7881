"""The routes of batches and their files, in the shapes of OpenAI.

Clients send their API key in the place of a token, and name the project in a header.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from tunesmith_emulator.batches.files import Order
from tunesmith_emulator.batches.service import BatchBody
from tunesmith_emulator.listing import Part
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Evidence, Route, ServicesOf
from tunesmith_emulator.translation import service_errors
from tunesmith_emulator.uploads import upload_of


def _scope(
    services: ServicesOf,
    x_ibm_project_id: Annotated[str | None, Header()] = None,
    x_ibm_space_id: Annotated[str | None, Header()] = None,
    project_id: str | None = None,
    space_id: str | None = None,
) -> ProjectScope:
    scope = ProjectScope.require(
        {"project_id": x_ibm_project_id, "space_id": x_ibm_space_id},
        {"project_id": project_id, "space_id": space_id},
    )
    services.platform.check(scope)
    return scope


_ScopeOf = Annotated[ProjectScope, Depends(_scope)]
"""The handler parameter for the project or space in the headers or the query."""


async def upload(request: Request, services: ServicesOf, scope: _ScopeOf) -> JSON:
    """Keep a file of requests."""
    with service_errors():
        given = await upload_of(request, services.settings.max_upload_bytes)
    named = given.filename, given.purpose, given.content
    return await run_in_threadpool(services.batch_files.upload, scope, *named)


def files(
    services: ServicesOf,
    scope: _ScopeOf,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Order = "desc",
    purpose: str | None = None,
    after: str | None = None,
) -> JSON:
    """List files."""
    return _listed(services.batch_files.listed(scope, purpose, order, after, limit))


def file(file_id: str, services: ServicesOf, scope: _ScopeOf) -> JSON:
    """Return a file without its bytes."""
    return services.batch_files.get(scope, file_id)


def content(file_id: str, services: ServicesOf, scope: _ScopeOf) -> Response:
    """Return the bytes of a file."""
    return Response(services.batch_files.content(scope, file_id), media_type=_BINARY)


def delete_file(file_id: str, services: ServicesOf, scope: _ScopeOf) -> JSON:
    """Delete a file."""
    return services.batch_files.delete(scope, file_id)


def create(services: ServicesOf, scope: _ScopeOf, body: JsonBody) -> JSON:
    """Accept a batch."""
    return services.batches.create(scope, body)


def batches(
    services: ServicesOf,
    scope: _ScopeOf,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: str | None = None,
) -> JSON:
    """List batches, newest first."""
    return _listed(services.batches.listed(scope, after, limit))


def batch(batch_id: str, services: ServicesOf, scope: _ScopeOf) -> JSON:
    """Return a batch."""
    return services.batches.get(scope, batch_id)


def cancel(batch_id: str, services: ServicesOf, scope: _ScopeOf) -> JSON:
    """Cancel a batch."""
    return services.batches.cancel(scope, batch_id)


def _listed(part: Part[JSON]) -> JSON:
    ends = {"first_id": part.items[0]["id"], "last_id": part.items[-1]["id"]} if part.items else {}
    return {"object": "list", "data": list(part.items), **ends, "has_more": part.more}


class BatchUpload(BaseModel):
    """The form that uploads a file of requests."""

    file: str = Field(json_schema_extra={"format": "binary"})
    purpose: Literal["batch"]


class BatchFile(BaseModel):
    """A file of a batch."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str


class DeletedFile(BaseModel):
    """A file that is no more."""

    id: str
    object: Literal["file"]
    deleted: bool


class _Counts(BaseModel):
    total: int
    completed: int
    failed: int


class Batch(BaseModel):
    """A batch."""

    id: str
    object: Literal["batch"]
    endpoint: str
    input_file_id: str
    completion_window: str
    status: str
    created_at: int
    expires_at: int
    request_counts: _Counts


class IdList(BaseModel):
    """A part of a list, which goes on behind ``last_id``."""

    object: Literal["list"]
    data: list[JSON]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool


_BINARY = "application/octet-stream"
_SOURCE: tuple[Evidence, ...] = ("sdk", "recorded")
_RUN = (
    "Chats only. They run one after another, as text/chat answers them; a request that is refused "
    "is in the file of errors (inferred). A restart begins an unfinished batch again."
)


def _route(method: str, path: str, handler: Any, **more: Any) -> Route:
    return Route(method, path, handler, _SOURCE, "batches", by_key=True, **more)


_FILE, _BATCH = "/ml/v1/files/{file_id}", "/ml/v1/batches/{batch_id}"
ROUTES = (
    _route(
        "POST",
        "/ml/v1/files",
        upload,
        body=BatchUpload,
        media="multipart/form-data",
        answer=BatchFile,
        note="The requests are checked when a batch begins.",
    ),
    _route("GET", "/ml/v1/files", files, answer=IdList),
    _route("GET", _FILE, file, answer=BatchFile),
    _route("GET", f"{_FILE}/content", content, answer_media=_BINARY),
    _route("DELETE", _FILE, delete_file, answer=DeletedFile),
    _route("POST", "/ml/v1/batches", create, body=BatchBody, answer=Batch, note=_RUN),
    _route("GET", "/ml/v1/batches", batches, answer=IdList),
    _route("GET", _BATCH, batch, answer=Batch),
    _route("POST", f"{_BATCH}/cancel", cancel, answer=Batch),
)

"""The routes of functions, AI services, experiments and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import RootModel

from tunesmith_emulator.repository.service import Kind, Label, Operation
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import AnyJsonBody, JsonBody, raw_body
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf, scope_of_body

_KINDS: tuple[Kind, ...] = ("functions", "ai_services", "experiments", "pipelines")
_WITH_CONTENT = ("functions", "ai_services")


async def _kind(request: Request) -> str:
    return request.url.path.split("/")[3]


KindOf = Annotated[Kind, Depends(_kind)]
"""The handler parameter for the kind of artifact in the address."""
ContentOf = Annotated[bytes, Depends(raw_body)]


def create(kind: KindOf, services: ServicesOf, body: JsonBody) -> JSON:
    """Store an artifact."""
    return services.artifacts.create(kind, scope_of_body(services, body), body)


def get(
    artifact_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf, rev: str | None = None
) -> JSON:
    """Return an artifact."""
    return services.artifacts.get(kind, scope, artifact_id, rev)


def listed(kind: KindOf, services: ServicesOf, scope: ScopeOf, request: Request) -> JSON:
    """List the artifacts of a kind."""
    return page(partial(services.artifacts.listed, kind, scope), request)


def change(
    artifact_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf, patch: AnyJsonBody
) -> JSON:
    """Apply a JSON patch."""
    return services.artifacts.change(kind, scope, artifact_id, patch)


def delete(artifact_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf) -> None:
    """Delete an artifact."""
    services.artifacts.delete(kind, scope, artifact_id)


def put_content(
    artifact_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf, content: ContentOf
) -> JSON:
    """Keep the content."""
    return services.artifacts.put_content(kind, scope, artifact_id, content)


def content(
    artifact_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf, rev: str | None = None
) -> Response:
    """Return the content."""
    found = services.artifacts.content(kind, scope, artifact_id, rev)
    return Response(found, media_type="application/octet-stream")


def revise(artifact_id: str, kind: KindOf, services: ServicesOf, body: JsonBody) -> JSON:
    """Make a revision."""
    return services.artifacts.revise(kind, scope_of_body(services, body), artifact_id)


def revisions(
    artifact_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf, request: Request
) -> JSON:
    """List the revisions."""
    return page(partial(services.artifacts.revisions, kind, scope, artifact_id), request)


class _New(Label, shapes.InScope):
    """An artifact."""


class _Patch(RootModel[list[Operation]]):
    """A JSON patch of whole fields."""


def _routes(kind: Kind) -> Iterator[Route]:
    every, one = f"/ml/v4/{kind}", f"/ml/v4/{kind}/{{artifact_id}}"

    def route(method: str, path: str, handler: Callable[..., Any], **more: Any) -> Route:
        return Route(method, path, handler, ("sdk",), "repository", **more)

    resource, stored = shapes.Resource, "Stored and given back; nothing of it runs."
    yield route("POST", every, create, status=201, body=_New, answer=resource, note=stored)
    yield route("GET", every, listed, answer=shapes.Page)
    yield route("GET", one, get, answer=resource)
    yield route("PATCH", one, change, body=_Patch, answer=resource)
    yield route("DELETE", one, delete, status=204)
    yield route(
        "POST", f"{one}/revisions", revise, status=201, body=shapes.InScope, answer=resource
    )
    yield route("GET", f"{one}/revisions", revisions, answer=shapes.Page)
    if kind in _WITH_CONTENT:
        binary = "application/octet-stream"
        yield route("PUT", f"{one}/code", put_content, status=201, media=binary, answer=resource)
        yield route("GET", f"{one}/code", content, answer_media=binary)


ROUTES = tuple(route for kind in _KINDS for route in _routes(kind))

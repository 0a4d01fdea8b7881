"""The routes of models, functions, AI services, experiments and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import RootModel

from tunesmith_emulator.repository.service import Kind, Label, ModelLabel, Operation
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.bodies import AnyJsonBody, JsonBody, uploaded_body
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf, scope_of_body

_KINDS: tuple[Kind, ...] = ("models", "functions", "ai_services", "experiments", "pipelines")
_CONTENT: dict[Kind, tuple[str, str]] = {
    "models": ("content", "download"),
    "functions": ("code", "code"),
    "ai_services": ("code", "code"),
}
"""The last part of the address that content is put to, and of the one that it is read from."""


async def _kind(request: Request) -> str:
    return request.url.path.split("/")[3]


KindOf = Annotated[Kind, Depends(_kind)]
"""The handler parameter for the kind of artifact in the address."""
ContentOf = Annotated[bytes, Depends(uploaded_body)]


def create(kind: KindOf, services: ServicesOf, body: JsonBody) -> JSON:
    """Store an artifact."""
    return services.artifacts.create(kind, scope_of_body(services, body), body)


def create_model(services: ServicesOf, body: JsonBody) -> Response:
    """Store a model: of a completed training, or one whose content is put later."""
    scope = scope_of_body(services, body)
    if "training_id" not in body:
        return JSONResponse(services.artifacts.create("models", scope, body), status_code=201)
    ident = services.trainings.store_model(scope, body)
    return JSONResponse(services.artifacts.get("models", scope, ident, None), status_code=202)


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
    artifact_id: str,
    kind: KindOf,
    services: ServicesOf,
    scope: ScopeOf,
    rev: str | None = None,
    revision_id: str | None = None,
) -> Response:
    """Return the content. Clients have two names for the revision."""
    found = services.artifacts.content(kind, scope, artifact_id, rev or revision_id)
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


class _NewModel(ModelLabel, shapes.InScope):
    """A model, whose content is put later."""


class NewModel(RootModel[_NewModel | shapes.NewTunedModel]):
    """A model, or one of a completed training."""


class _Patch(RootModel[list[Operation]]):
    """A JSON patch of whole fields."""


_KEPT = "Stored and given back; nothing of it runs."
_RUNS = "Stored and given back; a deployment runs it with --run-code."
_STORED: dict[Kind, str] = {"functions": _RUNS, "ai_services": _RUNS}
_MODELS = (
    "With training_id the model of a completed training (202): other ways through object storage "
    "are not emulated. Else a model whose content is put later (201); it is given back and does "
    "not run."
)


def _routes(kind: Kind) -> Iterator[Route]:
    every, one = f"/ml/v4/{kind}", f"/ml/v4/{kind}/{{artifact_id}}"

    def route(method: str, path: str, handler: Callable[..., Any], **more: Any) -> Route:
        return Route(method, path, handler, ("sdk",), "repository", **more)

    resource = shapes.Resource
    if kind == "models":
        also = ((202, resource),)
        yield route(
            "POST",
            every,
            create_model,
            status=201,
            body=NewModel,
            answer=resource,
            other_answers=also,
            note=_MODELS,
        )
    else:
        yield route(
            "POST",
            every,
            create,
            status=201,
            body=_New,
            answer=resource,
            note=_STORED.get(kind, _KEPT),
        )
    yield route("GET", every, listed, answer=shapes.Page)
    yield route("GET", one, get, answer=resource)
    yield route("PATCH", one, change, body=_Patch, answer=resource)
    yield route("DELETE", one, delete, status=204)
    yield route(
        "POST", f"{one}/revisions", revise, status=201, body=shapes.InScope, answer=resource
    )
    yield route("GET", f"{one}/revisions", revisions, answer=shapes.Page)
    if kind in _CONTENT:
        binary = "application/octet-stream"
        put, read = (f"{one}/{last}" for last in _CONTENT[kind])
        yield route("PUT", put, put_content, status=201, media=binary, answer=resource)
        yield route("GET", read, content, answer_media=binary)


ROUTES = tuple(route for kind in _KINDS for route in _routes(kind))

"""The routes of software specifications, package extensions and hardware specifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel

from tunesmith_emulator.listing import whole
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.assets import content_routes, signed
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ScopeOf, ServicesOf
from tunesmith_emulator.services import Services
from tunesmith_emulator.specifications.service import (
    ExtensionBody,
    Kind,
    Label,
    SoftwareBody,
)


async def _kind(request: Request) -> str:
    return request.url.path.split("/")[2].removesuffix("s")


KindOf = Annotated[Kind, Depends(_kind)]
"""The handler parameter for the kind in the address."""


def _any_scope(
    services: ServicesOf, project_id: str | None = None, space_id: str | None = None
) -> ProjectScope | None:
    scope = ProjectScope.find({"project_id": project_id, "space_id": space_id})
    if scope is not None:
        services.platform.check(scope)
    return scope


AnyScopeOf = Annotated[ProjectScope | None, Depends(_any_scope)]
"""The handler parameter for the project or space, if the query names one."""


def listed(
    kind: KindOf,
    request: Request,
    services: ServicesOf,
    scope: AnyScopeOf,
    name: str | None = None,
) -> JSON:
    """List those of the service, and of a project or a space."""
    found = services.specifications.listed(kind, scope, name)
    shown = [_with_href(one, kind, request, services) for one in found]
    made = page(whole(shown), request, counted=True)
    return {**made, "total_results": made["total_count"]}


def get(
    spec_id: str, kind: KindOf, request: Request, services: ServicesOf, scope: AnyScopeOf
) -> JSON:
    """Return one."""
    return _with_href(services.specifications.get(kind, scope, spec_id), kind, request, services)


def create(
    kind: KindOf, request: Request, services: ServicesOf, scope: ScopeOf, body: JsonBody
) -> JSON:
    """Store one."""
    return _with_href(services.specifications.create(kind, scope, body), kind, request, services)


def delete(spec_id: str, kind: KindOf, services: ServicesOf, scope: ScopeOf) -> None:
    """Delete a stored one."""
    services.specifications.delete(kind, scope, spec_id)


def extend(spec_id: str, extension_id: str, services: ServicesOf, scope: ScopeOf) -> None:
    """Add a package extension."""
    services.specifications.extend(scope, spec_id, extension_id)


def reduce(spec_id: str, extension_id: str, services: ServicesOf, scope: ScopeOf) -> None:
    """Take a package extension away."""
    services.specifications.reduce(scope, spec_id, extension_id)


def complete(spec_id: str, services: ServicesOf, scope: ScopeOf) -> None:
    """Complete the upload of a package extension."""
    services.specifications.complete(scope, spec_id)


def states(services: ServicesOf, scope: AnyScopeOf) -> JSON:
    """List the state of each software specification."""
    found = services.specifications.listed("software_specification", scope, None)
    told = [one["metadata"] for one in found]
    return {
        "results": [
            {"id": one["asset_id"], "name": one["name"], "state": "supported"} for one in told
        ]
    }


class SpecificationStates(BaseModel):
    """The states of software specifications."""

    results: list[JSON]


def _with_href(shown: JSON, kind: Kind, request: Request, services: Services) -> JSON:
    """Add the signed address of the bytes to a package extension."""
    if kind != "package_extension":
        return shown
    row = services.specifications.content(shown["metadata"]["asset_id"])
    path = _CONTENT.format(asset_id=row.asset_id, attachment_id=row.id)
    inner = {**shown["entity"][kind], "href": signed(path, row, request, services)}
    return {**shown, "entity": {kind: inner}}


class _Extension(ExtensionBody):
    """A package extension."""


class _Software(SoftwareBody):
    """A software specification."""


class _Hardware(Label):
    """A hardware specification."""


# The SDK takes details for those of an extension only if their address has this folder.
_CONTENT = "/v2/assets/{asset_id}/package_extension/{attachment_id}"
_INSTALLED = "Stored and given back; deployed code runs in the emulator's own environment."
_BODIES: dict[Kind, type[Label]] = {
    "software_specification": _Software,
    "hardware_specification": _Hardware,
    "package_extension": _Extension,
}


def _routes(kind: Kind) -> Iterator[Route]:
    every, one = f"/v2/{kind}s", f"/v2/{kind}s/{{spec_id}}"

    def route(method: str, path: str, handler: Callable[..., Any], **more: Any) -> Route:
        return Route(method, path, handler, ("sdk",), "specifications", **more)

    resource = shapes.Resource
    yield route("GET", every, listed, answer=shapes.Page)
    yield route(
        "POST", every, create, status=201, body=_BODIES[kind], answer=resource, note=_INSTALLED
    )
    yield route("GET", one, get, answer=resource)
    yield route("DELETE", one, delete, status=204)
    if kind == "software_specification":
        extension = f"{one}/package_extensions/{{extension_id}}"
        yield route("PUT", extension, extend, status=204)
        yield route("DELETE", extension, reduce, status=204)
        yield route(
            "GET",
            f"/ml/v4/list/{kind}s",
            states,
            answer=SpecificationStates,
            note="Asked for by the SDK up to 1.2; all are supported.",
        )
    if kind == "package_extension":
        yield route("POST", f"{one}/upload_complete", complete, status=204)
        yield from content_routes(_CONTENT, "specifications")


ROUTES = tuple(route for kind in _BODIES for route in _routes(kind))

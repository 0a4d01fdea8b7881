"""The routes of projects, spaces and other resources that clients ask for."""

from __future__ import annotations

from functools import partial

from fastapi import Request

from tunesmith_emulator.envelope import not_found
from tunesmith_emulator.project_scope import ProjectScope, ScopeKind
from tunesmith_emulator.routes import shapes
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf, base_url
from tunesmith_emulator.services import Services


def project(project_id: str, request: Request, services: ServicesOf) -> JSON:
    """Return a project."""
    return services.platform.details(ProjectScope("project", project_id), base_url(request))


def space(space_id: str, request: Request, services: ServicesOf) -> JSON:
    """Return a space."""
    return services.platform.details(ProjectScope("space", space_id), base_url(request))


def projects(request: Request, services: ServicesOf) -> JSON:
    """List the projects."""
    return _listed("project", request, services)


def spaces(request: Request, services: ServicesOf) -> JSON:
    """List the spaces."""
    return _listed("space", request, services)


def _listed(kind: ScopeKind, request: Request, services: Services) -> JSON:
    read = partial(services.platform.listed, kind, base_url(request))
    found = page(read, request, counted=True)
    return {**found, "total_results": found["total_count"]}


def instance(guid: str) -> JSON:
    """Return the service instance."""
    return {
        "metadata": {"guid": guid},
        "entity": {"name": "emulated", "status": "active", "plan": "emulated"},
    }


def connection(name: str) -> JSON:
    """Answer 404: data are uploaded, never connected."""
    raise not_found("connection", name)


def cpd_version() -> JSON:
    """Return the version of the service, as Cloud Pak for Data does."""
    return {"version": "5.2", "status": "ok"}


_UPLOADED = "Always 404: connected data are not emulated, upload a data asset."
ROUTES = (
    Route("GET", "/v2/projects", projects, ("sdk",), "platform", answer=shapes.Page),
    Route(
        "GET", "/v2/projects/{project_id}", project, ("sdk",), "platform", answer=shapes.Resource
    ),
    Route("GET", "/v2/spaces", spaces, ("sdk",), "platform", answer=shapes.Page),
    Route("GET", "/v2/spaces/{space_id}", space, ("sdk",), "platform", answer=shapes.Resource),
    Route(
        "GET",
        "/ml/v4/instances/{guid}",
        instance,
        ("inferred",),
        "platform",
        answer=shapes.Resource,
    ),
    Route("GET", "/v2/connections/{name}", connection, ("sdk",), "platform", note=_UPLOADED),
    Route("GET", "/v2/datasource_types/{name}", connection, ("sdk",), "platform", note=_UPLOADED),
    Route(
        "GET",
        "/ml/wml_services/v2/version",
        cpd_version,
        ("sdk",),
        "platform",
        public=True,
        note="Cloud Pak for Data only.",
    ),
)

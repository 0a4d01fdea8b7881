"""The routes of deployments."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import Request, Response

from tunesmith_emulator.deployments.patch import read_patch
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.routes.bodies import AnyJsonBody, JsonBody
from tunesmith_emulator.routes.paging import page
from tunesmith_emulator.routes.routing import (
    JSON,
    Route,
    ScopeOf,
    ServicesOf,
    base_url,
    scope_of_body,
)


def create(request: Request, services: ServicesOf, body: JsonBody) -> JSON:
    """Accept a deployment."""
    return services.deployments.create(scope_of_body(services, body), body, base_url(request))


def get(deployment_id: str, request: Request, services: ServicesOf, scope: ScopeOf) -> JSON:
    """Return a deployment."""
    return services.deployments.get(scope, deployment_id, base_url(request))


def listed(request: Request, services: ServicesOf) -> Any:
    """List deployments, or check whether a serving name is free."""
    query = request.query_params
    if query.get("conflict") == "true":
        services.deployments.check_free(query.get("serving_name", ""))
        return Response(status_code=204)
    scope = ProjectScope.require(query)
    services.platform.check(scope)
    read = partial(services.deployments.listed, scope, query, base_url(request))
    return page(read, request)


def change(
    deployment_id: str, request: Request, services: ServicesOf, scope: ScopeOf, patch: AnyJsonBody
) -> JSON:
    """Apply a JSON patch."""
    changes = read_patch(patch)
    return services.deployments.change(scope, deployment_id, changes, base_url(request))


def delete(deployment_id: str, services: ServicesOf, scope: ScopeOf) -> None:
    """Delete a deployment."""
    services.deployments.delete(scope, deployment_id)


ROUTES = (
    Route("POST", "/ml/v4/deployments", create, ("sdk", "recorded"), "deployments", status=202),
    Route("GET", "/ml/v4/deployments", listed, ("sdk",), "deployments"),
    Route("GET", "/ml/v4/deployments/{deployment_id}", get, ("sdk", "recorded"), "deployments"),
    Route("PATCH", "/ml/v4/deployments/{deployment_id}", change, ("sdk",), "deployments"),
    Route(
        "DELETE", "/ml/v4/deployments/{deployment_id}", delete, ("sdk",), "deployments", status=204
    ),
)

"""The routes of deployments."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from tunesmith_emulator.deployments.patch import read_patch
from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.routes import shapes
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


async def _filters(
    serving_name: str | None = None,
    asset_id: str | None = None,
    name: str | None = None,
    state: str | None = None,
) -> dict[str, str]:
    given = {"serving_name": serving_name, "asset_id": asset_id, "name": name, "state": state}
    return {field: value for field, value in given.items() if value is not None}


def listed(
    request: Request,
    services: ServicesOf,
    filters: Annotated[dict[str, str], Depends(_filters)],
    project_id: str | None = None,
    space_id: str | None = None,
    conflict: str = "",
) -> Any:
    """List deployments, or check whether a serving name is free."""
    if conflict == "true":
        services.deployments.check_free(filters.get("serving_name", ""))
        return Response(status_code=204)
    scope = ProjectScope.require({"project_id": project_id, "space_id": space_id})
    services.platform.check(scope)
    read = partial(services.deployments.listed, scope, filters, base_url(request))
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
    Route(
        "POST",
        "/ml/v4/deployments",
        create,
        ("sdk", "recorded"),
        "deployments",
        status=202,
        body=shapes.NewDeployment,
        answer=shapes.Resource,
    ),
    Route(
        "GET",
        "/ml/v4/deployments",
        listed,
        ("sdk",),
        "deployments",
        answer=shapes.Page,
        other_statuses=(204,),
    ),
    Route(
        "GET",
        "/ml/v4/deployments/{deployment_id}",
        get,
        ("sdk", "recorded"),
        "deployments",
        answer=shapes.Resource,
    ),
    Route(
        "PATCH",
        "/ml/v4/deployments/{deployment_id}",
        change,
        ("sdk",),
        "deployments",
        body=shapes.DeploymentPatch,
        answer=shapes.Resource,
    ),
    Route(
        "DELETE", "/ml/v4/deployments/{deployment_id}", delete, ("sdk",), "deployments", status=204
    ),
)

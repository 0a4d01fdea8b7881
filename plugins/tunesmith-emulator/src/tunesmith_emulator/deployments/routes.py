"""The addresses of deployments."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from tunesmith_emulator.bodies import AnyJsonBody, JsonBody
from tunesmith_emulator.deployments.patch import read_patch
from tunesmith_emulator.paging import page
from tunesmith_emulator.project_scope import Scope
from tunesmith_emulator.routing import JSON, HouseOf, Route, ScopeOf, base_url, scope_of_body


def create(request: Request, house: HouseOf, body: JsonBody) -> JSON:
    """Accept a deployment."""
    return house.deployments.create(scope_of_body(house, body), body, base_url(request))


def get(deployment_id: str, request: Request, house: HouseOf, scope: ScopeOf) -> JSON:
    """Return a deployment."""
    return house.deployments.get(scope, deployment_id, base_url(request))


def listed(request: Request, house: HouseOf) -> Any:
    """List deployments, or tell whether a serving name is taken."""
    query = request.query_params
    if query.get("conflict") == "true":
        house.deployments.check_free(query.get("serving_name", ""))
        return Response(status_code=204)
    scope = Scope.require(query)
    house.platform.check(scope)
    return page(house.deployments.listed(scope, query, base_url(request)), request)


def change(
    deployment_id: str, request: Request, house: HouseOf, scope: ScopeOf, patch: AnyJsonBody
) -> JSON:
    """Carry out a JSON patch."""
    changes = read_patch(patch)
    return house.deployments.change(scope, deployment_id, changes, base_url(request))


def delete(deployment_id: str, house: HouseOf, scope: ScopeOf) -> None:
    """Remove a deployment."""
    house.deployments.delete(scope, deployment_id)


ROUTES = (
    Route("POST", "/ml/v4/deployments", create, ("sdk", "recorded"), "deployments", status=202),
    Route("GET", "/ml/v4/deployments", listed, ("sdk",), "deployments"),
    Route("GET", "/ml/v4/deployments/{deployment_id}", get, ("sdk", "recorded"), "deployments"),
    Route("PATCH", "/ml/v4/deployments/{deployment_id}", change, ("sdk",), "deployments"),
    Route(
        "DELETE", "/ml/v4/deployments/{deployment_id}", delete, ("sdk",), "deployments", status=204
    ),
)

"""A route: method, path, handler, and the source of the shape of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.services import Services

Evidence = Literal["recorded", "sdk", "docs", "inferred", "ours"]
"""The source of a shape: recorded answers of the real service; the source code of a client
(``ibm-watsonx-ai`` 1.8.1 and others, which the tests run); IBM's documentation; an inference; or
this project itself (the control plane)."""


@dataclass(frozen=True)
class Route:
    """One line of the route table."""

    method: str
    path: str
    handler: Callable[..., Any]
    evidence: tuple[Evidence, ...]
    service: str
    """The folder of the service that answers."""
    public: bool = False
    """Whether the route needs no token."""
    status: int = 200
    """Status of a success; the SDK expects exactly this one."""
    note: str = ""
    """A note on the coverage page."""

    @property
    def name(self) -> str:
        """The name in faults and logs, e.g. ``POST /ml/v4/trainings``."""
        return f"{self.method} {self.path}"


def _services(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(_services)]
"""The handler parameter for the services."""
JSON = dict[str, Any]


def _scope(request: Request, services: ServicesOf) -> ProjectScope:
    scope = ProjectScope.require(request.query_params)
    services.platform.check(scope)
    return scope


ScopeOf = Annotated[ProjectScope, Depends(_scope)]
"""The handler parameter for the project or space in the query. It must exist."""


def scope_of_body(services: Services, body: JSON) -> ProjectScope:
    """Return the project or space in a body, which must exist."""
    scope = ProjectScope.require(body)
    services.platform.check(scope)
    return scope


def base_url(request: Request) -> str:
    """Return scheme and host as the client sees them; they may not be this machine's."""
    return str(request.base_url).rstrip("/")

"""A route: method, path, handler, and the source of the shape of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from tunesmith_emulator.project_scope import ProjectScope
from tunesmith_emulator.services import Services

Evidence = Literal["recorded", "sdk", "docs", "inferred", "ours"]
"""The source of a shape: recorded answers of the real service; the source code of a client
(``ibm-watsonx-ai`` 1.8.1 and others, which the tests run); IBM's documentation; an inference; or
this project itself (the control plane)."""


JSON_MEDIA = "application/json"


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
    body: type[BaseModel] | None = None
    """The shape of the body in the OpenAPI document, if the handler does not declare it."""
    answer: type[BaseModel] | None = None
    """The shape of a success in the OpenAPI document."""
    media: str = JSON_MEDIA
    """The media type of the body."""
    answer_media: str = JSON_MEDIA
    """The media type of a success."""
    other_statuses: tuple[int, ...] = ()
    """Further statuses of a success, without a body."""
    other_answers: tuple[tuple[int, type[BaseModel]], ...] = ()
    """Further statuses of a success, with the shapes of their bodies."""
    by_key: bool = False
    """Whether an API key may be in the place of the token."""

    @property
    def dated(self) -> bool:
        """Whether the route needs the query parameter ``version``."""
        return self.path.startswith(("/ml/v1/", "/ml/v4/"))

    @property
    def address(self) -> str:
        """The path without the kinds of its parameters, as the OpenAPI document has it."""
        return self.path.replace(":path}", "}")

    @property
    def name(self) -> str:
        """The name in faults and logs, e.g. ``POST /ml/v4/trainings``."""
        return f"{self.method} {self.address}"


async def _services(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


ServicesOf = Annotated[Services, Depends(_services)]
"""The handler parameter for the services."""
JSON = dict[str, Any]


def _scope(
    services: ServicesOf, project_id: str | None = None, space_id: str | None = None
) -> ProjectScope:
    scope = ProjectScope.require({"project_id": project_id, "space_id": space_id})
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

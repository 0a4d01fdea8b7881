"""What a route is: a method, a path, a handler, and where the shape of its answer comes from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from tunesmith_emulator.project_scope import Scope
from tunesmith_emulator.services import House

Evidence = Literal["recorded", "sdk", "docs", "inferred", "ours"]
"""Where a shape comes from: recorded answers of the real service; the source of a client that
reads it (``ibm-watsonx-ai`` 1.8.1 and others, exercised by the tests); IBM's documentation; an
inference; or this project's own (the control plane)."""


@dataclass(frozen=True)
class Route:
    """One line of the route table."""

    method: str
    path: str
    handler: Callable[..., Any]
    evidence: tuple[Evidence, ...]
    service: str
    """The folder that answers."""
    public: bool = False
    """Whether no token is asked for."""
    status: int = 200
    """Status of a success; the SDK insists on the exact one."""
    note: str = ""
    """What a reader of the coverage page must know."""

    @property
    def name(self) -> str:
        """How faults and logs call the route, e.g. ``POST /ml/v4/trainings``."""
        return f"{self.method} {self.path}"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the paths of the route."""
        parts = re.split(r"\{[^}]+\}", self.path)
        return re.compile("[^/]+".join(map(re.escape, parts)) + "$")


def _house(connection: HTTPConnection) -> House:
    house: House = connection.app.state.house
    return house


HouseOf = Annotated[House, Depends(_house)]
"""The parameter of a handler that wants the services."""
JSON = dict[str, Any]


def _scope(request: Request, house: HouseOf) -> Scope:
    scope = Scope.require(request.query_params)
    house.platform.check(scope)
    return scope


ScopeOf = Annotated[Scope, Depends(_scope)]
"""The parameter of a handler whose query names the project or space, which must exist."""


def scope_of_body(house: House, body: JSON) -> Scope:
    """Return the project or space that a body names, which must exist."""
    scope = Scope.require(body)
    house.platform.check(scope)
    return scope


def base_url(request: Request) -> str:
    """Return scheme and host as the client sees them, which need not be this machine's."""
    return str(request.base_url).rstrip("/")

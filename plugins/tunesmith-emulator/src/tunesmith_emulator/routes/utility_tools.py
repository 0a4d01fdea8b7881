"""The routes of utility agent tools."""

from __future__ import annotations

from pydantic import BaseModel

from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf
from tunesmith_emulator.utility_tools.service import RunRequest


def listed(services: ServicesOf) -> JSON:
    """List the tools."""
    return services.utility_tools.listed()


def get(tool_name: str, services: ServicesOf) -> JSON:
    """Return a tool."""
    return services.utility_tools.get(tool_name)


def run(services: ServicesOf, body: JsonBody) -> JSON:
    """Refuse to run a tool."""
    return services.utility_tools.run(body)


class _UtilityTool(BaseModel):
    name: str
    description: str
    agent_description: str | None = None
    input_schema: JSON | None = None
    config_schema: JSON | None = None


class _Tools(BaseModel):
    resources: list[_UtilityTool]


_LISTED = (
    "Names and schemas of GoogleSearch and Weather are recorded, RAGQuery's are the SDK's, the "
    "others inferred. 404 for a served day from August 2026, when the service removed them."
)
_SERVICE = "utility_tools"
_PATH = "/wx/v1-beta/utility_agent_tools"
ROUTES = (
    Route("GET", _PATH, listed, ("sdk", "recorded"), _SERVICE, answer=_Tools, note=_LISTED),
    Route("GET", f"{_PATH}/{{tool_name}}", get, ("inferred",), _SERVICE, answer=_UtilityTool),
    Route(
        "POST",
        f"{_PATH}/run",
        run,
        ("sdk",),
        _SERVICE,
        body=RunRequest,
        note="Always refused: each tool needs a network, a sandbox or a vector index.",
    ),
)

"""The routes of deployed functions and AI services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from tunesmith_emulator.fields import Body
from tunesmith_emulator.inference.sse import event_stream
from tunesmith_emulator.routes.bodies import JsonBody
from tunesmith_emulator.routes.routing import JSON, Route, ServicesOf


class ScoreBody(Body):
    """The rows that a function gets."""

    input_data: list[dict[str, Any]]


def score(deployment_id: str, request: Request, services: ServicesOf, body: JsonBody) -> Any:
    """Return what the function ``score`` returns."""
    ScoreBody.read(body)
    code = services.deployments.code(deployment_id)
    return services.deployed_code.call(code, "score", _told(request, body))


def generate(
    deployment_id: str, request: Request, services: ServicesOf, body: JsonBody
) -> Response:
    """Return what the function ``generate`` returns: body, status and headers."""
    code = services.deployments.code(deployment_id)
    made = services.deployed_code.call(code, "generate", _told(request, body))
    headers = {str(name): str(value) for name, value in (made.get("headers") or {}).items()}
    kept = {name: value for name, value in headers.items() if name.lower() not in _OURS}
    return JSONResponse(made["body"], int(made.get("status", 200)), kept)


def generate_stream(
    deployment_id: str, request: Request, services: ServicesOf, body: JsonBody
) -> Response:
    """Send each piece that the function ``generate_stream`` yields as an event."""
    code = services.deployments.code(deployment_id)
    pieces = services.deployed_code.stream(code, "generate_stream", _told(request, body))
    return event_stream(_pieces(pieces), greet=False)


def _pieces(messages: Iterator[JSON]) -> Iterator[Any]:
    for message in messages:
        if "piece" in message:
            yield message["piece"]


def _told(request: Request, body: JSON) -> JSON:
    return {
        "payload": body,
        "token": request.headers.get("authorization", "").partition(" ")[2],
        "headers": dict(request.headers),
        "method": request.method,
        "query": dict(request.query_params),
    }


_OURS = {"content-length", "content-type", "transfer-encoding", "connection"}
_RUNS = "The code runs in a process of its own, with the packages of its Python."


def _post(what: str, handler: Any) -> Route:
    path = f"/ml/v4/deployments/{{deployment_id}}/{what}"
    return Route("POST", path, handler, ("sdk",), "deployed_code", note=_RUNS)


ROUTES = (
    _post("predictions", score),
    _post("ai_service", generate),
    _post("ai_service_stream", generate_stream),
)

"""The OpenAPI document of the emulator.

FastAPI describes what the handlers declare. The routes add what their services read of the request
themselves: bodies, the parts of a list, the version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from tunesmith_emulator.routes.paging import MOST
from tunesmith_emulator.routes.routing import JSON_MEDIA, Route
from tunesmith_emulator.routes.shapes import Envelope, IdentityRefusal, Page
from tunesmith_emulator.routes.table import ROUTES

ADDRESS = "/_emulator/openapi.json"
_SCHEMAS = "#/components/schemas/{model}"


def answers(route: Route) -> dict[int | str, dict[str, Any]]:
    """Return the answers of ``route`` by status, for FastAPI."""
    refusals = {"model": Envelope, "description": "A refusal"}
    made: dict[int | str, dict[str, Any]] = {"4XX": refusals}
    if route.service == "iam" and route.media != JSON_MEDIA:
        made[400] = {"model": IdentityRefusal, "description": "A refusal of the identity service"}
    if route.answer is not None:
        made[route.status] = {"model": route.answer}
    elif route.answer_media not in (JSON_MEDIA, ""):
        made[route.status] = {"content": {route.answer_media: {}}}
    for status, model in route.other_answers:
        made[status] = {"model": model}
    for status in route.other_statuses:
        made[status] = {"description": "Done"}
    return made


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of ``app``, which has all routes of the table."""
    made = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components = made["components"]
    bodies = [(route.body, "validation") for route in ROUTES if route.body is not None]
    refs, defined = models_json_schema(bodies, ref_template=_SCHEMAS)  # type: ignore[arg-type]
    components["schemas"] |= defined.get("$defs", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for route in ROUTES:
        operation = made["paths"].get(route.address, {}).get(route.method.lower())
        if operation is None:  # a WebSocket
            continue
        operation["operationId"] = _identifier(route)
        operation["tags"] = [route.service]
        known = operation.setdefault("parameters", [])
        names = {parameter["name"] for parameter in known}
        known += [p for p in _parameters(route) if p["name"] not in names]
        if route.body is not None:
            schema = refs[route.body, "validation"]
            operation["requestBody"] = _content(route.media, schema)
        elif route.media != JSON_MEDIA:
            operation["requestBody"] = _content(route.media, {"type": "string", "format": "binary"})
        if not route.public:
            operation["security"] = [{"token": []}]
    return made


def _identifier(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", route.address)
    return "_".join([route.method.lower(), *words])


def _content(media: str, schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {media: {"schema": schema}}}


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.address):
        yield _parameter("path", name, {"type": "string", "minLength": 1})
    if route.dated:
        yield _parameter("query", "version", {"type": "string", "format": "date"}, required=True)
    if route.answer is Page:
        yield _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": MOST})
        yield _parameter("query", "start", {"type": "integer", "minimum": 0, "maximum": 10**9 - 1})
        yield _parameter("query", "total_count", {"type": "boolean"})


def _parameter(where: str, name: str, schema: Any, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "schema": schema,
    }
